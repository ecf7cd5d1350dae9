//! Creates the HTTP client, and classifies its errors.

use std::{error::Error as StdError, io, time::Duration};

use reqwest::{Certificate, header::HeaderValue, redirect::Policy, tls};

use super::{
    config::{Config, ConfigError},
    error::{ConnectError, ErrorKind, Source},
};

/// Whether `SSL_CERT_FILE` is read for the system's trusted certificate authorities (`rustls-platform-verifier`).
pub const READS_SSL_CERT_FILE: bool = cfg!(all(unix, not(target_vendor = "apple")));

/// The settings of the HTTP client, validated as far as that needs no I/O.
pub(super) struct HttpSettings {
    is_http: bool,
    extra_roots: Vec<Certificate>,
    user_agent: HeaderValue,
    proxy: Option<reqwest::Proxy>,
}

impl HttpSettings {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let extra_roots = match &config.ca_bundle_pem {
            Some(pem) => Certificate::from_pem_bundle(pem.as_bytes())
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or(ConfigError::CaBundle)?,
            None => Vec::new(),
        };
        let proxy = config.proxy.as_ref().map(|proxy| reqwest::Proxy::all(proxy.url().as_str()));
        Ok(Self {
            is_http: config.base_url.is_http(),
            extra_roots,
            user_agent: HeaderValue::from_str(&config.user_agent)
                .map_err(|_| ConfigError::UserAgent)?,
            proxy: proxy.transpose().map_err(|_| ConfigError::Proxy)?,
        })
    }

    /// Creates the client. Blocks for some milliseconds, because it reads the system's certificate authorities.
    pub(super) fn build_client(&self) -> Result<reqwest::Client, (ErrorKind, Source)> {
        let builder = reqwest::Client::builder()
            .user_agent(self.user_agent.clone())
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_version_min(tls::Version::TLS_1_2)
            .no_proxy();
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        };
        let builder = if self.is_http {
            builder.tls_certs_only([])
        } else {
            let extra_roots = self.extra_roots.iter().cloned();
            builder.https_only(true).tls_certs_merge(extra_roots)
        };
        builder.build().map_err(|error| (setup_error(&error), error.into()))
    }
}

/// Why the client could not be created. Missing certificate authorities are known by the text of
/// rustls-platform-verifier 0.7 only.
fn setup_error(error: &reqwest::Error) -> ErrorKind {
    if source_chain(error).any(|error| error.to_string().contains("No CA certificates")) {
        ErrorKind::NoRootCertificates
    } else {
        ErrorKind::Setup
    }
}

pub(super) fn connect_error(error: &reqwest::Error) -> ConnectError {
    if error.is_timeout() {
        return ConnectError::TimedOut;
    }
    source_chain(error).find_map(classify).unwrap_or(ConnectError::Other)
}

/// The cause that one error of a chain stands for. The errors of hyper-util 0.1 for name resolution and proxies are known
/// by their text only.
fn classify(error: &(dyn StdError + 'static)) -> Option<ConnectError> {
    if error.is::<rustls::Error>() {
        return Some(ConnectError::Tls);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // The error inside an `io::Error` is not among its sources.
        let inner = error.get_ref().and_then(|inner| classify(inner));
        return inner.or(match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(ConnectError::Refused),
            io::ErrorKind::TimedOut => Some(ConnectError::TimedOut),
            _ => None,
        });
    }
    match error.to_string() {
        text if text.contains("dns error") => Some(ConnectError::Dns),
        text if text.contains("tunnel") || text.contains("socks proxy") => {
            Some(ConnectError::Proxy)
        }
        _ => None,
    }
}

/// Whether the server refused the request unprocessed (RFC 9113 section 8.7): the stream was refused, or a graceful
/// `GOAWAY` excluded it.
pub(super) fn is_refused_unprocessed(error: &reqwest::Error) -> bool {
    source_chain(error).filter_map(|error| error.downcast_ref::<h2::Error>()).any(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        let is_excluded = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        error.is_remote() && (is_refused || is_excluded)
    })
}

fn source_chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |error| StdError::source(*error))
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers and middleboxes keep idle connections, because a request that is sent into a connection that is
/// being closed has no provable outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
