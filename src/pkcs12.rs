//! A certificate and its private key as a PKCS#12 archive, the file that Java, .NET and Windows want.
//!
//! Knows the archive's two profiles and the `p12-keystore` crate that writes them; nothing of who asks. No error shows any
//! part of the key or the password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::x509;

/// How an archive is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// PBES2: AES-256-CBC under PBKDF2 with HMAC-SHA-256, and an HMAC-SHA-256 over the whole. Java 8u301, OpenSSL 1.1,
    /// Windows 10 1709 and .NET read it, and their successors.
    #[default]
    Modern,
    /// PBES1: triple DES and an HMAC-SHA-1, for what is older. Weak: whoever has the file guesses passwords fast.
    Legacy,
}

impl Profile {
    /// Reads the name of a profile.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "modern" => Some(Self::Modern),
            "legacy" => Some(Self::Legacy),
            _ => None,
        }
    }
}

/// Packs a text of one certificate and its key, as Atlas sends it, into an archive, in base64 without line ends.
///
/// The entry is named after the certificate's common name. Salts are random: the same input gives another archive every
/// time.
pub fn archive(
    combined_pem: &SecretString,
    password: &SecretString,
    profile: Profile,
) -> Result<SecretString, Error> {
    check_password(password)?;
    let facts = x509::parse_bundle(combined_pem)?;
    let parts = x509::split(combined_pem.expose_secret())?;
    let chain = PrivateKeyChain::new(
        facts.fingerprint_sha256.as_str(),
        key(&parts)?,
        [certificate(&parts)?],
    );
    let mut store = KeyStore::new();
    store.add_entry(&alias(&facts), KeyStoreEntry::PrivateKeyChain(chain));
    let (encryption, mac) = match profile {
        Profile::Modern => (
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
        Profile::Legacy => (
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
    };
    let writer = store
        .writer(password.expose_secret())
        .encryption_algorithm(encryption)
        .encryption_iterations(ITERATIONS)
        .mac_algorithm(mac)
        .mac_iterations(ITERATIONS);
    let archive = writer.write().map_err(|_| Error::NotWritten)?;
    Ok(STANDARD.encode(archive).into())
}

/// Whether an archive can have this password, in both profiles.
///
/// # Errors
/// Empty, or a character the format's 16-bit text has no place for.
pub fn check_password(password: &SecretString) -> Result<(), Error> {
    let password = password.expose_secret();
    if password.is_empty() {
        return Err(Error::PasswordEmpty);
    }
    if password.chars().all(is_in_basic_plane) {
        Ok(())
    } else {
        Err(Error::PasswordCharacter)
    }
}

/// Why there is no archive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No password.
    #[error("the password is empty")]
    PasswordEmpty,
    /// A character above U+FFFE.
    #[error("the password holds a character that PKCS#12 cannot encode, such as an emoji")]
    PasswordCharacter,
    /// Not one certificate and its key.
    #[error(transparent)]
    Bundle(#[from] x509::Error),
    /// The key has another form than Atlas sends.
    #[error("the private key is not in PKCS#8 form, which begins with -----BEGIN PRIVATE KEY-----")]
    NotPkcs8,
    /// The archive could not be put together.
    #[error("the certificate and the private key could not be packed into an archive")]
    NotWritten,
}

fn key(parts: &x509::Parts) -> Result<PrivateKey, Error> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(parts.private_key_pem.expose_secret().as_bytes());
    let der = der.map_err(|_| Error::NotPkcs8)?;
    PrivateKey::from_der(der.secret_pkcs8_der()).map_err(|_| Error::NotPkcs8)
}

fn certificate(parts: &x509::Parts) -> Result<Certificate, Error> {
    let der = CertificateDer::from_pem_slice(parts.certificate_pem.as_bytes());
    let der = der.map_err(|_| x509::Error::NotACertificate)?;
    Ok(Certificate::from_der(&der).map_err(|_| x509::Error::NotACertificate)?)
}

fn alias(facts: &x509::Certificate) -> String {
    let name = facts
        .subject_common_name
        .as_deref()
        .unwrap_or(&facts.subject);
    name.chars()
        .map(|c| if is_in_basic_plane(c) { c } else { '\u{fffd}' })
        .collect()
}

fn is_in_basic_plane(character: char) -> bool {
    u32::from(character) < 0xffff
}

/// What current Java writes. More would slow down those who read the archive at every start.
const ITERATIONS: u32 = 10_000;

#[cfg(test)]
mod tests;
