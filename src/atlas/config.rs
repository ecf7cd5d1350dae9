//! What a client must be told before its first call.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;
use url::{Host, Url};

use super::error::InvalidHeaderValue;

/// Everything a client needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API is.
    pub base_url: BaseUrl,
    /// Which generation of the API is spoken.
    pub api_version: ApiVersion,
    /// Who is asking.
    pub credentials: Credentials,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How often a failed request is repeated where that is safe; a refusal that says when to come
    /// back does not count.
    pub max_retries: u32,
    /// Certificate authorities to trust besides the system's.
    pub ca_bundle_pem: Option<String>,
    /// How the client introduces itself.
    pub user_agent: String,
}

/// Generations of the Admin API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApiVersion {
    /// `/api/atlas/v1.0`, plain JSON.
    #[default]
    V1_0,
    /// `/api/atlas/v2`, versioned media types.
    V2,
}

/// Ways to prove who is asking.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// OAuth 2.0 client credentials.
    ServiceAccount {
        /// The account's id.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
    },
    /// A programmatic API key, by HTTP Digest.
    ApiKey {
        /// The public half.
        public_key: String,
        /// The private half.
        private_key: SecretString,
    },
    /// A bearer token somebody else obtained.
    Token(SecretString),
}

/// An absolute URL without a trailing slash that requests may be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    origin: String,
    path: String,
    is_plain: bool,
}

const GOVERNMENT_DOMAIN: &str = "mongodbgov.com";

impl BaseUrl {
    /// Takes `https://host[:port][/path]`; `http` only where the host is this computer.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidBaseUrl::NotAUrl)?;
        let is_plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(InvalidBaseUrl::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBaseUrl::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBaseUrl::Query);
        }
        if is_plain && !is_loopback(&url) {
            return Err(InvalidBaseUrl::Plain);
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            path: url.path().trim_end_matches('/').to_owned(),
            is_plain,
        })
    }

    /// The public service.
    pub fn cloud() -> Self {
        Self::known("https://cloud.mongodb.com")
    }

    /// The service for United States government customers.
    pub fn government() -> Self {
        Self::known("https://cloud.mongodbgov.com")
    }

    fn known(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            path: String::new(),
            is_plain: false,
        }
    }

    /// Whether the host is in the domain of Atlas for Government.
    pub fn is_government(&self) -> bool {
        let authority = self.origin.rsplit('/').next().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        host == GOVERNMENT_DOMAIN || host.ends_with(&format!(".{GOVERNMENT_DOMAIN}"))
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The path all requests begin with; empty or starting with a slash.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether TLS is not used, which only happens within this computer.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }
}

/// Why a text is no base URL.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidBaseUrl {
    /// Not even a URL.
    #[error("a base URL is an absolute URL, like https://cloud.mongodb.com")]
    NotAUrl,
    /// Neither `https` nor `http`.
    #[error("a base URL begins with https://")]
    Scheme,
    /// login do not belong there.
    #[error("a base URL must not hold a user name or a password")]
    UserInfo,
    /// Nothing could be appended.
    #[error("a base URL must not hold a query or a fragment")]
    Query,
    /// login would cross a network in the clear.
    #[error(
        "plain http is accepted for this computer's own addresses only (localhost, 127.0.0.1, [::1]); use https"
    )]
    Plain,
}

/// Why no client can be made from a configuration.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The bundle holds no certificate, or something else as well that cannot be read.
    #[error("the CA bundle holds no PEM certificates that can be read")]
    CaBundle,
    /// A credential that no HTTP header can carry: a line break at its end, most often.
    #[error("the {0} holds characters that cannot be sent, such as a line break")]
    Credential(InvalidHeaderValue),
    /// A user agent that no HTTP header can carry.
    #[error("the user agent holds characters that cannot be sent")]
    UserAgent,
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn takes_https_anywhere_and_http_at_home() {
        for (text, shown) in [
            ("https://cloud.mongodb.com", "https://cloud.mongodb.com"),
            ("https://cloud.mongodb.com/", "https://cloud.mongodb.com"),
            (
                "https://proxy.example:8443/atlas//",
                "https://proxy.example:8443/atlas",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://localhost:1/x/", "http://localhost:1/x"),
            ("http://[::1]:99", "http://[::1]:99"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().to_string(), shown);
        }
        for (text, wanted) in [
            ("cloud.mongodb.com", InvalidBaseUrl::NotAUrl),
            ("", InvalidBaseUrl::NotAUrl),
            ("https://", InvalidBaseUrl::NotAUrl),
            ("ftp://cloud.mongodb.com", InvalidBaseUrl::Scheme),
            ("http://cloud.mongodb.com", InvalidBaseUrl::Plain),
            ("http://localhost.evil.example", InvalidBaseUrl::Plain),
            ("http://10.0.0.1", InvalidBaseUrl::Plain),
            (
                "https://me:secret@cloud.mongodb.com",
                InvalidBaseUrl::UserInfo,
            ),
            ("https://cloud.mongodb.com?x=1", InvalidBaseUrl::Query),
            ("https://cloud.mongodb.com/#x", InvalidBaseUrl::Query),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(wanted), "{text}");
        }
        assert_eq!(
            BaseUrl::parse("https://cloud.mongodb.com/"),
            Ok(BaseUrl::cloud())
        );
    }
}
