//! The HTTP client: whom it trusts, how it connects, what it never does.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Certificate, tls};

use super::config::{BaseUrl, Config, ConfigError};
use super::error::{ConnectError, ErrorKind, Source};

/// What is needed to make the client, checked as far as that costs nothing.
pub(super) struct Connection {
    is_plain: bool,
    extra_roots: Vec<Certificate>,
    user_agent: HeaderValue,
}

impl Connection {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let extra_roots = match &config.ca_bundle_pem {
            Some(pem) => Certificate::from_pem_bundle(pem.as_bytes())
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or(ConfigError::CaBundle)?,
            None => Vec::new(),
        };
        let user_agent =
            HeaderValue::from_str(&config.user_agent).map_err(|_| ConfigError::UserAgent)?;
        Ok(Self {
            is_plain: BaseUrl::is_plain(&config.base_url),
            extra_roots,
            user_agent,
        })
    }

    /// Makes the client. Reads the system's certificate authorities from disk, which takes some
    /// milliseconds: not to be done on a thread that others wait for.
    pub(super) fn open(&self) -> Result<reqwest::Client, (ErrorKind, Source)> {
        let builder = reqwest::Client::builder()
            .user_agent(self.user_agent.clone())
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_version_min(tls::Version::TLS_1_2);
        let builder = if self.is_plain {
            // Within this computer there is neither TLS nor a proxy.
            builder.no_proxy().tls_certs_only([])
        } else {
            builder
                .https_only(true)
                .tls_certs_merge(self.extra_roots.iter().cloned())
        };
        builder
            .build()
            .map_err(|error| (setup_failure(&error), error.into()))
    }
}

fn setup_failure(error: &reqwest::Error) -> ErrorKind {
    let has_no_roots = chain(error).any(|e| e.to_string().contains("No CA certificates"));
    if has_no_roots {
        ErrorKind::NoRootCertificates
    } else {
        ErrorKind::Setup
    }
}

/// At which step connecting failed.
pub(super) fn unreachable(error: &reqwest::Error) -> ConnectError {
    if error.is_timeout() {
        return ConnectError::TimedOut;
    }
    chain(error).find_map(step).unwrap_or(ConnectError::Other)
}

fn step(error: &(dyn StdError + 'static)) -> Option<ConnectError> {
    if error.is::<rustls::Error>() {
        return Some(ConnectError::Tls);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // The error inside an `io::Error` is not among its sources.
        if let Some(inner) = error.get_ref()
            && let Some(found) = step(inner)
        {
            return Some(found);
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => return Some(ConnectError::Refused),
            io::ErrorKind::TimedOut => return Some(ConnectError::TimedOut),
            _ => {}
        }
    }
    match error.to_string() {
        text if text.contains("dns error") => Some(ConnectError::Dns),
        text if text.contains("tls handshake") => Some(ConnectError::Tls),
        text if text.contains("tunnel") => Some(ConnectError::Proxy),
        _ => None,
    }
}

/// Whether the server said, in HTTP/2's own terms, that it did not process the request: a refused
/// stream, or a graceful good-bye that left this stream out.
pub(super) fn is_refused_unprocessed(error: &reqwest::Error) -> bool {
    chain(error)
        .filter_map(|error| error.downcast_ref::<h2::Error>())
        .any(|error| {
            let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            let left_out = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
            error.is_remote() && (refused || left_out)
        })
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |error| StdError::source(*error))
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers and middleboxes keep idle connections: a request written into one that is
/// just being closed has no provable outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
