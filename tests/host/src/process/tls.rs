//! The TLS side of the host.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::CertificateDer;

use super::ClientIdentity;

/// Whom the host trusts and what it shows.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// The only certificate that is trusted: the one of the handshake line.
    pub server_certificate: CertificateDer<'static>,
    /// What is shown; nothing, if none.
    pub identity: Option<ClientIdentity>,
    /// Speak TLS 1.2 only.
    pub only_tls12: bool,
    /// The protocols offered by ALPN.
    pub alpn: Vec<Vec<u8>>,
}

impl ClientTls {
    /// Trusts the server's certificate and shows the identity, as go-plugin does.
    pub fn new(
        server_certificate: CertificateDer<'static>,
        identity: Option<ClientIdentity>,
    ) -> Self {
        Self {
            server_certificate,
            identity,
            only_tls12: false,
            alpn: vec![b"h2".to_vec()],
        }
    }

    /// The same with TLS 1.2 only.
    pub fn tls12(mut self) -> Self {
        self.only_tls12 = true;
        self
    }

    /// Key and certificate are not compared, so that a wrong pair can be tried.
    pub(super) fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.server_certificate.clone())?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(if self.only_tls12 {
                TLS12
            } else {
                rustls::DEFAULT_VERSIONS
            })?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            Some(identity) => {
                let key = provider
                    .key_provider
                    .load_private_key(identity.key.clone_key())?;
                let certified = CertifiedKey::new(vec![identity.certificate.clone()], key);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}

static TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
