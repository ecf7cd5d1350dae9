//! Whether a private key belongs to a certificate.

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader};

use super::Error;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Compares the public half of `key` with the one `certificate` vouches for.
///
/// Atlas' RSA keys are compared by modulus and exponent: loading one the usual way proves its
/// arithmetic first, which costs a hundred times as much and tells nothing more here.
pub(super) fn check(key: &[u8], certificate: &[u8]) -> Result<(), Error> {
    match (rsa_of_key(key), rsa_of_certificate(certificate)) {
        (Some(ours), Some(theirs)) if ours == theirs => Ok(()),
        (Some(_), _) => Err(Error::KeyMismatch),
        (None, _) => check_by_loading(key, certificate),
    }
}

fn check_by_loading(key: &[u8], certificate: &[u8]) -> Result<(), Error> {
    let key = PrivateKeyDer::try_from(key).map_err(|_| Error::NotAPrivateKey)?;
    let key = any_supported_type(&key).map_err(|_| Error::NotAPrivateKey)?;
    let chain = vec![CertificateDer::from(certificate.to_vec())];
    CertifiedKey::new(chain, key)
        .keys_match()
        .map_err(|_| Error::KeyMismatch)
}

/// Modulus and public exponent of an RSA key in PKCS#8 or PKCS#1; `None` for anything else.
fn rsa_of_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = members(der)?;
    outer.decode::<UintRef<'_>>().ok()?;
    if let Ok(modulus) = outer.clone().decode::<UintRef<'_>>() {
        let mut pkcs1 = outer;
        pkcs1.decode::<UintRef<'_>>().ok()?;
        return Some((modulus.as_bytes(), exponent(&mut pkcs1)?));
    }
    if algorithm(&mut outer)? != RSA {
        return None;
    }
    let inner: &OctetStringRef = outer.decode().ok()?;
    let mut pkcs1 = members(inner.as_bytes())?;
    pkcs1.decode::<UintRef<'_>>().ok()?;
    let modulus: UintRef<'_> = pkcs1.decode().ok()?;
    Some((modulus.as_bytes(), exponent(&mut pkcs1)?))
}

/// The same two numbers as the certificate states them.
fn rsa_of_certificate(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut certificate = members(der)?;
    let mut tbs = SliceReader::new(certificate.decode::<AnyRef<'_>>().ok()?.value()).ok()?;
    if tbs.peek_byte()? == 0xa0 {
        tbs.decode::<AnyRef<'_>>().ok()?; // version
    }
    for _ in 0..5 {
        tbs.decode::<AnyRef<'_>>().ok()?; // serial, signature, issuer, validity, subject
    }
    let mut public_key = SliceReader::new(tbs.decode::<AnyRef<'_>>().ok()?.value()).ok()?;
    if algorithm(&mut public_key)? != RSA {
        return None;
    }
    let bits: BitStringRef<'_> = public_key.decode().ok()?;
    let mut numbers = members(bits.as_bytes()?)?;
    let modulus: UintRef<'_> = numbers.decode().ok()?;
    Some((modulus.as_bytes(), exponent(&mut numbers)?))
}

fn members(der: &[u8]) -> Option<SliceReader<'_>> {
    SliceReader::new(AnyRef::from_der(der).ok()?.value()).ok()
}

fn algorithm(reader: &mut SliceReader<'_>) -> Option<ObjectIdentifier> {
    let sequence: AnyRef<'_> = reader.decode().ok()?;
    SliceReader::new(sequence.value()).ok()?.decode().ok()
}

fn exponent<'a>(reader: &mut SliceReader<'a>) -> Option<&'a [u8]> {
    Some(reader.decode::<UintRef<'a>>().ok()?.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

    #[test]
    fn knows_an_rsa_key_from_another_without_loading_it() {
        let (ours, theirs) = (rsa(), rsa());
        let certificate = CertificateParams::default().self_signed(&ours).unwrap();
        assert_eq!(check(ours.serialized_der(), certificate.der()), Ok(()));
        assert_eq!(
            check(theirs.serialized_der(), certificate.der()),
            Err(Error::KeyMismatch)
        );
        assert!(rsa_of_key(ours.serialized_der()).is_some());
        assert_eq!(
            rsa_of_key(ours.serialized_der()),
            rsa_of_certificate(certificate.der())
        );
    }

    fn rsa() -> KeyPair {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap()
    }
}
