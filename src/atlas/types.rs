//! What calls return, as plain values.

use super::error::Error;
use super::request::Operation;
use crate::x509;
use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a caller is willing to wait, and how it calls off.
#[derive(Clone, Debug)]
pub struct Call {
    /// When the whole operation must be over, waits included.
    pub deadline: Instant,
    /// Ends waits and whatever has not been sent.
    pub stop: CancellationToken,
}

/// What Atlas sent for a certificate request that succeeded.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate and its key as text; whatever else it may be, it is all that came. A body
    /// that is not text stands here as a `data:` URL.
    pub pem: SecretString,
    /// The server's clock.
    pub date: Option<Timestamp>,
}

/// Why no certificate was brought home.
#[derive(Clone, Debug, Error)]
pub enum IssueError {
    /// The caller called off before the request was written; nothing was issued.
    #[error("issuing a certificate was stopped before it was asked for")]
    Stopped,
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
        finding: Finding,
    },
}

/// What is known about a certificate request without a usable answer.
#[derive(Clone, Debug)]
pub enum Finding {
    /// No certificate appeared: nothing was issued.
    NothingIssued,
    /// These appeared since the request was sent, and nobody here received them.
    Suspects(Vec<ListedCertificate>),
    /// The answer broke off behind the certificate: it was issued and its key is lost.
    Lost(Box<x509::Certificate>),
    /// The list could not be had.
    Unknown(Error),
}

/// A user's unexpired certificates at one moment.
#[derive(Clone, Debug)]
pub struct Listing {
    /// In the order Atlas gave them.
    pub certificates: Vec<ListedCertificate>,
    /// The moment, by the server's clock.
    pub date: Timestamp,
    /// The same moment by ours.
    pub(super) read_at: Instant,
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

/// A database user that logs in with something outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUser {
    /// The name as Atlas has it.
    pub username: String,
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
pub struct Notice {
    /// The call that was answered with it.
    pub operation: Operation,
    /// Since when the endpoint is deprecated.
    pub deprecation: Option<String>,
    /// When it stops working.
    pub sunset: Option<String>,
}
