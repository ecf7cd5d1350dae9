//! `MongoDB` connection strings, as far as authentication with a client certificate is concerned.
//!
//! Parts that stay are copied, never decoded and encoded again. Every ambiguity is an error: a part of a password that
//! is not percent-encoded must not be returned as a host or an option.

use std::{borrow::Cow, net::Ipv6Addr};

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The connection string for authentication with a client certificate: without user information, with the options it
/// needs.
pub(super) fn with_x509(uri: &str) -> Result<String, UriError> {
    let parts = Parts::split(uri)?;
    let mut missing = vec![MECHANISM, SOURCE];
    missing.extend((!parts.scheme.implies_tls()).then_some(TLS));
    let mut options = Vec::new();
    let given = parts.options.split('&').filter(|option| !option.is_empty());
    for (position, option) in (1..).zip(given) {
        let (text, provides) = check_option(position, option)?;
        missing.retain(|option| Some(*option) != provides);
        options.push(text);
    }
    options.extend(missing);
    let Parts { scheme, hosts, database, .. } = parts;
    Ok(format!("{}{hosts}/{database}?{}", scheme.text(), options.join("&")))
}

const MECHANISM: &str = "authMechanism=MONGODB-X509";
const SOURCE: &str = "authSource=%24external";
const TLS: &str = "tls=true";

/// The option as it goes into the result, and which of the required options it provides.
fn check_option(position: usize, option: &str) -> Result<(&str, Option<&'static str>), UriError> {
    let (name, value) = option
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or(UriError::Option(position))?;
    match (decode(name).to_ascii_lowercase().as_str(), &*decode(value)) {
        ("authmechanism", "MONGODB-X509") => Ok((option, Some(MECHANISM))),
        ("authmechanism", _) => Err(UriError::Mechanism(position)),
        ("authsource", "$external") => Ok((option, Some(SOURCE))),
        // In every connection string of Atlas that is not an SRV record.
        ("authsource", "admin") => Ok((SOURCE, Some(SOURCE))),
        ("authsource", _) => Err(UriError::Source(position)),
        ("tls" | "ssl", "true") => Ok((option, Some(TLS))),
        ("tls" | "ssl", _) => Err(UriError::Tls(position)),
        _ => Ok((option, None)),
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// The reason why a connection string is refused. Contains positions only, because the text may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum UriError {
    #[error("a connection string begins with mongodb:// or mongodb+srv://")]
    Scheme,
    #[error("it contains white space or a control character; remove it, or percent-encode it")]
    Blank,
    #[error(
        "there is an @, # or ; in a place where it has no meaning; in user names, passwords and options write %40, %23 and %3B, and \
         separate options by &"
    )]
    Reserved,
    #[error("it contains no host")]
    NoHost,
    #[error(
        "host {0} is invalid; a name, an IPv4 address or an IPv6 address in brackets is needed, each with an optional port from 1 to \
         65535, and user name and password must be percent-encoded"
    )]
    Host(usize),
    #[error("mongodb+srv:// needs exactly one host name without a port")]
    SrvHost,
    #[error(
        "there is a / in the database name; write %2F there, and in user names, passwords and options"
    )]
    Database,
    #[error("option {0} is not of the form name=value")]
    Option(usize),
    #[error(
        "option {0}, authMechanism, is not MONGODB-X509; remove it or give the connection string without it"
    )]
    Mechanism(usize),
    #[error(
        "option {0}, authSource, is neither %24external nor Atlas's default admin; remove it or give the connection string without it"
    )]
    Source(usize),
    #[error(
        "option {0}, tls or ssl, is not true, but authentication with a certificate needs TLS; remove it"
    )]
    Tls(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Plain,
    Srv,
}

impl Scheme {
    fn text(self) -> &'static str {
        match self {
            Self::Plain => "mongodb://",
            Self::Srv => "mongodb+srv://",
        }
    }

    fn implies_tls(self) -> bool {
        self == Self::Srv
    }
}

struct Parts<'a> {
    scheme: Scheme,
    hosts: &'a str,
    database: &'a str,
    options: &'a str,
}

impl<'a> Parts<'a> {
    fn split(uri: &'a str) -> Result<Self, UriError> {
        let (scheme, rest) = [Scheme::Plain, Scheme::Srv]
            .into_iter()
            .find_map(|scheme| Some((scheme, uri.strip_prefix(scheme.text())?)))
            .ok_or(UriError::Scheme)?;
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UriError::Blank);
        }
        let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let hosts = authority.split_once('@').map_or(authority, |(_, hosts)| hosts);
        // An @ in a later part means that the user information contains a / or ? that is not encoded.
        let has_reserved = |part: &str| part.contains(['@', '#', ';']);
        if [hosts, database, options].into_iter().any(has_reserved) || authority.contains('#') {
            return Err(UriError::Reserved);
        }
        if database.contains('/') {
            return Err(UriError::Database);
        }
        check_hosts(scheme, hosts)?;
        Ok(Self { scheme, hosts, database, options })
    }
}

fn check_hosts(scheme: Scheme, hosts: &str) -> Result<(), UriError> {
    if hosts.is_empty() {
        return Err(UriError::NoHost);
    }
    if scheme == Scheme::Srv && hosts.contains([',', ':', '[']) {
        return Err(UriError::SrvHost);
    }
    match (1..).zip(hosts.split(',')).find(|(_, host)| !is_host(host)) {
        Some((position, _)) => Err(UriError::Host(position)),
        None => Ok(()),
    }
}

fn is_host(host: &str) -> bool {
    if let Some((address, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let (address, _zone) = address.split_once('%').unwrap_or((address, ""));
        return address.parse::<Ipv6Addr>().is_ok() && is_port(port);
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    let is_name = |c: char| c.is_alphanumeric() || "-._%".contains(c);
    !name.is_empty() && name.chars().all(is_name) && is_port(port)
}

/// Whether the text is empty, or a colon and a number from 1 to 65535.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests;
