//! `x509_uri(uri)`: a connection string for authentication with a client certificate.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;
use tf_provider::{Type, Value};

use super::TextFunction;

pub(super) const X509_URI: TextFunction = TextFunction {
    name: "x509_uri",
    parameter: (
        "uri",
        "A connection string that begins with `mongodb://` or `mongodb+srv://`, such as \
         `mongodbatlas_cluster.this.connection_strings[0].standard_srv`.",
    ),
    allows_null: false,
    returns: || Type::String,
    summary: "Prepares a connection string for authentication with a client certificate",
    description: DESCRIPTION,
    call: |uri| with_x509(uri.unwrap_or_default()).map(Value::from),
};

const DESCRIPTION: &str = "\
Adds to a MongoDB connection string the options for authentication with a client certificate: `authMechanism=MONGODB-X509`, \
`authSource=%24external` and, unless the scheme implies it, `tls=true`. It calls no service and needs no provider configuration.

Every connection string that Atlas returns is accepted, SRV or not: its `authSource=admin` is replaced. A user name and a password \
are removed, because the server takes the user from the certificate. Hosts, ports, the database and all other options stay \
unchanged, byte for byte and in their order.

A string with another `authMechanism` or `authSource`, or with TLS switched off, is an error. So is a malformed one: reserved \
characters (`: / ? # [ ] @`) in a user name, a password or an option must be percent-encoded, otherwise a part of the password could \
be mistaken for something else and be kept.

The location of the certificate is not part of the result: add `tlsCertificateKeyFile=<path>` as an option (the path \
percent-encoded), or give the file to your driver or `mongosh` in another way.";

/// The connection string for authentication with a client certificate: without user information, with the options it
/// needs.
///
/// Parts that stay are copied, never decoded and encoded again. Every ambiguity is an error: a part of a password that
/// is not percent-encoded must not be returned as a host or an option.
///
/// # Errors
/// The reason, with positions only, because the text may contain a password.
fn with_x509(uri: &str) -> Result<String, String> {
    let strip = |scheme| Some((scheme, uri.strip_prefix(scheme)?));
    let (scheme, rest) = strip(PLAIN)
        .or_else(|| strip(SRV))
        .ok_or("a connection string begins with mongodb:// or mongodb+srv://")?;
    let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    let hosts = authority.split_once('@').map_or(authority, |(_, hosts)| hosts);
    // An @ in a later part means that the user information contains a / or ? that is not encoded.
    let has_reserved = |part: &str| part.contains(['@', '#', ';']);
    if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(BLANK.to_owned());
    }
    if [hosts, database, options].into_iter().any(has_reserved) || authority.contains('#') {
        return Err(RESERVED.to_owned());
    }
    if database.contains('/') {
        return Err(SLASH.to_owned());
    }
    check_hosts(scheme, hosts)?;
    let mut missing = vec![MECHANISM, SOURCE];
    missing.extend((scheme == PLAIN).then_some(TLS));
    let mut result = Vec::new();
    let given = options.split('&').filter(|option| !option.is_empty());
    for (position, option) in (1..).zip(given) {
        let (text, provides) =
            check_option(option).map_err(|problem| format!("option {position}{problem}"))?;
        missing.retain(|option| Some(*option) != provides);
        result.push(text);
    }
    result.extend(missing);
    Ok(format!("{scheme}{hosts}/{database}?{}", result.join("&")))
}

const PLAIN: &str = "mongodb://";
const SRV: &str = "mongodb+srv://";
const MECHANISM: &str = "authMechanism=MONGODB-X509";
const SOURCE: &str = "authSource=%24external";
const TLS: &str = "tls=true";

const BLANK: &str =
    "it contains white space or a control character; remove it, or percent-encode it";
const RESERVED: &str = "there is an @, # or ; in a place where it has no meaning; in user names, passwords and options write %40, %23 and \
     %3B, and separate options by &";
const SLASH: &str =
    "there is a / in the database name; write %2F there, and in user names, passwords and options";

/// The option of the result, and the required option that it provides. The error follows "option" and the position.
fn check_option(option: &str) -> Result<(&str, Option<&'static str>), &'static str> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy();
    let pair = option.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or(" is not of the form name=value")?;
    match (decode(name).to_ascii_lowercase().as_str(), &*decode(value)) {
        ("authmechanism", "MONGODB-X509") => Ok((option, Some(MECHANISM))),
        ("authmechanism", _) => Err(
            ", authMechanism, is not MONGODB-X509; remove it or give the connection string without it",
        ),
        ("authsource", "$external") => Ok((option, Some(SOURCE))),
        // In every connection string of Atlas that is not an SRV record.
        ("authsource", "admin") => Ok((SOURCE, Some(SOURCE))),
        ("authsource", _) => Err(
            ", authSource, is neither %24external nor Atlas's default admin; remove it or give the connection string without it",
        ),
        ("tls" | "ssl", "true") => Ok((option, Some(TLS))),
        ("tls" | "ssl", _) => Err(
            ", tls or ssl, is not true, but authentication with a certificate needs TLS; remove it",
        ),
        _ => Ok((option, None)),
    }
}

fn check_hosts(scheme: &str, hosts: &str) -> Result<(), String> {
    if hosts.is_empty() {
        return Err("it contains no host".to_owned());
    }
    if scheme == SRV && hosts.contains([',', ':', '[']) {
        return Err("mongodb+srv:// needs exactly one host name without a port".to_owned());
    }
    match (1..).zip(hosts.split(',')).find(|(_, host)| !is_host(host)) {
        Some((position, _)) => Err(format!(
            "host {position} is invalid; a name, an IPv4 address or an IPv6 address in brackets is needed, each with an optional port from 1 to \
             65535, and user name and password must be percent-encoded"
        )),
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
