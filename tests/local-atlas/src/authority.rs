//! The certificate authority of one project, and the anatomy of what it signs.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;

use crate::clock::{add_months, shifted};
use crate::der;
use crate::keys::{KeyError, KeySource, RsaKey};
use crate::pem;
use crate::random;
use crate::shared::Shared;

/// All authorities; each is made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Authorities(Shared<BTreeMap<String, Arc<Slot>>>);

type Slot = Shared<Option<Arc<Authority>>>;

/// Signs the certificates of one project.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    key: Arc<RsaKey>,
    name: Vec<u8>,
}

/// A freshly signed certificate with its key.
pub(crate) struct Signed {
    pub(crate) serial: u64,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Authorities {
    /// The authority of `project`. Blocks while its key is being made.
    pub(crate) fn of(&self, project: &str, keys: &KeySource) -> Result<Arc<Authority>, KeyError> {
        let slot = Arc::clone(self.0.lock().entry(project.to_owned()).or_default());
        // Held while the key is made, so that it is made once.
        let mut slot = slot.lock();
        if let Some(authority) = slot.as_ref() {
            return Ok(Arc::clone(authority));
        }
        let authority = Arc::new(Authority::create(project, keys)?);
        Ok(Arc::clone(slot.insert(authority)))
    }

    /// The certificates of every authority made so far.
    pub(crate) fn certificates(&self) -> Vec<CertificateDer<'static>> {
        let slots: Vec<_> = self.0.lock().values().map(Arc::clone).collect();
        let certificate = |slot: &Arc<Slot>| {
            slot.lock()
                .as_ref()
                .map(|authority| authority.certificate.clone())
        };
        slots.iter().filter_map(certificate).collect()
    }
}

impl Authority {
    fn create(project: &str, keys: &KeySource) -> Result<Self, KeyError> {
        let key = keys.draw(&format!("the certificate authority of project {project}"))?;
        let name = issuer_name(project);
        let extensions = [
            extension(&[0x55, 0x1d, 0x13], &der::sequence(&[der::yes()])),
            // keyCertSign and cRLSign
            extension(&[0x55, 0x1d, 0x0f], &der::bits(&[0x06], 1)),
        ];
        let validity = [der::time(Timestamp::UNIX_EPOCH), tagged_far_future()];
        let body = to_be_signed(&key, random::serial(), &name, &validity, &name, &extensions);
        let certificate = CertificateDer::from(signed(&key, body)?);
        Ok(Self {
            certificate,
            key,
            name,
        })
    }

    /// Signs a client certificate for `username`, valid from an hour ago for `months` from `now`.
    pub(crate) fn sign(
        &self,
        username: &str,
        months: u32,
        now: Timestamp,
        keys: &KeySource,
    ) -> Result<Signed, KeyError> {
        let key = keys.draw(username)?;
        let serial = random::serial();
        let not_before = shifted(now, SignedDuration::from_hours(-1));
        let not_after = add_months(now, months).ok_or(KeyError)?;
        let subject = der::sequence(&[relative_name(&COMMON_NAME, username)]);
        let extensions = [
            // digitalSignature
            extension(&[0x55, 0x1d, 0x0f], &der::bits(&[0x80], 7)),
            // clientAuth
            extension(
                &[0x55, 0x1d, 0x25],
                &der::sequence(&[der::object_id(&CLIENT_AUTH)]),
            ),
        ];
        let validity = [der::time(not_before), der::time(not_after)];
        let body = to_be_signed(&key, serial, &self.name, &validity, &subject, &extensions);
        let certificate_pem = pem::encode("CERTIFICATE", &signed(&self.key, body)?);
        Ok(Signed {
            serial,
            not_before,
            not_after,
            certificate_pem,
            key_pem: key.pem.clone(),
        })
    }
}

fn to_be_signed(
    key: &RsaKey,
    serial: u64,
    issuer: &[u8],
    validity: &[Vec<u8>],
    subject: &[u8],
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let rsa = der::sequence(&[der::object_id(&RSA_ENCRYPTION), der::null()]);
    der::sequence(&[
        der::explicit(0, &der::unsigned(2)),
        der::unsigned(serial),
        signature_algorithm(),
        issuer.to_vec(),
        der::sequence(validity),
        subject.to_vec(),
        der::sequence(&[rsa, der::bits(key.public_key(), 0)]),
        der::explicit(3, &der::sequence(extensions)),
    ])
}

fn signed(key: &RsaKey, body: Vec<u8>) -> Result<Vec<u8>, KeyError> {
    let signature = key.sign(&body)?;
    Ok(der::sequence(&[
        body,
        signature_algorithm(),
        der::bits(&signature, 0),
    ]))
}

fn signature_algorithm() -> Vec<u8> {
    der::sequence(&[der::object_id(&SHA256_WITH_RSA), der::null()])
}

/// Encoded as CN, OU, O, which RFC 2253 prints as `O=MongoDB Inc,OU=Atlas,CN=<project>`.
fn issuer_name(project: &str) -> Vec<u8> {
    der::sequence(&[
        relative_name(&COMMON_NAME, project),
        relative_name(&[0x55, 0x04, 0x0b], "Atlas"),
        relative_name(&[0x55, 0x04, 0x0a], "MongoDB Inc"),
    ])
}

fn relative_name(kind: &[u8], value: &str) -> Vec<u8> {
    der::set(&[der::sequence(&[der::object_id(kind), der::text(value)])])
}

/// A critical extension: none of Atlas' is anything else.
fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
    der::sequence(&[der::object_id(kind), der::yes(), der::octets(value)])
}

/// The date RFC 5280 sets aside for "never".
fn tagged_far_future() -> Vec<u8> {
    [b"\x18\x0f".as_slice(), b"99991231235959Z"].concat()
}

const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const CLIENT_AUTH: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use rustls_pki_types::pem::PemObject;
    use x509_cert::Certificate;
    use x509_cert::der::{Decode, Encode, Tag};

    use super::*;
    use crate::keys::Keys;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[test]
    fn a_certificate_has_the_recorded_anatomy() {
        let keys = KeySource::new(Keys::Pool, None);
        let authority = Authority::create(PROJECT, &keys).unwrap();
        let now: Timestamp = "2026-08-10T03:06:35Z".parse().unwrap();
        let signed = authority.sign("user389", 3, now, &keys).unwrap();
        let der = CertificateDer::from_pem_slice(signed.certificate_pem.as_bytes()).unwrap();
        let certificate = Certificate::from_der(&der).unwrap();
        let body = certificate.tbs_certificate();

        assert!((1286..=1291).contains(&der.len()), "{} bytes", der.len());
        assert_eq!(signed.certificate_pem.lines().count(), 27 + 2);
        assert_eq!(signed.key_pem.lines().count(), 50 + 2);
        assert_eq!(body.version(), x509_cert::Version::V3);
        assert_eq!(body.subject().to_string(), "CN=user389");
        assert_eq!(
            body.issuer().to_string(),
            format!("O=MongoDB Inc,OU=Atlas,CN={PROJECT}")
        );
        let name = body.subject().iter().next().unwrap();
        assert_eq!(
            x509_cert::der::Tagged::tag(&name.value),
            Tag::PrintableString
        );
        let serial = body.serial_number().as_bytes();
        assert_eq!(
            serial,
            signed
                .serial
                .to_be_bytes()
                .iter()
                .copied()
                .skip_while(|b| *b == 0)
                .collect::<Vec<_>>()
        );
        assert!(signed.serial > 1 << 53 && signed.serial < 1 << 63);
        assert_eq!(
            body.validity().not_before.to_unix_duration().as_secs(),
            1_786_331_195 - 3600
        );
        assert_eq!(signed.not_after, "2026-11-10T03:06:35Z".parse().unwrap());
        assert_eq!(
            body.validity().not_after.to_unix_duration().as_secs(),
            u64::try_from(signed.not_after.as_second()).unwrap()
        );

        let extensions: Vec<_> = body
            .extensions()
            .unwrap()
            .iter()
            .map(|it| (it.extn_id.to_string(), it.critical))
            .collect();
        assert_eq!(
            extensions,
            [
                ("2.5.29.15".to_owned(), true),
                ("2.5.29.37".to_owned(), true)
            ]
        );
        assert_eq!(
            body.extensions().unwrap()[0].extn_value.as_bytes(),
            [3, 2, 7, 0x80]
        );

        let issuer = Certificate::from_der(&authority.certificate).unwrap();
        let issuer_key = issuer
            .tbs_certificate()
            .subject_public_key_info()
            .subject_public_key
            .raw_bytes()
            .to_vec();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, issuer_key)
            .verify(&body.to_der().unwrap(), certificate.signature().raw_bytes())
            .unwrap();
    }
}
