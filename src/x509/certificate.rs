//! The attributes of one certificate as text.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use x509_cert::{
    certificate::{CertificateInner, Raw},
    der::Decode,
    time::Time,
};

use super::{Error, bundle::blocks, name, serial};

/// The attributes of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The serial number in decimal, Atlas's `_id` of the certificate. It may exceed every machine word.
    pub certificate_id: String,
    /// The serial number in lower-case hex, whole bytes.
    pub serial_number: String,
    /// The subject as RFC 2253 text.
    pub subject: String,
    /// The issuer as RFC 2253 text.
    pub issuer: String,
    /// The subject's common name, unescaped, if it has exactly one.
    pub subject_common_name: Option<String>,
    /// The issuer's common name, unescaped, if it has exactly one. Atlas writes the project id here.
    pub issuer_common_name: Option<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity; the latest representable second, 9999-12-30T22:00:00Z, if the certificate is valid for longer.
    pub not_after: Timestamp,
    /// SHA-256 of the DER in lower-case hex.
    pub fingerprint_sha256: String,
}

/// Parses the only certificate of a PEM text. Blocks with other labels are ignored.
///
/// # Errors
/// If there is not exactly one certificate, or it cannot be decoded.
pub fn parse_certificate(pem: &str) -> Result<Certificate, Error> {
    let mut certificate = None;
    for block in blocks(pem) {
        let block = block?;
        if block.label == "CERTIFICATE" && certificate.replace(block).is_some() {
            return Err(Error::ManyCertificates);
        }
    }
    let der = certificate.ok_or(Error::NoCertificate)?.der()?;
    Ok(Certificate::new(&decode(&der)?, &der))
}

/// A decoded certificate. `Raw`, because serial numbers over 20 octets exist although RFC 5280 forbids them.
pub(super) type Decoded = CertificateInner<Raw>;

pub(super) fn decode(der: &[u8]) -> Result<Decoded, Error> {
    Decoded::from_der(der).map_err(|_| Error::NotACertificate)
}

impl Certificate {
    pub(super) fn new(decoded: &Decoded, der: &[u8]) -> Self {
        let tbs = decoded.tbs_certificate();
        let (certificate_id, serial_number) =
            serial::decimal_and_hex(tbs.serial_number().as_bytes());
        Self {
            certificate_id,
            serial_number,
            subject: name::rfc2253(tbs.subject()),
            issuer: name::rfc2253(tbs.issuer()),
            subject_common_name: name::common_name(tbs.subject()),
            issuer_common_name: name::common_name(tbs.issuer()),
            not_before: timestamp(tbs.validity().not_before),
            not_after: timestamp(tbs.validity().not_after),
            fingerprint_sha256: hex::encode(digest(&SHA256, der)),
        }
    }
}

/// The time, but at most the latest whole second that a `Timestamp` can hold: RFC 5280's "no well-defined expiration
/// date", 9999-12-31T23:59:59Z, lies after it.
fn timestamp(time: Time) -> Timestamp {
    let latest = Timestamp::MAX.as_second();
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(latest);
    Timestamp::from_second(seconds.min(latest)).unwrap_or(Timestamp::MAX)
}
