//! The configuration of a client and of a call.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use secrecy::SecretString;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use super::proxy::{self, InvalidProxy, Proxy};

/// The configuration of a client.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address of the API.
    pub base_url: BaseUrl,
    /// The version of the API.
    pub api_version: ApiVersion,
    /// The credentials.
    pub credentials: Credentials,
    /// The time limit of one HTTP request.
    pub request_timeout: Duration,
    /// How often a failed request is retried where that is safe. A response with `Retry-After` does not count.
    pub max_retries: u32,
    /// Certificate authorities to trust besides the system's, in PEM.
    pub ca_bundle_pem: Option<String>,
    /// The proxy, if the base URL is reached through one: see [`BaseUrl::proxy`].
    pub proxy: Option<Proxy>,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// Versions of the Admin API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApiVersion {
    /// `/api/atlas/v1.0`, plain JSON.
    #[default]
    V1_0,
    /// `/api/atlas/v2`, versioned media types.
    V2,
}

/// Kinds of credentials.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A service account: OAuth 2.0 client credentials.
    ServiceAccount {
        /// The client ID.
        client_id: String,
        /// The client secret.
        client_secret: SecretString,
    },
    /// A programmatic API key: HTTP Digest.
    ApiKey {
        /// The public key.
        public_key: String,
        /// The private key.
        private_key: SecretString,
    },
    /// An access token, used as it is.
    Token(SecretString),
}

/// A kind of credentials, without them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `Credentials`")]
pub enum CredentialKind {
    #[default]
    ServiceAccount,
    ApiKey,
    Token,
}

impl Credentials {
    pub(super) fn kind(&self) -> CredentialKind {
        match self {
            Self::ServiceAccount { .. } => CredentialKind::ServiceAccount,
            Self::ApiKey { .. } => CredentialKind::ApiKey,
            Self::Token(_) => CredentialKind::Token,
        }
    }
}

/// The time limit and the cancellation of one call, and whether it may be retried.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// When the whole call must have ended, waits included.
    pub deadline: Instant,
    /// Ends waits and requests that have not been sent.
    pub cancel: CancellationToken,
    /// Whether a failed request may be retried.
    pub retry: Retry,
}

/// Whether a failed request may be retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Retry {
    /// As often as the configuration allows, where that is safe.
    #[default]
    Default,
    /// One attempt.
    Never,
}

/// An absolute URL without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    is_http: bool,
    /// In lower case; an IPv6 address without brackets.
    host: String,
    /// `None` if it is the scheme's default.
    port: Option<u16>,
    path: String,
}

impl BaseUrl {
    /// Parses `https://host[:port][/path]`; `http` is accepted for loopback addresses only.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidBaseUrl::NotAUrl)?;
        let is_http = match url.scheme() {
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
        if is_http && !is_loopback(&url) {
            return Err(InvalidBaseUrl::Http);
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(InvalidBaseUrl::NotAUrl),
        };
        Ok(Self {
            is_http,
            host,
            port: url.port(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// `https://cloud.mongodb.com`.
    pub fn cloud() -> Self {
        Self::known("cloud.mongodb.com")
    }

    /// `https://cloud.mongodbgov.com`, for United States government customers.
    pub fn government() -> Self {
        Self::known("cloud.mongodbgov.com")
    }

    fn known(host: &str) -> Self {
        Self { is_http: false, host: host.to_owned(), port: None, path: String::new() }
    }

    /// Whether the host is in the domain of Atlas for Government.
    pub fn is_government(&self) -> bool {
        let rest = self.host.strip_suffix("mongodbgov.com");
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The proxy through which this address is reached, from the values of the environment variables
    /// [`Proxy::VARIABLES`] (with the name of the one that is set) and [`Proxy::EXCLUSION_VARIABLES`].
    ///
    /// # Errors
    /// The value of the proxy variable cannot be used, even if the address is excluded.
    pub fn proxy(
        &self,
        https_proxy: Option<(&'static str, &str)>,
        no_proxy: Option<&str>,
    ) -> Result<Option<Proxy>, InvalidProxy> {
        let Some((variable, value)) = https_proxy.filter(|(_, value)| !value.trim().is_empty())
        else {
            return Ok(None);
        };
        let proxy = Proxy::parse(variable, value)?;
        let is_excluded = proxy::is_excluded(no_proxy.unwrap_or(""), &self.host, self.port());
        Ok((!is_excluded).then_some(proxy))
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.is_http { "http" } else { "https" };
        let port = self.port.map(|port| format!(":{port}"));
        format!("{scheme}://{}{}", self.bracketed_host(), port.unwrap_or_default())
    }

    /// Host and port.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port())
    }

    /// The path that all requests begin with; empty or with a leading slash.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether TLS is not used.
    pub(super) fn is_http(&self) -> bool {
        self.is_http
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_http { 80 } else { 443 })
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// Why a text is not a valid base URL.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidBaseUrl {
    /// It is not a URL.
    #[error("a base URL is an absolute URL, like https://cloud.mongodb.com")]
    NotAUrl,
    /// The scheme is neither `https` nor `http`.
    #[error("a base URL begins with https://")]
    Scheme,
    /// It contains credentials.
    #[error("a base URL must not contain a user name or a password")]
    UserInfo,
    /// It contains a query or a fragment.
    #[error("a base URL must not contain a query or a fragment")]
    Query,
    /// The scheme is `http` and the host is not a loopback address.
    #[error(
        "plain http is accepted for loopback addresses only (localhost, 127.0.0.1, [::1]); use https"
    )]
    Http,
}

/// Why a client cannot be created from a configuration.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The bundle contains no certificate, or a block that cannot be read.
    #[error("the CA bundle contains no PEM certificates that can be read")]
    CaBundle,
    /// A credential contains a character that no HTTP header can carry.
    #[error("the {0} contains characters that cannot be sent, such as a line break")]
    Credential(InvalidHeaderValue),
    /// The user agent contains such a character.
    #[error("the user agent contains characters that cannot be sent")]
    UserAgent,
    /// The URL of the proxy cannot be used by the HTTP client.
    #[error("the URL of the proxy cannot be used")]
    Proxy,
}

/// A credential that no HTTP header can carry.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the messages name them")]
pub enum InvalidHeaderValue {
    #[error("client ID or client secret")]
    ServiceAccount,
    #[error("public key")]
    PublicKey,
    #[error("access token")]
    Token,
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
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
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_https_or_a_loopback_address() {
        for (text, shown) in [
            ("https://cloud.mongodb.com", "https://cloud.mongodb.com"),
            ("https://cloud.mongodb.com/", "https://cloud.mongodb.com"),
            ("https://proxy.example:8443/atlas//", "https://proxy.example:8443/atlas"),
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
            ("http://cloud.mongodb.com", InvalidBaseUrl::Http),
            ("http://localhost.evil.example", InvalidBaseUrl::Http),
            ("http://10.0.0.1", InvalidBaseUrl::Http),
            ("https://me:secret@cloud.mongodb.com", InvalidBaseUrl::UserInfo),
            ("https://cloud.mongodb.com?x=1", InvalidBaseUrl::Query),
            ("https://cloud.mongodb.com/#x", InvalidBaseUrl::Query),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(wanted), "{text}");
        }
        assert_eq!(BaseUrl::parse("https://cloud.mongodb.com/"), Ok(BaseUrl::cloud()));
    }

    #[test]
    fn an_address_has_its_port_and_the_government_domain_is_compared_by_host() {
        for (text, address, is_government) in [
            ("https://cloud.mongodb.com", "cloud.mongodb.com:443", false),
            ("https://cloud.mongodbgov.com:8443/x", "cloud.mongodbgov.com:8443", true),
            ("https://MongoDBgov.com", "mongodbgov.com:443", true),
            ("https://notmongodbgov.com", "notmongodbgov.com:443", false),
            ("http://localhost", "localhost:80", false),
            ("https://[::1]:9", "[::1]:9", false),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!((url.address().as_str(), url.is_government()), (address, is_government));
        }
    }

    #[test]
    fn a_proxy_is_used_unless_it_is_unset_or_the_host_is_excluded() {
        let url = BaseUrl::cloud();
        let proxy = |value, no_proxy| url.proxy(Some(("HTTPS_PROXY", value)), no_proxy);
        assert!(proxy("proxy:1", None).unwrap().is_some());
        assert!(proxy("proxy:1", Some("example.com")).unwrap().is_some());
        assert!(proxy("proxy:1", Some("mongodb.com")).unwrap().is_none());
        assert!(proxy(" ", None).unwrap().is_none());
        assert!(url.proxy(None, Some("*")).unwrap().is_none());
        assert!(proxy("nonsense://x", Some("*")).is_err());
        let local = BaseUrl::parse("http://127.0.0.1:1").unwrap();
        assert!(local.proxy(Some(("HTTPS_PROXY", "proxy:1")), None).unwrap().is_none());
    }
}
