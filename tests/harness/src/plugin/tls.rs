//! The certificate and the TLS settings of the host.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A client certificate with a key.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate in PEM, the value of `PLUGIN_CLIENT_CERT`.
    pub pem: String,
    pub certificate: CertificateDer<'static>,
    pub key: Arc<PrivateKeyDer<'static>>,
}

impl ClientIdentity {
    /// Makes a new one as go-plugin does for each process: ECDSA P-521, self-signed with SHA-512, for `localhost`, marked
    /// as a certificate authority.
    pub fn generate() -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        let now = SystemTime::now();
        params.not_before = (now - Duration::from_secs(30)).into();
        params.not_after = (now + Duration::from_secs(262_980 * 3_600)).into();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "HashiCorp");
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key: Arc::new(PrivatePkcs8KeyDer::from(key.serialize_der()).into()),
        })
    }

    /// This certificate with the key of another, the best that a host without the key can send.
    pub fn with_key_of(&self, other: &ClientIdentity) -> Self {
        Self { key: Arc::clone(&other.key), ..self.clone() }
    }
}

/// The TLS settings of a connection.
#[derive(Clone, Debug)]
pub struct ClientTls {
    server_certificate: CertificateDer<'static>,
    identity: Option<ClientIdentity>,
    only_tls12: bool,
}

impl ClientTls {
    /// Trusts only the server's certificate and sends the identity's, as go-plugin does.
    pub fn new(
        server_certificate: CertificateDer<'static>,
        identity: Option<ClientIdentity>,
    ) -> Self {
        Self { server_certificate, identity, only_tls12: false }
    }

    pub fn tls12(mut self) -> Self {
        self.only_tls12 = true;
        self
    }

    /// Key and certificate are not compared, so that a test can send a wrong pair.
    pub(super) fn config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.server_certificate.clone())?;
        let versions =
            if self.only_tls12 { &[&rustls::version::TLS12] } else { rustls::DEFAULT_VERSIONS };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            Some(identity) => {
                let key = provider.key_provider.load_private_key(identity.key.clone_key())?;
                let certified = CertifiedKey::new(vec![identity.certificate.clone()], key);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}
