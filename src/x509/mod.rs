//! What a client certificate says about itself, and whether a private key belongs to it.
//!
//! Knows PEM, DER and names; nothing of Atlas, nothing of who asks. Errors name the kind of block
//! at fault and never repeat what they were given, because that may be a private key.

mod certificate;
mod key;
mod name;
mod pem;

pub use certificate::Certificate;
pub(crate) use certificate::hex;
pub(crate) use name::common_name_of;
pub use name::subject_matches;
pub use pem::{Parts, split};

use std::panic::{UnwindSafe, catch_unwind};

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use self::pem::{Block, Kind};

/// Reads the only certificate of a PEM text; blocks of other kinds are passed over.
pub fn parse_certificate(pem: &str) -> Result<Certificate, Error> {
    guarded(|| {
        let mut found = None;
        for block in pem::blocks(pem) {
            let block = block?;
            if block.kind() == Kind::Certificate && found.replace(block).is_some() {
                return Err(Error::ManyCertificates);
            }
        }
        Certificate::from_der(&found.ok_or(Error::NoCertificate)?.der()?)
    })
}

/// Reads a text of exactly one certificate and its private key, in either order.
///
/// # Errors
///
/// Anything that makes the pair unusable for a login: a missing, doubled, foreign or unreadable
/// block, or a key whose public half is not the certificate's.
pub fn parse_bundle(pem: &SecretString) -> Result<Certificate, Error> {
    guarded(|| {
        let (certificate, key) = pem::pair(pem.expose_secret())?;
        let certificate_der = certificate.der()?;
        let facts = Certificate::from_der(&certificate_der)?;
        key::check(&key.der()?, &certificate_der)?;
        Ok(facts)
    })
}

/// Makes a panic while reading an error like any other: what is read may be the only copy of a
/// key, which whoever reads it must still be able to keep.
fn guarded<T>(read: impl FnOnce() -> Result<T, Error> + UnwindSafe) -> Result<T, Error> {
    catch_unwind(read).unwrap_or(Err(Error::Internal))
}

/// Why a PEM text is not what it should be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// No `CERTIFICATE` block.
    #[error("there is no certificate in the text")]
    NoCertificate,
    /// More than one `CERTIFICATE` block.
    #[error("there is more than one certificate in the text")]
    ManyCertificates,
    /// No private key block.
    #[error("there is no private key in the text")]
    NoPrivateKey,
    /// More than one private key block.
    #[error("there is more than one private key in the text")]
    ManyPrivateKeys,
    /// The private key needs a password.
    #[error("the private key is encrypted")]
    EncryptedPrivateKey,
    /// A block that is neither a certificate nor a private key.
    #[error("the text holds a block of another kind: {label}")]
    OtherBlock {
        /// The block's label, or a stand-in where the label itself is odd.
        label: String,
    },
    /// A block begins and does not end.
    #[error("the {label} block has no end")]
    Unterminated {
        /// The block's label.
        label: String,
    },
    /// A block's body is not base64.
    #[error("the {label} block is not valid base64")]
    NotBase64 {
        /// The block's label.
        label: String,
    },
    /// The `CERTIFICATE` block holds something else.
    #[error("the certificate block does not hold an X.509 certificate")]
    NotACertificate,
    /// The private key block holds something else.
    #[error("the private key block does not hold a private key this program can read")]
    NotAPrivateKey,
    /// The key and the certificate do not belong together.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// Reading panicked.
    #[error("the text could not be read because of a bug in this program")]
    Internal,
}

impl Block<'_> {
    /// The label, harmless to show.
    fn shown_label(&self) -> String {
        pem::shown(self.label)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, SerialNumber};

    pub(super) fn pair(serial: &[u8], common_name: &str) -> (String, String) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "MongoDB Inc");
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.not_before = rcgen::date_time_ymd(2026, 8, 10);
        params.not_after = rcgen::date_time_ymd(2026, 11, 10);
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn reads_a_bundle_in_either_order_and_with_any_line_ends() {
        let (certificate, key) = pair(&[0x1b, 0x6e, 0xba, 0x83, 0x48, 0x90, 0x4a, 0x92], "app");
        for text in [
            format!("{certificate}{key}"),
            format!("{key}{certificate}"),
            format!("some words\n{certificate}\n\n{key}\n"),
            format!("{certificate}{key}").replace('\n', "\r\n"),
        ] {
            let facts = parse_bundle(&SecretString::from(text)).unwrap();
            assert_eq!(facts.certificate_id, "1976722359483124370");
            assert_eq!(facts.serial_number, "1b6eba8348904a92");
            assert_eq!(facts.subject_common_name.as_deref(), Some("app"));
        }
    }

    #[test]
    fn refuses_what_is_not_one_certificate_and_its_key() {
        let (certificate, key) = pair(&[1], "app");
        let (other, other_key) = pair(&[2], "app");
        let cut = &key[..key.len() / 2];
        for (text, wanted) in [
            (String::new(), Error::NoCertificate),
            (certificate.clone(), Error::NoPrivateKey),
            (key.clone(), Error::NoCertificate),
            (
                format!("{certificate}{other}{key}"),
                Error::ManyCertificates,
            ),
            (
                format!("{certificate}{key}{other_key}"),
                Error::ManyPrivateKeys,
            ),
            (format!("{certificate}{other_key}"), Error::KeyMismatch),
            (
                format!("{certificate}{cut}"),
                Error::Unterminated {
                    label: "PRIVATE KEY".into(),
                },
            ),
            (
                format!(
                    "{certificate}{}",
                    key.replace("PRIVATE", "ENCRYPTED PRIVATE")
                ),
                Error::EncryptedPrivateKey,
            ),
            (
                format!("{certificate}{}", key.replace("PRIVATE KEY", "PUBLIC KEY")),
                Error::OtherBlock {
                    label: "PUBLIC KEY".into(),
                },
            ),
            (
                format!("{key}-----BEGIN CERTIFICATE-----\n*secret*\n-----END CERTIFICATE-----\n"),
                Error::NotBase64 {
                    label: "CERTIFICATE".into(),
                },
            ),
            (
                format!("{key}-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n"),
                Error::NotACertificate,
            ),
            (
                format!(
                    "{certificate}-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
                ),
                Error::NotAPrivateKey,
            ),
        ] {
            let error = parse_bundle(&SecretString::from(text)).unwrap_err();
            assert_eq!(error, wanted);
            assert!(!error.to_string().contains("secret") && !error.to_string().contains("c2Vj"));
        }
    }

    #[test]
    fn a_panic_while_reading_is_an_error() {
        let fails = || -> Result<Certificate, Error> { panic!("on purpose") };
        assert_eq!(guarded(fails), Err(Error::Internal));
    }

    #[test]
    fn finds_the_one_certificate_among_other_blocks() {
        let (certificate, key) = pair(&[7], "app");
        assert_eq!(
            parse_certificate(&format!("{key}{certificate}"))
                .unwrap()
                .certificate_id,
            "7"
        );
        assert_eq!(parse_certificate(&key), Err(Error::NoCertificate));
        assert_eq!(
            parse_certificate(&format!("{certificate}{certificate}")),
            Err(Error::ManyCertificates)
        );
    }
}
