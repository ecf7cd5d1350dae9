//! Logging in with a combined PEM, as a database driver would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::Deserialize;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::transport::provider;

/// Who the server says has logged in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// The database user.
    pub user: String,
    /// The project whose authority signed the certificate.
    pub project: String,
    /// The certificate's serial in lower-case hex.
    pub serial: String,
    /// The same in decimal: Atlas' `_id`.
    pub certificate_id: String,
}

/// Why nobody logged in.
#[derive(Debug, Error)]
pub enum LoginError {
    /// The text is not a certificate with its key.
    #[error("the PEM holds no usable certificate and key")]
    Pem(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection failed; with TLS' reason, if the server did not accept the certificate.
    #[error("the connection was refused or cut")]
    Connection(#[from] std::io::Error),
    /// TLS was fine, but no user belongs to the certificate.
    #[error("the certificate logs nobody in: {reason}")]
    Denied {
        /// What the server said.
        reason: String,
    },
    /// The server said something else.
    #[error("the answer was not understood: {answer}")]
    Answer {
        /// What it said.
        answer: String,
    },
    /// The server said nothing in time.
    #[error("no answer within ten seconds")]
    Silent,
}

impl LoginError {
    /// Whether the server did not accept the certificate itself, as it does with an expired one.
    pub fn is_certificate_refused(&self) -> bool {
        matches!(self, Self::Connection(error) if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>))
    }
}

/// Logs in at `address` with certificate and key of `combined_pem`, trusting `ca_pem` only.
///
/// # Errors
/// When the PEM is unusable, TLS fails, or the certificate's user does not exist.
pub async fn log_in(
    address: SocketAddr,
    ca_pem: &str,
    combined_pem: &str,
) -> Result<LoggedIn, LoginError> {
    let config = client_config(ca_pem, combined_pem)?;
    let talk = converse(address, config);
    let answer = tokio::time::timeout(Duration::from_secs(10), talk)
        .await
        .map_err(|_| LoginError::Silent)??;
    understand(&answer)
}

fn client_config(ca_pem: &str, combined_pem: &str) -> Result<ClientConfig, LoginError> {
    let bad = |error: Box<dyn std::error::Error + Send + Sync>| LoginError::Pem(error);
    let mut roots = RootCertStore::empty();
    let ca =
        CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|error| bad(error.into()))?;
    roots.add(ca).map_err(|error| bad(error.into()))?;
    let certificate = CertificateDer::from_pem_slice(combined_pem.as_bytes())
        .map_err(|error| bad(error.into()))?;
    let key = PrivateKeyDer::from_pem_slice(combined_pem.as_bytes())
        .map_err(|error| bad(error.into()))?;
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_root_certificates(roots)
                .with_client_auth_cert(vec![certificate], key)
        })
        .map_err(|error| bad(error.into()))
}

async fn converse(address: SocketAddr, config: ClientConfig) -> Result<String, std::io::Error> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into());
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn understand(answer: &str) -> Result<LoggedIn, LoginError> {
    let not_understood = || LoginError::Answer {
        answer: answer.to_owned(),
    };
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(not_understood)?;
    if head.starts_with("HTTP/1.1 200") {
        return serde_json::from_str(body).map_err(|_| not_understood());
    }
    let refusal: serde_json::Value = serde_json::from_str(body).map_err(|_| not_understood())?;
    let reason = refusal["error"].as_str().ok_or_else(not_understood)?;
    Err(LoginError::Denied {
        reason: reason.to_owned(),
    })
}
