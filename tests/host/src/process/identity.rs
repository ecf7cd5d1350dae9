//! The certificate that the host shows.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A client certificate with a key, as go-plugin makes one for every process it starts: ECDSA P-521,
/// self-signed with SHA-512, for `localhost`, marked as a certificate authority.
#[derive(Debug)]
pub struct ClientIdentity {
    /// The certificate, as `PLUGIN_CLIENT_CERT` holds it.
    pub pem: String,
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// The key that is used with it.
    pub key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// Makes a new one.
    pub fn generate() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        let now = SystemTime::now();
        params.not_before = (now - Duration::from_secs(30)).into();
        params.not_after = (now + Duration::from_secs(262_980 * 3_600)).into();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "HashiCorp");
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: pem(certificate.der()),
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }

    /// This certificate with the key of another: what a thief of the public part can show.
    pub fn with_key_of(&self, other: &ClientIdentity) -> Self {
        Self {
            key: other.key.clone_key(),
            ..self.clone()
        }
    }
}

impl Clone for ClientIdentity {
    fn clone(&self) -> Self {
        Self {
            pem: self.pem.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone_key(),
        }
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64)); // base64 is ASCII
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rustls_pki_types::pem::PemObject;

    use super::*;

    fn holds(haystack: &[u8], needle: &[u8]) -> bool {
        haystack
            .windows(needle.len())
            .any(|window| window == needle)
    }

    #[test]
    fn the_certificate_is_the_one_go_plugin_makes() {
        let der = ClientIdentity::generate().unwrap().certificate;
        let ecdsa_with_sha512 = [0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
        let secp521r1 = [0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x23];
        let critical_ca = [
            0x06, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff, 4, 5, 0x30, 3, 1, 1, 0xff,
        ];
        assert!(holds(&der, &ecdsa_with_sha512));
        assert!(holds(&der, &secp521r1));
        assert!(holds(&der, &critical_ca));
        assert!(holds(&der, b"HashiCorp"));
    }

    #[test]
    fn the_pem_holds_the_certificate() {
        let identity = ClientIdentity::generate().unwrap();
        let read = CertificateDer::from_pem_slice(identity.pem.as_bytes()).unwrap();
        assert_eq!(read, identity.certificate);
    }

    #[test]
    fn every_identity_is_new() {
        let (one, other) = (
            ClientIdentity::generate().unwrap(),
            ClientIdentity::generate().unwrap(),
        );
        assert_ne!(one.certificate, other.certificate);
        let mixed = one.with_key_of(&other);
        assert_eq!(mixed.certificate, one.certificate);
        assert_eq!(mixed.key.secret_der(), other.key.secret_der());
    }
}
