//! A certificate and its private key as a PKCS#12 archive, the key store format of Java, .NET and Windows.
//!
//! Errors contain no part of the key or the password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::x509::{self, Bundle};

/// How an archive is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// PBES2: AES-256-CBC with PBKDF2 and HMAC-SHA-256; MAC: HMAC-SHA-256. Readers: Java 8u301, OpenSSL 1.1,
    /// Windows 10 1709 and .NET, and their successors.
    #[default]
    Modern,
    /// PBES1: triple DES; MAC: HMAC-SHA-1. For older readers. Weak: passwords can be guessed fast.
    Legacy,
}

impl Profile {
    /// Parses the name of a profile.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "modern" => Some(Self::Modern),
            "legacy" => Some(Self::Legacy),
            _ => None,
        }
    }
}

/// Builds an archive in base64 without line breaks.
///
/// The alias of its only entry is the certificate's common name. Salts are random, so the bytes differ at each call.
/// Deriving the keys takes milliseconds of CPU time: call it outside of async code.
pub fn archive(
    bundle: &Bundle,
    password: &SecretString,
    profile: Profile,
) -> Result<SecretString, Error> {
    check_password(password)?;
    let key = PrivateKey::from_der(bundle.private_key_der.expose_secret())
        .map_err(|_| Error(NOT_PKCS8))?;
    let certificate =
        Certificate::from_der(&bundle.certificate_der).map_err(|_| Error(NOT_WRITTEN))?;
    let id = bundle.certificate.fingerprint_sha256.as_str();
    let chain = PrivateKeyChain::new(id, key, [certificate]);
    let mut store = KeyStore::new();
    store.add_entry(&alias(&bundle.certificate), KeyStoreEntry::PrivateKeyChain(chain));
    let (encryption, mac) = match profile {
        Profile::Modern => {
            (EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256)
        }
        Profile::Legacy => {
            (EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1)
        }
    };
    let writer = store
        .writer(password.expose_secret())
        .encryption_algorithm(encryption)
        .encryption_iterations(ITERATIONS)
        .mac_algorithm(mac)
        .mac_iterations(ITERATIONS);
    let archive = writer.write().map_err(|_| Error(NOT_WRITTEN))?;
    Ok(STANDARD.encode(archive).into())
}

/// The default of current Java. A higher number slows down every start of a program that reads the archive.
const ITERATIONS: u32 = 10_000;

/// Checks that every reader accepts the password: at least one character, printable ASCII only.
///
/// Java refuses other characters; OpenSSL encodes them by its locale.
pub fn check_password(password: &SecretString) -> Result<(), Error> {
    let password = password.expose_secret();
    if password.is_empty() {
        Err(Error("the password is empty"))
    } else if password.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(())
    } else {
        Err(Error(NOT_PRINTABLE))
    }
}

const NOT_PRINTABLE: &str = "the password contains a character that is not printable ASCII, which Java cannot read; use the letters \
     A to Z, digits and punctuation";

/// The common name, with U+FFFD in place of characters that the format's UCS-2 text cannot hold.
fn alias(certificate: &x509::Certificate) -> String {
    let name = certificate.subject_common_name.as_deref();
    name.unwrap_or(&certificate.subject)
        .chars()
        .map(|c| if u32::from(c) < 0xffff { c } else { '\u{fffd}' })
        .collect()
}

/// The reason why an archive cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Error(&'static str);

const NOT_PKCS8: &str =
    "the private key is not in PKCS#8 form, which begins with -----BEGIN PRIVATE KEY-----";
const NOT_WRITTEN: &str = "the certificate and the private key cannot be encoded as an archive";

#[cfg(test)]
mod tests;
