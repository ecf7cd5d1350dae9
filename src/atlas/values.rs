//! The values that calls return.

use jiff::Timestamp;
use tokio::time::Instant;

use super::error::Operation;

/// A user's unexpired certificates at one moment.
#[derive(Clone, Debug)]
pub struct CertificateList {
    /// In the order of the API.
    pub certificates: Vec<ListedCertificate>,
    /// The moment, by the server's clock.
    pub server_time: Timestamp,
    /// The same moment by the local monotonic clock.
    pub(super) fetched_at: Instant,
    /// When the first request for the list was made.
    pub(super) requested_at: Instant,
}

/// A certificate in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCertificate {
    /// The serial number in decimal.
    pub certificate_id: String,
    /// One hour before the certificate was issued.
    pub created_at: Timestamp,
    /// The expiry.
    pub not_after: Timestamp,
    /// The subject as RFC 2253 text, as the API returned it: not safe to print.
    pub subject: String,
}

/// A database user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUser {
    /// The name, as the API returned it: not safe to print.
    pub username: String,
    /// The authentication database: `$external` for a user with a certificate.
    pub auth_database: String,
    /// Which authority issues the user's certificates.
    pub x509_type: X509Type,
}

/// Which authority issues a user's certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum X509Type {
    /// Atlas.
    Managed,
    /// The customer's own certificate authority.
    Customer,
    /// The user does not authenticate with certificates.
    None,
    /// A value that this client does not know.
    Other(String),
}

/// The announcement that an endpoint will be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeprecationNotice {
    /// The operation that received it.
    pub operation: Operation,
    /// The `Deprecation` header: since when the endpoint is deprecated.
    pub deprecation: Option<String>,
    /// The `Sunset` header: when the endpoint will be removed.
    pub sunset: Option<String>,
}

impl CertificateList {
    /// The unexpired certificate that was issued last; of several issued together, the one with the highest ID.
    pub fn newest(&self) -> Option<&ListedCertificate> {
        self.certificates
            .iter()
            .filter(|certificate| certificate.is_valid_at(self.server_time))
            .max_by_key(|certificate| (certificate.created_at, certificate.serial_order()))
    }
}

impl ListedCertificate {
    /// Whether the certificate has not expired at that time, which can be later than the list.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_after > now
    }

    /// Orders IDs, which are decimal numbers without leading zeros, by their value.
    pub fn serial_order(&self) -> (usize, &str) {
        (self.certificate_id.len(), &self.certificate_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(date: &str, certificates: &[(&str, &str, &str)]) -> CertificateList {
        let at = |day: &str| format!("2026-{day}T03:00:00Z").parse().unwrap();
        let certificates =
            certificates.iter().map(|(id, created_at, not_after)| ListedCertificate {
                certificate_id: (*id).to_owned(),
                created_at: at(created_at),
                not_after: at(not_after),
                subject: "CN=app".to_owned(),
            });
        CertificateList {
            certificates: certificates.collect(),
            server_time: at(date),
            fetched_at: Instant::now(),
            requested_at: Instant::now(),
        }
    }

    #[test]
    fn the_newest_certificate_is_the_one_issued_last() {
        let all = [
            ("30", "03-01", "06-30"),
            ("9", "02-01", "05-10"),
            ("10", "02-01", "05-10"),
            ("7", "01-01", "04-30"),
            ("18446744073709551616", "03-01", "05-01"),
        ];
        let newest = |date: &str, all: &[(&str, &str, &str)]| {
            let listing = listing(date, all);
            listing.newest().map(|certificate| certificate.certificate_id.clone())
        };
        assert_eq!(newest("04-01", &all).as_deref(), Some("18446744073709551616"));
        assert_eq!(newest("05-02", &all).as_deref(), Some("30"));
        assert_eq!(newest("06-30", &all), None);
        assert_eq!(newest("04-01", &all[1..3]).as_deref(), Some("10"));
    }
}
