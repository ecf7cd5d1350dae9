//! `MongoDB` connection strings, as far as a login with a certificate is concerned.
//!
//! The text is cut, never rewritten, so what is kept stays as it was. Everything doubtful is refused: a password that is not
//! encoded must never come out again as a host or an option.

use std::{borrow::Cow, net::Ipv6Addr};

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The same connection string for a login with a client certificate: without user information, with the options it needs.
pub(super) fn with_x509(uri: &str) -> Result<String, Refusal> {
    let parts = Parts::cut(uri)?;
    let options = options(parts.options)?;
    let mut present = Present {
        tls: parts.scheme.implies_tls(),
        ..Present::default()
    };
    for (position, option) in (1..).zip(&options) {
        present.note(option, position)?;
    }
    let wanted = [
        (!present.mechanism, "authMechanism=MONGODB-X509"),
        (!present.source, "authSource=%24external"),
        (!present.tls, "tls=true"),
    ];
    let added = wanted
        .iter()
        .filter(|(missing, _)| *missing)
        .map(|(_, option)| *option);
    let all: Vec<_> = options
        .iter()
        .map(|option| option.text)
        .chain(added)
        .collect();
    Ok(format!(
        "{}{}/{}?{}",
        parts.scheme.text(),
        parts.hosts,
        parts.database,
        all.join("&")
    ))
}

/// Why a connection string is not taken. Positions are all that is told of it, because it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    #[error("a connection string that begins with mongodb:// or mongodb+srv:// is needed")]
    Scheme,
    #[error("it holds white space or a control character; remove it, or percent-encode it")]
    Blank,
    #[error(
        "an @, # or ; stands where it has no meaning; in user names, passwords and options write %40, %23 and %3B, and separate options \
         by &"
    )]
    Reserved,
    #[error("there is no host in it")]
    NoHost,
    #[error(
        "host {0} is not well formed; a name, an IPv4 address or an IPv6 address in brackets is needed, each with an optional port from 1 \
         to 65535, and user name and password must be percent-encoded"
    )]
    Host(usize),
    #[error("with mongodb+srv:// exactly one host name without a port is needed")]
    SrvHost,
    #[error(
        "a / stands in the database name; write %2F there, and in user names, passwords and options"
    )]
    Database,
    #[error("option {0} is not of the form name=value")]
    Option(usize),
    #[error(
        "option {0}, {1}, is set to something else than MONGODB-X509; remove it or give the connection string without it"
    )]
    Mechanism(usize, &'static str),
    #[error(
        "option {0}, {1}, is set to something else than %24external; remove it or give the connection string without it"
    )]
    Source(usize, &'static str),
    #[error("option {0}, {1}, is not true, but a login with a certificate needs TLS; remove it")]
    Tls(usize, &'static str),
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
    fn cut(uri: &'a str) -> Result<Self, Refusal> {
        let schemes = [Scheme::Plain, Scheme::Srv];
        let (scheme, rest) = schemes
            .iter()
            .find_map(|scheme| Some((*scheme, uri.strip_prefix(scheme.text())?)))
            .ok_or(Refusal::Scheme)?;
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Refusal::Blank);
        }
        let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let hosts = authority
            .split_once('@')
            .map_or(authority, |(_, hosts)| hosts);
        // An @ further on is the end of user information that was cut in its midst.
        if [hosts, database, options]
            .iter()
            .any(|part| part.contains(['@', '#', ';']))
            || authority.contains('#')
        {
            return Err(Refusal::Reserved);
        }
        if database.contains('/') {
            return Err(Refusal::Database);
        }
        check_hosts(scheme, hosts)?;
        Ok(Self {
            scheme,
            hosts,
            database,
            options,
        })
    }
}

fn check_hosts(scheme: Scheme, hosts: &str) -> Result<(), Refusal> {
    if hosts.is_empty() {
        return Err(Refusal::NoHost);
    }
    if scheme == Scheme::Srv && hosts.contains([',', ':', '[']) {
        return Err(Refusal::SrvHost);
    }
    match (1..).zip(hosts.split(',')).find(|(_, host)| !is_host(host)) {
        Some((position, _)) => Err(Refusal::Host(position)),
        None => Ok(()),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(bracketed) = host.strip_prefix('[') {
        let Some((address, port)) = bracketed.split_once(']') else {
            return false;
        };
        let address = address
            .split_once('%')
            .map_or(address, |(address, _zone)| address);
        return address.parse::<Ipv6Addr>().is_ok() && is_port(port);
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-._%".contains(c))
        && is_port(port)
}

/// Nothing, or a colon and a number.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

/// One option, and what its parts say.
struct Setting<'a> {
    text: &'a str,
    name: String,
    value: Cow<'a, str>,
}

/// The options in order; empty ones, as between two `&`, are none.
fn options(text: &str) -> Result<Vec<Setting<'_>>, Refusal> {
    (1..)
        .zip(text.split('&').filter(|option| !option.is_empty()))
        .map(|(position, option)| match option.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Setting {
                text: option,
                name: percent_decode_str(name)
                    .decode_utf8_lossy()
                    .to_ascii_lowercase(),
                value: percent_decode_str(value).decode_utf8_lossy(),
            }),
            _ => Err(Refusal::Option(position)),
        })
        .collect()
}

/// Which options a connection string already has, with the right values.
#[derive(Default)]
struct Present {
    mechanism: bool,
    source: bool,
    tls: bool,
}

impl Present {
    fn note(&mut self, option: &Setting<'_>, position: usize) -> Result<(), Refusal> {
        match (option.name.as_str(), &*option.value) {
            ("authmechanism", "MONGODB-X509") => self.mechanism = true,
            ("authmechanism", _) => return Err(Refusal::Mechanism(position, "authMechanism")),
            ("authsource", "$external") => self.source = true,
            ("authsource", _) => return Err(Refusal::Source(position, "authSource")),
            ("tls" | "ssl", "true") => self.tls = true,
            ("tls", _) => return Err(Refusal::Tls(position, "tls")),
            ("ssl", _) => return Err(Refusal::Tls(position, "ssl")),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
