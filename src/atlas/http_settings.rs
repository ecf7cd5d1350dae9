//! Creates the HTTP client, and classifies its errors.

use std::{error::Error as StdError, io, iter::successors, time::Duration};

use reqwest::{Certificate, redirect::Policy, tls};
use secrecy::ExposeSecret;

use super::{
    config::{Config, ConfigError},
    error::{ErrorKind, Source},
};

/// Whether `SSL_CERT_FILE` is read for the system's trusted certificate authorities (`rustls-platform-verifier`).
pub(crate) const READS_SSL_CERT_FILE: bool = cfg!(all(unix, not(target_vendor = "apple")));

/// The certificate authorities to trust besides the system's.
pub(super) fn extra_roots(config: &Config) -> Result<Vec<Certificate>, ConfigError> {
    let Some(pem) = &config.ca_bundle_pem else {
        return Ok(Vec::new());
    };
    let roots = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
    if roots.is_empty() { Err(ConfigError::CaBundle) } else { Ok(roots) }
}

/// Creates the client. Blocks for some milliseconds, because it reads the system's certificate authorities.
pub(super) fn build_client(
    config: &Config,
    extra_roots: Vec<Certificate>,
) -> Result<reqwest::Client, (ErrorKind, Source)> {
    let build = || {
        let mut builder = reqwest::Client::builder()
            .user_agent(&config.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_version_min(tls::Version::TLS_1_2)
            .no_proxy();
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.url.expose_secret())?);
        }
        if config.base_url.origin.starts_with("http:") {
            builder.tls_certs_only([]).build()
        } else {
            builder.https_only(true).tls_certs_merge(extra_roots).build()
        }
    };
    build().map_err(|error| {
        let no_roots = "No CA certificates"; // the text of rustls-platform-verifier 0.7
        let kind = if source_chain(&error).any(|cause| cause.to_string().contains(no_roots)) {
            ErrorKind::NoRootCertificates
        } else {
            ErrorKind::Setup
        };
        (kind, error.into())
    })
}

/// Why no connection was established.
pub(super) fn connect_error(error: &reqwest::Error) -> ErrorKind {
    if error.is_timeout() {
        return ErrorKind::Connect(TOO_LONG);
    }
    source_chain(error).find_map(classify).unwrap_or(ErrorKind::Connect(UNUSABLE))
}

/// The cause that one error of a chain stands for. The errors of hyper-util 0.1 for name resolution and proxies are known
/// by their text only.
fn classify(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    if error.is::<rustls::Error>() {
        return Some(ErrorKind::Tls);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // The error inside an `io::Error` is not among its sources.
        let inner = error.get_ref().and_then(|inner| classify(inner));
        return inner.or(match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(ErrorKind::Connect(REFUSED)),
            io::ErrorKind::TimedOut => Some(ErrorKind::Connect(TOO_LONG)),
            _ => None,
        });
    }
    match error.to_string() {
        text if text.contains("dns error") => Some(ErrorKind::Connect(UNRESOLVED)),
        text if text.contains("tunnel") || text.contains("socks proxy") => Some(ErrorKind::Proxy),
        _ => None,
    }
}

/// Whether the server refused the request unprocessed (RFC 9113 section 8.7), also by a graceful `GOAWAY`.
pub(super) fn is_refused_unprocessed(error: &reqwest::Error) -> bool {
    source_chain(error).filter_map(|error| error.downcast_ref::<h2::Error>()).any(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        let is_excluded = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        error.is_remote() && (is_refused || is_excluded)
    })
}

fn source_chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    successors(Some(first), |error| StdError::source(*error))
}

pub(super) const UNUSABLE: &str = "the connection could not be used";
pub(super) const REFUSED: &str = "the connection was refused";
pub(super) const UNRESOLVED: &str = "its name could not be resolved";
const TOO_LONG: &str = "connecting took too long";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers and middleboxes keep idle connections, because a request that is sent into a connection that is
/// being closed has no provable outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
