//! The configuration of a client and of a call.

use std::{fmt, time::Duration};

use secrecy::SecretString;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    params::InvalidParameter,
    proxy::{self, Proxy},
};

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_version: ApiVersion,
    pub(crate) credentials: Credentials,
    pub(crate) request_timeout: Duration,
    /// How often a failed request is retried where that is safe. A 429 with `Retry-After` does not count.
    pub(crate) max_retries: u32,
    /// Certificate authorities to trust besides the system's, in PEM.
    pub(crate) ca_bundle_pem: Option<String>,
    /// The proxy, if the base URL is reached through one: see [`BaseUrl::proxy`].
    pub(crate) proxy: Option<Proxy>,
    pub(crate) user_agent: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ApiVersion {
    /// `/api/atlas/v1.0`, plain JSON.
    #[default]
    V1_0,
    /// `/api/atlas/v2`, versioned media types.
    V2,
}

#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// A service account: OAuth 2.0 client credentials.
    ServiceAccount { client_id: String, client_secret: SecretString },
    /// A programmatic API key: HTTP Digest.
    ApiKey { public_key: String, private_key: SecretString },
    /// An access token, used as it is.
    Token(SecretString),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKind {
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
pub(crate) struct CallOptions {
    /// When the whole call must have ended, waits included.
    pub(crate) deadline: Instant,
    /// Ends waits and requests that have not been sent.
    pub(crate) cancel: CancellationToken,
    /// Whether a failed request is retried, as often as the configuration allows and where that is safe.
    pub(crate) is_retried: bool,
}

impl CallOptions {
    /// A call that is retried and ends `timeout` from now, waits included, or when `cancel` is canceled.
    pub(crate) fn within(timeout: Duration, cancel: &CancellationToken) -> Self {
        Self { deadline: Instant::now() + timeout, cancel: cancel.clone(), is_retried: true }
    }
}

/// An absolute URL without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BaseUrl {
    /// Scheme, host and port; the port is left out if it is the scheme's default.
    pub(super) origin: String,
    /// Host and port.
    pub(super) address: String,
    /// The path that all requests begin with; empty or with a leading slash.
    pub(super) path: String,
}

impl BaseUrl {
    /// Parses `https://host[:port][/path]`; `http` is accepted for loopback addresses only.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidParameter> {
        let not_a_url = "a base URL is an absolute URL, like https://cloud.mongodb.com";
        let url = Url::parse(text.trim()).map_err(|_| InvalidParameter(not_a_url))?;
        let host = url.host_str().unwrap_or_default();
        let (is_http, port) = match url.scheme() {
            "https" => (false, url.port().unwrap_or(443)),
            "http" => (true, url.port().unwrap_or(80)),
            _ => return Err(InvalidParameter("a base URL begins with https://")),
        };
        Err(InvalidParameter(if !url.username().is_empty() || url.password().is_some() {
            "a base URL must not contain a user name or a password"
        } else if url.path().contains("/api/atlas") {
            "a base URL does not contain the path of the API; leave out /api/atlas and what follows"
        } else if url.query().is_some() || url.fragment().is_some() {
            "a base URL must not contain a query or a fragment"
        } else if is_http && !proxy::is_loopback(host.trim_matches(['[', ']'])) {
            "plain http is accepted for loopback addresses only (localhost, 127.0.0.1, [::1]); use https"
        } else {
            return Ok(Self {
                origin: url.origin().ascii_serialization(),
                address: format!("{host}:{port}"),
                path: url.path().trim_end_matches('/').to_owned(),
            });
        }))
    }

    /// `https://HOST`, at the default port.
    pub(crate) fn of_host(host: &str) -> Self {
        let (origin, address) = (format!("https://{host}"), format!("{host}:443"));
        Self { origin, address, path: String::new() }
    }

    /// Whether the host is in the domain of Atlas for Government.
    pub(crate) fn is_government(&self) -> bool {
        format!(".{}", proxy::split_port(&self.address).0).ends_with(".mongodbgov.com")
    }

    /// The proxy through which this address is reached, from the values of the environment variables `HTTPS_PROXY` and
    /// `NO_PROXY`.
    ///
    /// # Errors
    /// The value of `HTTPS_PROXY` cannot be used, even if the address is excluded.
    pub(crate) fn proxy(
        &self,
        https_proxy: &str,
        no_proxy: &str,
    ) -> Result<Option<Proxy>, InvalidParameter> {
        let proxy = Proxy::parse(https_proxy)?;
        Ok((!proxy::is_excluded(no_proxy, &self.address)).then_some(proxy))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum ConfigError {
    #[error("the CA bundle contains no PEM certificates that can be read")]
    CaBundle,
    #[error("the {0} contains characters that cannot be sent, such as a line break")]
    Credential(&'static str),
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
            ("cloud.mongodb.com", "absolute"),
            ("", "absolute"),
            ("https://", "absolute"),
            ("ftp://cloud.mongodb.com", "begins with https"),
            ("http://cloud.mongodb.com", "loopback"),
            ("http://localhost.evil.example", "loopback"),
            ("http://10.0.0.1", "loopback"),
            ("https://me:secret@cloud.mongodb.com", "user name"),
            ("https://cloud.mongodb.com/api/atlas/v1.0", "leave out /api/atlas"),
            ("https://cloud.mongodb.com?x=1", "query"),
            ("https://cloud.mongodb.com/#x", "query"),
        ] {
            let error = BaseUrl::parse(text).unwrap_err();
            assert!(error.to_string().contains(wanted), "{text}: {error}");
        }
        assert_eq!(
            BaseUrl::parse("https://cloud.mongodb.com/"),
            Ok(BaseUrl::of_host("cloud.mongodb.com"))
        );
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
            assert_eq!((url.address.as_str(), url.is_government()), (address, is_government));
        }
    }

    #[test]
    fn a_proxy_is_used_unless_the_host_is_excluded() {
        let url = BaseUrl::of_host("cloud.mongodb.com");
        assert!(url.proxy("proxy:1", "").unwrap().is_some());
        assert!(url.proxy("proxy:1", "example.com").unwrap().is_some());
        assert!(url.proxy("proxy:1", "mongodb.com").unwrap().is_none());
        assert!(url.proxy("nonsense://x", "*").is_err());
        let local = BaseUrl::parse("http://127.0.0.1:1").unwrap();
        assert!(local.proxy("proxy:1", "").unwrap().is_none());
    }
}
