//! The facts of one certificate, as texts a person or a program can use.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use x509_cert::der::Decode;
use x509_cert::time::Time;

use super::{Error, name};

/// What a certificate says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The serial number in decimal: Atlas' `_id` of the certificate. Too big for any machine word.
    pub certificate_id: String,
    /// The serial number in lower-case hex, whole bytes, as openssl prints it.
    pub serial_number: String,
    /// The subject as RFC 2253 text.
    pub subject: String,
    /// The issuer as RFC 2253 text.
    pub issuer: String,
    /// The subject's common name, unescaped, if it has exactly one.
    pub subject_common_name: Option<String>,
    /// The issuer's common name, unescaped, if it has exactly one: Atlas writes the project id here.
    pub issuer_common_name: Option<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// SHA-256 of the DER in lower-case hex.
    pub fingerprint_sha256: String,
    /// Whether the subject is its common name and nothing else.
    pub(super) subject_is_common_name: bool,
}

impl Certificate {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| Error::NotACertificate)?;
        let tbs = parsed.tbs_certificate();
        let serial = Serial::new(tbs.serial_number().as_bytes());
        Ok(Self {
            certificate_id: serial.decimal(),
            serial_number: serial.hex(),
            subject: name::rfc2253(tbs.subject()),
            issuer: name::rfc2253(tbs.issuer()),
            subject_common_name: name::common_name(tbs.subject()),
            issuer_common_name: name::common_name(tbs.issuer()),
            not_before: timestamp(tbs.validity().not_before)?,
            not_after: timestamp(tbs.validity().not_after)?,
            fingerprint_sha256: hex(digest(&SHA256, der).as_ref()),
            subject_is_common_name: name::is_one_attribute(tbs.subject()),
        })
    }
}

/// A serial number: sign and magnitude, because careless issuers wrote negative ones.
struct Serial {
    negative: bool,
    magnitude: Vec<u8>,
}

impl Serial {
    /// Reads the content of a DER INTEGER.
    fn new(content: &[u8]) -> Self {
        let negative = content.first().is_some_and(|byte| byte & 0x80 != 0);
        let mut magnitude = content.to_vec();
        if negative {
            let mut carry = true;
            for byte in magnitude.iter_mut().rev() {
                (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
            }
        }
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        magnitude.drain(..zeros);
        Self {
            negative,
            magnitude,
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    fn hex(&self) -> String {
        let digits = if self.magnitude.is_empty() {
            "00".into()
        } else {
            hex(&self.magnitude)
        };
        format!("{}{digits}", self.sign())
    }

    fn decimal(&self) -> String {
        let mut rest = self.magnitude.clone();
        let mut digits = Vec::new();
        while rest.iter().any(|byte| *byte != 0) {
            let mut remainder = 0_u32;
            for byte in &mut rest {
                let value = remainder * 256 + u32::from(*byte);
                *byte = u8::try_from(value / 10).unwrap_or(u8::MAX);
                remainder = value % 10;
            }
            digits.push(char::from_digit(remainder, 10).unwrap_or('0'));
        }
        if digits.is_empty() {
            digits.push('0');
        }
        self.sign()
            .chars()
            .chain(digits.into_iter().rev())
            .collect()
    }
}

fn timestamp(time: Time) -> Result<Timestamp, Error> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs());
    seconds
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .ok_or(Error::NotACertificate)
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::super::{parse_certificate, tests::pair};
    use super::*;

    #[test]
    fn prints_serial_numbers_of_any_size_and_sign() {
        for (content, decimal, hexadecimal) in [
            (&[0x00][..], "0", "00"),
            (&[0x07], "7", "07"),
            (&[0x00, 0xff], "255", "ff"),
            (&[0x01, 0x00], "256", "0100"),
            (&[0xff], "-1", "-01"),
            (&[0x80], "-128", "-80"),
            (
                &[0x1b, 0x6e, 0xba, 0x83, 0x48, 0x90, 0x4a, 0x92],
                "1976722359483124370",
                "1b6eba8348904a92",
            ),
            (
                &[
                    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                    0xff, 0xff, 0xff, 0xff,
                ],
                "340282366920938463463374607431768211455",
                "ffffffffffffffffffffffffffffffff",
            ),
        ] {
            let serial = Serial::new(content);
            assert_eq!(serial.decimal(), decimal);
            assert_eq!(serial.hex(), hexadecimal);
        }
    }

    #[test]
    fn reads_the_facts_of_a_certificate() {
        let facts = parse_certificate(&pair(&[0x0a], "app-user").0).unwrap();
        assert_eq!(facts.subject, "O=MongoDB Inc,CN=app-user");
        assert_eq!(facts.issuer, facts.subject);
        assert_eq!(facts.subject_common_name.as_deref(), Some("app-user"));
        assert_eq!(facts.not_before, "2026-08-10T00:00:00Z".parse().unwrap());
        assert_eq!(facts.not_after, "2026-11-10T00:00:00Z".parse().unwrap());
        assert_eq!(facts.fingerprint_sha256.len(), 64);
    }
}
