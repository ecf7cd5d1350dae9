use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;

/// A host's certificate as go-plugin makes it: P-521, marked as a CA, for `localhost`.
pub(in crate::plugin) struct Host {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Host {
    pub(in crate::plugin) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, key }
    }

    pub(in crate::plugin) fn pem(&self) -> String {
        let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
        let encoded = {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(&self.certificate)
        };
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(std::str::from_utf8(line).unwrap());
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
        text
    }

    /// How this host connects to a process with that certificate.
    pub(in crate::plugin) fn client(&self, server: &Tls) -> ClientConfig {
        client(server, &[&rustls::version::TLS13], Some((self.certificate.clone(), self.key())))
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// What a client does with the certificate that it found in the handshake line.
fn client(
    server: &Tls,
    versions: &[&'static rustls::SupportedProtocolVersion],
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            // Past rustls's own check that key and certificate belong together.
            let key = provider.key_provider.load_private_key(key).unwrap();
            let certified = rustls::sign::CertifiedKey::new(vec![certificate], key);
            builder.with_client_cert_resolver(Arc::new(Always(Arc::new(certified))))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

#[derive(Debug)]
struct Always(Arc<rustls::sign::CertifiedKey>);

impl rustls::client::ResolvesClientCert for Always {
    fn resolve(
        &self,
        _hints: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Runs a handshake in memory and returns the server's result with the agreed protocol.
fn handshake(server: &Tls, client: ClientConfig) -> Result<Option<Vec<u8>>, rustls::Error> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(&server.config)).unwrap();
    for _ in 0..MAX_ROUNDS {
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(server.alpn_protocol().map(<[u8]>::to_vec));
        }
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut wire = wire.as_slice();
        while !wire.is_empty() {
            server.read_tls(&mut wire).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut wire = wire.as_slice();
        while !wire.is_empty() {
            client.read_tls(&mut wire).unwrap();
            client.process_new_packets().expect("the client is content");
        }
    }
    panic!("the handshake does not end");
}

const MAX_ROUNDS: usize = 10;

#[test]
fn host_is_accepted_with_http2() {
    let host = Host::new();
    let server = Tls::pinned_to(&host.pem()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let identity = (host.certificate.clone(), host.key());
        let agreed = handshake(&server, client(&server, &[version], Some(identity)));
        assert_eq!(agreed, Ok(Some(b"h2".to_vec())), "{version:?}");
    }
}

#[test]
fn peer_without_a_certificate_is_refused() {
    let server = Tls::pinned_to(&Host::new().pem()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        assert_eq!(
            handshake(&server, client(&server, &[version], None)),
            Err(rustls::Error::NoCertificatesPresented)
        );
    }
}

#[test]
fn another_certificate_is_refused_however_alike() {
    let server = Tls::pinned_to(&Host::new().pem()).unwrap();
    let other = Host::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let identity = (other.certificate.clone(), other.key());
        assert_eq!(
            handshake(&server, client(&server, &[version], Some(identity))),
            Err(CertificateError::ApplicationVerificationFailure.into())
        );
    }
}

#[test]
fn right_certificate_without_its_key_is_refused() {
    let host = Host::new();
    let server = Tls::pinned_to(&host.pem()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let identity = (host.certificate.clone(), Host::new().key());
        assert_eq!(
            handshake(&server, client(&server, &[version], Some(identity))),
            Err(CertificateError::BadSignature.into())
        );
    }
}

#[test]
fn invalid_client_certificate_is_an_error() {
    for broken in ["no PEM", "-----BEGIN CERTIFICATE-----\n", "\u{fffd}"] {
        let problem = Tls::pinned_to(broken).err().unwrap().to_string();
        assert!(problem.ends_with("PLUGIN_CLIENT_CERT as PEM"), "{broken:?}");
    }
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let problem = Tls::pinned_to(no_certificate).err().unwrap().to_string();
    assert!(problem.ends_with("PLUGIN_CLIENT_CERT as X.509"));
}

#[test]
fn key_is_new_in_every_process() {
    let [first, second] = [Host::new(), Host::new()].map(|host| {
        let tls = Tls::pinned_to(&host.pem()).unwrap();
        ParsedCertificate::try_from(&tls.certificate).unwrap().subject_public_key_info()
    });
    assert_ne!(first, second);
}
