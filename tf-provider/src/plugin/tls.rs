//! Mutual TLS with one peer: the host whose certificate is in the environment.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{self, WebPkiSupportedAlgorithms, aws_lc_rs},
    server::{
        NoServerSessionStorage, ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime, pem::PemObject as _};

use super::error::Error;

/// The certificate and the settings of this process. The key is new in every process and never stored.
pub(super) struct Tls {
    /// The certificate for the handshake line.
    pub(super) certificate: CertificateDer<'static>,
    pub(super) config: Arc<ServerConfig>,
}

impl Tls {
    /// Creates a key and a certificate. Accepts only the holder of the key of `client`, a PEM certificate.
    pub(super) fn pinned_to(client: &str) -> Result<Self, Error> {
        let expected = CertificateDer::from_pem_slice(client.as_bytes())
            .map_err(Error::during("read the host's certificate from PLUGIN_CLIENT_CERT as PEM"))?;
        ParsedCertificate::try_from(&expected).map_err(Error::during(
            "read the host's certificate from PLUGIN_CLIENT_CERT as X.509",
        ))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let verifier = PinnedClient { expected, algorithms };
        // Hosts check the DNS name and the validity, which by default includes the time of any clock.
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .map_err(Error::during("create the certificate of this process"))?;
        let certificate = own.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::during("set up TLS"))?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], key.into())
            .map_err(Error::during("set up TLS"))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A process has one connection: there are no sessions to resume.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { certificate, config: Arc::new(config) })
    }
}

/// Accepts one certificate, byte for byte, if the peer proves to hold its key.
///
/// Chains, names, validity and usages are not checked: the host created this certificate for this process, marks it as a
/// CA, which webpki rejects, and passed it in `PLUGIN_CLIENT_CERT` at process start. The signature over the handshake
/// authenticates the peer, and rustls verifies it. The certificate alone proves nothing: it is in the environment.
#[derive(Debug)]
struct PinnedClient {
    expected: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for PinnedClient {
    /// Empty: a Go client then sends its certificate without looking for a matching issuer.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.expected {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, cert, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, cert, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(super) mod tests;
