//! The server's own TLS identity: a certificate for loopback from an authority made at start.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use crate::pem;

/// What both TLS listeners show.
pub(crate) struct Identity {
    /// The authority's certificate, for clients that are to trust it.
    pub(crate) ca_pem: String,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

/// The TLS identity could not be made.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// No certificate.
    #[error("the certificate of the server could not be made")]
    Certificate(#[from] rcgen::Error),
    /// No configuration.
    #[error("TLS could not be configured")]
    Configuration(#[from] rustls::Error),
}

impl Identity {
    pub(crate) fn create() -> Result<Self, IdentityError> {
        let mut authority = CertificateParams::default();
        authority
            .distinguished_name
            .push(DnType::CommonName, "local Atlas transport authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut server = CertificateParams::new(names)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "local Atlas");
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &authority)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(Self {
            ca_pem: pem::encode("CERTIFICATE", authority.der()),
            certificate: certificate.der().clone(),
            key,
        })
    }

    /// TLS for the API: no client certificate, HTTP/2 if the client likes.
    pub(crate) fn api_config(&self) -> Result<ServerConfig, IdentityError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let mut config = builder
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// TLS for logins: `verifier` decides on the client's certificate.
    pub(crate) fn login_config(
        &self,
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Result<ServerConfig, IdentityError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let builder = builder.with_client_cert_verifier(verifier);
        Ok(builder.with_single_cert(vec![self.certificate.clone()], self.key())?)
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

/// The cryptography of all TLS here, whatever a process has installed as its default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
