//! What calls return, as plain values.

use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::request::Operation;
use crate::x509;

/// How long a caller is willing to wait, and how it calls off.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// When the whole operation must be over, waits included.
    pub deadline: Instant,
    /// Ends waits and requests that have not been sent.
    pub cancel: CancellationToken,
    /// Whether a failed request may be repeated.
    pub retry: Retry,
}

/// Whether a failed request may be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Retry {
    /// As often as the configuration allows, where that is safe.
    #[default]
    Default,
    /// One attempt.
    Never,
}

/// What Atlas sent for a certificate request that succeeded.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate and its key as text; whatever else it may be, it is all that came. A body
    /// that is not text stands here as a `data:` URL.
    pub pem: SecretString,
    /// The certificate, if the text is a certificate with its private key.
    pub certificate: Result<x509::Certificate, x509::Error>,
    /// The server's clock.
    pub server_time: Option<Timestamp>,
    /// The result of the list that was read, if the response does not identify its certificate.
    pub reconciliation: Option<Reconciliation>,
}

/// Why no certificate was brought home.
#[derive(Clone, Debug, Error)]
pub enum IssueError {
    /// The caller called off before the request was written; nothing was issued.
    #[error("issuing a certificate was stopped before it was asked for")]
    Cancelled,
    /// Refused, or never sent: nothing was issued.
    #[error(transparent)]
    NotIssued(Error),
    /// The request was sent and may have taken effect.
    #[error("whether a certificate was issued is not certain")]
    Ambiguous {
        /// What went wrong.
        #[source]
        cause: Error,
        /// What a look at the list showed.
        reconciliation: Reconciliation,
    },
}

/// What is known about a certificate request whose answer does not tell.
#[derive(Clone, Debug)]
pub enum Reconciliation {
    /// No certificate appeared: nothing was issued.
    NoneFound,
    /// These appeared since the request was sent, and nobody here received them.
    Candidates(Vec<ListedCertificate>),
    /// The answer broke off behind the certificate: it was issued and its key is lost.
    KeyLost(Box<x509::Certificate>),
    /// The list could not be had.
    ListFailed(Error),
}

/// A user's unexpired certificates at one moment.
#[derive(Clone, Debug)]
pub struct CertificateList {
    /// In the order Atlas gave them.
    pub certificates: Vec<ListedCertificate>,
    /// The moment, by the server's clock.
    pub server_time: Timestamp,
    /// The same moment by ours.
    pub(super) fetched_at: Instant,
}

impl CertificateList {
    /// The unexpired certificate that was issued last; the higher id where two were issued together.
    pub fn newest(&self) -> Option<&ListedCertificate> {
        self.certificates
            .iter()
            .filter(|certificate| certificate.is_valid_at(self.server_time))
            .max_by_key(|certificate| (certificate.created_at, certificate.serial_order()))
    }
}

/// A certificate as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCertificate {
    /// The serial number in decimal.
    pub certificate_id: String,
    /// An hour before the certificate was issued.
    pub created_at: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// The subject as RFC 2253 text.
    pub subject: String,
}

impl ListedCertificate {
    /// Whether it has not expired: a list can be older than what it is compared with.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_after > now
    }

    /// Orders ids, which are decimal texts without leading zeros, by their value.
    pub fn serial_order(&self) -> (usize, &str) {
        (self.certificate_id.len(), &self.certificate_id)
    }
}

/// A database user that logs in with something outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUser {
    /// Who issues the user's certificates.
    pub x509_type: X509Type,
}

/// Who issues a user's certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum X509Type {
    /// Atlas.
    Managed,
    /// The customer's own authority.
    Customer,
    /// Nobody: the user does not log in with certificates.
    None,
    /// Something Atlas introduced later.
    Other(String),
}

/// An announcement that an endpoint will go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeprecationNotice {
    /// The call that was answered with it.
    pub operation: Operation,
    /// Since when the endpoint is deprecated.
    pub deprecation: Option<String>,
    /// When it stops working.
    pub sunset: Option<String>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn listing(date: &str, certificates: &[(&str, &str, &str)]) -> CertificateList {
        let at = |day: &str| format!("2026-{day}T03:00:00Z").parse().unwrap();
        let certificates =
            certificates
                .iter()
                .map(|(id, created_at, not_after)| ListedCertificate {
                    certificate_id: (*id).to_owned(),
                    created_at: at(created_at),
                    not_after: at(not_after),
                    subject: "CN=app".to_owned(),
                });
        CertificateList {
            certificates: certificates.collect(),
            server_time: at(date),
            fetched_at: Instant::now(),
        }
    }

    #[test]
    fn the_newest_is_the_one_issued_last_and_not_the_one_valid_longest() {
        let all = [
            ("30", "03-01", "06-30"),
            ("9", "02-01", "05-10"),
            ("10", "02-01", "05-10"),
            ("7", "01-01", "04-30"),
            ("18446744073709551616", "03-01", "05-01"),
        ];
        let newest = |date: &str, all: &[(&str, &str, &str)]| {
            let listing = listing(date, all);
            listing
                .newest()
                .map(|certificate| certificate.certificate_id.clone())
        };
        assert_eq!(
            newest("04-01", &all).as_deref(),
            Some("18446744073709551616")
        );
        assert_eq!(newest("05-02", &all).as_deref(), Some("30"));
        assert_eq!(newest("06-30", &all), None);
        assert_eq!(newest("04-01", &all[1..3]).as_deref(), Some("10"));
    }
}
