//! PEM blocks, and the pair of one certificate and its private key that Atlas returns.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{crypto::aws_lc_rs::sign::any_supported_type, pki_types::PrivateKeyDer};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use x509_cert::{
    der::{
        Decode, Encode,
        asn1::{AnyRef, ObjectIdentifier},
    },
    spki::SubjectPublicKeyInfoOwned,
};

use super::{
    Certificate, Error,
    certificate::{self, Decoded},
};

/// A certificate and the private key that belongs to it, decoded once.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The attributes of the certificate.
    pub certificate: Certificate,
    /// The certificate in DER.
    pub certificate_der: Vec<u8>,
    /// The private key in DER: PKCS#8, PKCS#1 or SEC 1.
    pub private_key_der: SecretSlice<u8>,
}

impl Bundle {
    /// Parses a text of exactly one certificate and its private key, in either order.
    ///
    /// # Errors
    /// Everything that makes the pair unusable for authentication: a missing, second, foreign or invalid block, or a
    /// private key of another certificate.
    pub fn parse(pem: &SecretString) -> Result<Self, Error> {
        let (certificate, key) = certificate_and_key(pem.expose_secret())?;
        let certificate_der = certificate.der()?;
        let decoded = certificate::decode(&certificate_der)?;
        let private_key_der: SecretSlice<u8> = key.der()?.into();
        check_key(private_key_der.expose_secret(), &decoded)?;
        Ok(Self {
            certificate: Certificate::new(&decoded, &certificate_der),
            certificate_der,
            private_key_der,
        })
    }
}

/// Splits a text of one certificate and one private key, in either order. The content of the two is not checked.
///
/// The parts have line feeds as line ends and one at the end, so those of Atlas's response are unchanged.
///
/// # Errors
/// A missing, second, encrypted, unterminated or foreign block, or one that is not base64.
pub fn split(pem: &str) -> Result<SplitPem, Error> {
    let (certificate, key) = certificate_and_key(pem)?;
    certificate.der()?;
    key.der()?;
    Ok(SplitPem { certificate_pem: certificate.pem(), private_key_pem: key.pem().into() })
}

/// The two blocks of a bundle.
#[derive(Clone, Debug)]
pub struct SplitPem {
    /// The certificate.
    pub certificate_pem: String,
    /// The private key.
    pub private_key_pem: SecretString,
}

fn certificate_and_key(pem: &str) -> Result<(Block<'_>, Block<'_>), Error> {
    let (mut certificate, mut key) = (None, None);
    for block in blocks(pem) {
        let block = block?;
        let problem = match block.label {
            "CERTIFICATE" => certificate.replace(block).map(|_| Error::ManyCertificates),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                key.replace(block).map(|_| Error::ManyPrivateKeys)
            }
            "ENCRYPTED PRIVATE KEY" => Some(Error::EncryptedPrivateKey),
            label => Some(Error::OtherBlock(printable_label(label))),
        };
        problem.map_or(Ok(()), Err)?;
    }
    let certificate = certificate.ok_or(Error::NoCertificate)?;
    Ok((certificate, key.ok_or(Error::NoPrivateKey)?))
}

/// The PEM blocks of a text, in order. Text between blocks is ignored.
pub(super) fn blocks(pem: &str) -> impl Iterator<Item = Result<Block<'_>, Error>> {
    let mut lines = pem.lines();
    std::iter::from_fn(move || {
        let label = lines.by_ref().find_map(|line| parse_boundary(line, "-----BEGIN "))?;
        let mut body = Vec::new();
        for line in lines.by_ref() {
            if parse_boundary(line, "-----END ") == Some(label) {
                return Some(Ok(Block { label, body }));
            }
            if line.contains("-----") {
                break;
            }
            body.push(line.trim());
        }
        Some(Err(Error::Unterminated(printable_label(label))))
    })
}

fn parse_boundary<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    line.strip_prefix(prefix)?.strip_suffix("-----")
}

/// The label for use in an error: a secret that was pasted in place of a label must not be repeated.
fn printable_label(label: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    let is_printable = label.len() <= 40 && label.bytes().all(is_plain);
    if is_printable { label } else { "unnamed" }.to_owned()
}

/// One PEM block, not decoded.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    body: Vec<&'a str>,
}

impl Block<'_> {
    pub(super) fn der(&self) -> Result<Vec<u8>, Error> {
        let decoded = STANDARD.decode(self.body.concat());
        decoded.map_err(|_| Error::NotBase64(printable_label(self.label)))
    }

    fn pem(&self) -> String {
        let label = self.label;
        let lines = self.body.iter().filter(|line| !line.is_empty());
        let body: String = lines.flat_map(|line| [line, "\n"]).collect();
        format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n")
    }
}

/// Compares the public key of `certificate` with that of the private key `key`.
fn check_key(key: &[u8], certificate: &Decoded) -> Result<(), Error> {
    let public_key = certificate.tbs_certificate().subject_public_key_info();
    if contains_rsa_key(key, public_key) == Some(true) {
        return Ok(());
    }
    let key = PrivateKeyDer::try_from(key).map_err(|_| Error::NotAPrivateKey)?;
    let key = any_supported_type(&key).map_err(|_| Error::NotAPrivateKey)?;
    let ours = key.public_key().ok_or(Error::NotAPrivateKey)?;
    let is_ours = public_key.to_der().is_ok_and(|theirs| theirs == *ours);
    if is_ours { Ok(()) } else { Err(Error::KeyMismatch) }
}

/// Whether a private key begins with the modulus and the exponent of an RSA public key: they follow the version of a PKCS#1
/// key, which can follow the short header of PKCS#8.
///
/// Atlas issues RSA keys. Loading one verifies its arithmetic first, which takes a hundred times as long and is not needed
/// here.
fn contains_rsa_key(key: &[u8], public_key: &SubjectPublicKeyInfoOwned) -> Option<bool> {
    AnyRef::from_der(key).ok()?; // complete
    let rsa_public_key = AnyRef::from_der(public_key.subject_public_key.as_bytes()?).ok()?;
    let fields = [VERSION, rsa_public_key.value()].concat();
    Some(
        public_key.algorithm.oid == RSA
            && key.windows(fields.len()).take(64).any(|part| part == fields),
    )
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The integer 0.
const VERSION: &[u8] = &[2, 1, 0];
