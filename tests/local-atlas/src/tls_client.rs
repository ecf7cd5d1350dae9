//! A TLS login with a combined PEM, as a database driver makes it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde::Deserialize;
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::tls_server::provider;

/// The identity of a successful login, as the server reports it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// The database user.
    pub user: String,
    /// The project whose authority signed the certificate.
    pub project: String,
    /// The certificate's serial number in lower-case hex.
    pub serial: String,
    /// The same in decimal: Atlas's `_id`.
    pub certificate_id: String,
}

/// Why a login failed.
#[derive(Debug, Error)]
pub enum LoginError {
    /// The text is not a certificate with its key.
    #[error("the PEM holds no usable certificate and key")]
    Pem(#[source] anyhow::Error),
    /// TLS refused the certificate, or there was no response within ten seconds.
    #[error("the connection failed")]
    Connection(#[from] io::Error),
    /// TLS succeeded, but no user belongs to the certificate.
    #[error("no user belongs to the certificate: {0}")]
    Denied(String),
}

/// Logs in at `address` with certificate and key of `combined_pem`, trusting `ca_pem` only.
pub(crate) async fn log_in(
    address: SocketAddr,
    ca_pem: &str,
    combined_pem: &str,
) -> Result<LoggedIn, LoginError> {
    let config = client_config(ca_pem, combined_pem).map_err(LoginError::Pem)?;
    let exchange = tokio::time::timeout(Duration::from_secs(10), exchange(address, config));
    let response = exchange.await.map_err(io::Error::from)??;
    let unexpected = || io::Error::other(format!("unexpected response: {response}"));
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(unexpected)?;
    if head.starts_with("HTTP/1.1 200") {
        return Ok(serde_json::from_str(body).map_err(|_| unexpected())?);
    }
    let refusal: serde_json::Value = serde_json::from_str(body).map_err(|_| unexpected())?;
    let reason = refusal["error"].as_str().ok_or_else(unexpected)?.to_owned();
    Err(LoginError::Denied(reason))
}

fn client_config(ca_pem: &str, combined_pem: &str) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let certificate = CertificateDer::from_pem_slice(combined_pem.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(combined_pem.as_bytes())?;
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    Ok(builder.with_client_auth_cert(vec![certificate], key)?)
}

async fn exchange(address: SocketAddr, config: ClientConfig) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST).into());
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await?;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}
