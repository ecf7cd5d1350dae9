//! The proxy for requests to Atlas, by the rules of Go's `httpproxy` package, which other providers follow.
//!
//! `HTTPS_PROXY` names the proxy and `NO_PROXY` the hosts that are reached without it. A loopback address never has a
//! proxy, so `HTTP_PROXY` has no meaning here: plain `http` is accepted for loopback addresses only.

use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::params::InvalidParameter;

/// A proxy from an environment variable.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    /// Can contain credentials for the proxy.
    pub(super) url: SecretString,
    /// Host and port.
    pub(super) address: String,
}

impl Proxy {
    /// Parses a URL, or the `host:port` of an HTTP proxy.
    pub(super) fn parse(value: &str) -> Result<Self, InvalidParameter> {
        let not_a_url =
            InvalidParameter("is not the URL of a proxy, such as http://proxy.example.com:8080");
        let scheme = if value.contains("://") { "" } else { "http://" };
        // The proxy resolves the name, as in Go, where both spellings mean the same.
        let text = format!("{scheme}{}", value.trim()).replacen("socks5://", "socks5h://", 1);
        let url = Url::parse(&text).map_err(|_| not_a_url)?;
        let unknown_scheme = "has an unknown scheme; a proxy has http, https or socks5";
        let default_port = match url.scheme() {
            "http" => 80,
            "https" => 443,
            "socks5h" => 1080,
            _ => return Err(InvalidParameter(unknown_scheme)),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(not_a_url)?;
        let address = format!("{host}:{}", url.port().unwrap_or(default_port));
        Ok(Self { url: url.as_str().into(), address })
    }
}

/// Whether the server at an address, `host:port` in lower case, is reached without a proxy.
pub(super) fn is_excluded(no_proxy: &str, address: &str) -> bool {
    let (host, port) = split_port(address);
    is_loopback(host)
        || no_proxy.split(',').any(|entry| entry_matches(&entry.trim().to_lowercase(), host, port))
}

/// Whether a host, an IPv6 address without brackets, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// `*`, a network in CIDR notation, an address, or a domain with all its subdomains; the last two with an optional port.
fn entry_matches(entry: &str, host: &str, port: &str) -> bool {
    if let Ok(network) = entry.parse::<IpNet>() {
        return host.parse().is_ok_and(|address: IpAddr| network.contains(&address));
    }
    let (name, entry_port) = split_port(entry);
    if !entry_port.is_empty() && entry_port != port {
        return false;
    }
    if let Ok(excluded) = name.parse::<IpAddr>() {
        return host.parse() == Ok(excluded);
    }
    match name.strip_prefix('*').unwrap_or(name) {
        "" => entry == "*",
        domain if domain.starts_with('.') => domain.len() > 1 && host.ends_with(domain),
        domain => format!(".{host}").ends_with(&format!(".{domain}")),
    }
}

/// Splits `host:port`, `[v6]:port` or a host alone; the port is then empty.
pub(super) fn split_port(address: &str) -> (&str, &str) {
    if let Some((host, port)) = address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, port.strip_prefix(':').unwrap_or(port));
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port),
        _ => (address, ""),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_proxy_is_a_url_or_a_host_with_a_port() {
        for (value, url, address) in [
            ("http://proxy:3128", "http://proxy:3128/", "proxy:3128"),
            ("proxy:3128", "http://proxy:3128/", "proxy:3128"),
            ("10.0.0.1:8080", "http://10.0.0.1:8080/", "10.0.0.1:8080"),
            (" https://proxy ", "https://proxy/", "proxy:443"),
            ("http://u:p@proxy", "http://u:p@proxy/", "proxy:80"),
            ("socks5://proxy", "socks5h://proxy", "proxy:1080"),
            ("socks5h://proxy:9", "socks5h://proxy:9", "proxy:9"),
            ("http://[::1]:8", "http://[::1]:8/", "[::1]:8"),
        ] {
            let proxy = Proxy::parse(value).unwrap();
            assert_eq!((proxy.url.expose_secret(), &*proxy.address), (url, address), "{value}");
            assert!(!format!("{proxy:?}").contains("u:p"));
        }
    }

    #[test]
    fn an_unusable_proxy_is_an_error() {
        for value in ["htttp://proxy:1", "ftp://proxy", "socks4://proxy", "file:///proxy"] {
            let error = Proxy::parse(value).unwrap_err();
            assert!(error.to_string().contains("has an unknown scheme"), "{value}: {error}");
        }
        for value in ["http://", "http://proxy:port", "\"http://proxy:1\"", "a b", "proxy:99999"] {
            let error = Proxy::parse(value).unwrap_err();
            assert!(error.to_string().contains("is not the URL"), "{value}: {error}");
        }
    }

    #[test]
    fn no_proxy_follows_the_rules_of_go() {
        for (no_proxy, address, excluded) in [
            ("", "cloud.mongodb.com:443", false),
            ("", "localhost:443", true),
            ("", "127.0.0.7:443", true),
            ("", "[::1]:443", true),
            ("*", "cloud.mongodb.com:443", true),
            ("a, * ,b", "cloud.mongodb.com:443", true),
            ("mongodb.com", "cloud.mongodb.com:443", true),
            ("mongodb.com", "mongodb.com:443", true),
            (".mongodb.com", "cloud.mongodb.com:443", true),
            (".mongodb.com", "mongodb.com:443", false),
            ("*.mongodb.com", "cloud.mongodb.com:443", true),
            ("*.mongodb.com", "mongodb.com:443", false),
            ("MONGODB.com", "cloud.mongodb.com:443", true),
            ("mongodb.com", "notmongodb.com:443", false),
            ("cloud", "cloud.mongodb.com:443", false),
            ("mongodb.com:443", "cloud.mongodb.com:443", true),
            ("mongodb.com:8443", "cloud.mongodb.com:443", false),
            (":443", "cloud.mongodb.com:443", false),
            ("10.0.0.0/8", "10.20.30.40:443", true),
            ("10.0.0.0/8", "11.0.0.1:443", false),
            ("0.0.0.0/0", "11.0.0.1:443", true),
            ("10.0.0.0/33", "10.0.0.1:443", false),
            ("10.0.0.0/8", "cloud.mongodb.com:443", false),
            ("fd00::/8", "[fd12::1]:443", true),
            ("10.0.0.1", "10.0.0.1:443", true),
            ("10.0.0.1:80", "10.0.0.1:443", false),
            ("fd00::1", "[fd00::1]:443", true),
            ("[fd00::1]:443", "[fd00::1]:443", true),
            (" , ,", "cloud.mongodb.com:443", false),
        ] {
            assert_eq!(is_excluded(no_proxy, address), excluded, "{no_proxy:?} {address}");
        }
    }
}
