//! The proxy for requests to Atlas, by the rules of Go's `httpproxy` package, which other providers follow.
//!
//! `HTTPS_PROXY` names the proxy and `NO_PROXY` the hosts that are reached without it. A loopback address never has a
//! proxy, so `HTTP_PROXY` has no meaning here: plain `http` is accepted for loopback addresses only.

use std::{borrow::Cow, fmt, net::IpAddr};

use thiserror::Error;
use url::Url;

/// A proxy from an environment variable.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
    address: String,
}

impl Proxy {
    /// The environment variables that name the proxy, in the order in which they are read; an empty one counts as unset.
    pub const VARIABLES: [&'static str; 2] = ["HTTPS_PROXY", "https_proxy"];
    /// The environment variables that list the hosts without a proxy, in the same way.
    pub const EXCLUSION_VARIABLES: [&'static str; 2] = ["NO_PROXY", "no_proxy"];

    /// Parses the value of a proxy variable: a URL, or the `host:port` of an HTTP proxy.
    pub fn parse(variable: &'static str, value: &str) -> Result<Self, InvalidProxy> {
        let value = value.trim();
        let with_scheme = if value.contains("://") {
            Cow::Borrowed(value)
        } else {
            Cow::Owned(format!("http://{value}"))
        };
        let mut url = Url::parse(&with_scheme).map_err(|_| InvalidProxy::NotAUrl { variable })?;
        let default_port = match url.scheme() {
            "http" => 80,
            "https" => 443,
            // The proxy resolves the name, as in Go, where both spellings mean the same.
            "socks5" | "socks5h" => 1080,
            _ => return Err(InvalidProxy::Scheme { variable }),
        };
        if url.scheme() == "socks5" && url.set_scheme("socks5h").is_err() {
            return Err(InvalidProxy::Scheme { variable });
        }
        let port = url.port().unwrap_or(default_port);
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(InvalidProxy::NotAUrl { variable });
        };
        let address = format!("{host}:{port}");
        if default_port == 1080 && url.set_port(Some(port)).is_err() {
            return Err(InvalidProxy::NotAUrl { variable });
        }
        Ok(Self { url, address })
    }

    /// The URL, with the credentials for the proxy.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.address).finish()
    }
}

/// Why the value of a proxy variable cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidProxy {
    /// The value is not a URL with a host.
    #[error(
        "the environment variable {variable} is not the URL of a proxy, such as http://proxy.example.com:8080"
    )]
    NotAUrl {
        /// The name of the variable.
        variable: &'static str,
    },
    /// The URL has a scheme that no proxy has.
    #[error(
        "the environment variable {variable} has an unknown scheme; a proxy has http, https or socks5"
    )]
    Scheme {
        /// The name of the variable.
        variable: &'static str,
    },
}

/// Whether a host is reached without a proxy. `host` is in lower case, an IPv6 address without brackets.
pub(super) fn is_excluded(no_proxy: &str, host: &str, port: u16) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .any(|entry| entry_matches(&entry, host, address, port))
}

/// `*`, a network in CIDR notation, an address, or a domain with all its subdomains; the last two with an optional port.
fn entry_matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        let (Ok(network), Ok(bits)) = (network.parse(), bits.parse()) else {
            return false;
        };
        return address.is_some_and(|address| network_contains(network, bits, address));
    }
    let (name, entry_port) = split_port(entry);
    if !entry_port.is_empty() && entry_port.parse() != Ok(port) {
        return false;
    }
    if let Ok(excluded) = name.parse::<IpAddr>() {
        return address == Some(excluded);
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some("") => false,
        Some(_) => host.ends_with(name),
        None if name.is_empty() => false,
        None => host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

fn network_contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            let difference = u32::from(network) ^ u32::from(address);
            difference.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            let difference = u128::from(network) ^ u128::from(address);
            difference.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// Splits `host:port`, `[v6]:port` or a host alone; the port is then empty.
fn split_port(entry: &str) -> (&str, &str) {
    if let Some((host, port)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, port.strip_prefix(':').unwrap_or(port));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port),
        _ => (entry, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_or_a_host_with_a_port() {
        for (value, url, address) in [
            ("http://proxy:3128", "http://proxy:3128/", "proxy:3128"),
            ("proxy:3128", "http://proxy:3128/", "proxy:3128"),
            ("10.0.0.1:8080", "http://10.0.0.1:8080/", "10.0.0.1:8080"),
            (" https://proxy ", "https://proxy/", "proxy:443"),
            ("http://u:p@proxy", "http://u:p@proxy/", "proxy:80"),
            ("socks5://proxy", "socks5h://proxy:1080", "proxy:1080"),
            ("socks5h://proxy:9", "socks5h://proxy:9", "proxy:9"),
            ("http://[::1]:8", "http://[::1]:8/", "[::1]:8"),
        ] {
            let proxy = Proxy::parse("HTTPS_PROXY", value).unwrap();
            assert_eq!((proxy.url().as_str(), proxy.address()), (url, address), "{value}");
            assert!(!format!("{proxy:?}").contains("u:p"));
        }
    }

    #[test]
    fn an_unusable_proxy_is_an_error_that_names_the_variable() {
        for value in ["htttp://proxy:1", "ftp://proxy", "socks4://proxy", "file:///proxy"] {
            let error = Proxy::parse("https_proxy", value).unwrap_err();
            assert_eq!(error, InvalidProxy::Scheme { variable: "https_proxy" }, "{value}");
            assert!(error.to_string().contains("https_proxy"));
        }
        for value in ["http://", "http://proxy:port", "\"http://proxy:1\"", "a b", "proxy:99999"] {
            let error = Proxy::parse("HTTPS_PROXY", value).unwrap_err();
            assert!(error.to_string().contains("HTTPS_PROXY"), "{value}: {error}");
        }
    }

    #[test]
    fn no_proxy_follows_the_rules_of_go() {
        for (no_proxy, host, port, excluded) in [
            ("", "cloud.mongodb.com", 443, false),
            ("", "localhost", 443, true),
            ("", "127.0.0.7", 443, true),
            ("", "::1", 443, true),
            ("*", "cloud.mongodb.com", 443, true),
            ("a, * ,b", "cloud.mongodb.com", 443, true),
            ("mongodb.com", "cloud.mongodb.com", 443, true),
            ("mongodb.com", "mongodb.com", 443, true),
            (".mongodb.com", "cloud.mongodb.com", 443, true),
            (".mongodb.com", "mongodb.com", 443, false),
            ("*.mongodb.com", "cloud.mongodb.com", 443, true),
            ("*.mongodb.com", "mongodb.com", 443, false),
            ("MONGODB.com", "cloud.mongodb.com", 443, true),
            ("mongodb.com", "notmongodb.com", 443, false),
            ("cloud", "cloud.mongodb.com", 443, false),
            ("mongodb.com:443", "cloud.mongodb.com", 443, true),
            ("mongodb.com:8443", "cloud.mongodb.com", 443, false),
            (":443", "cloud.mongodb.com", 443, false),
            ("10.0.0.0/8", "10.20.30.40", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("0.0.0.0/0", "11.0.0.1", 443, true),
            ("10.0.0.0/33", "10.0.0.1", 443, false),
            ("10.0.0.0/8", "cloud.mongodb.com", 443, false),
            ("fd00::/8", "fd12::1", 443, true),
            ("10.0.0.1", "10.0.0.1", 443, true),
            ("10.0.0.1:80", "10.0.0.1", 443, false),
            ("fd00::1", "fd00::1", 443, true),
            ("[fd00::1]:443", "fd00::1", 443, true),
            (" , ,", "cloud.mongodb.com", 443, false),
        ] {
            assert_eq!(is_excluded(no_proxy, host, port), excluded, "{no_proxy:?} {host}");
        }
    }
}
