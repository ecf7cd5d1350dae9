//! X.509 client certificates in PEM: attributes of a certificate, and whether a private key belongs to it.
//!
//! Pure. Errors name the PEM block at fault and never repeat any part of the input, because it may be a private key.

mod bundle;
mod certificate;
mod name;
mod serial;

pub use bundle::{Bundle, SplitPem, split};
pub use certificate::{Certificate, parse_certificate};
pub(crate) use name::common_name_of;
pub use name::subject_matches;
pub(crate) use serial::hex_of_decimal;

use thiserror::Error;

/// The reason why a PEM text cannot be used.
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
    /// The private key is protected by a password.
    #[error("the private key is encrypted")]
    EncryptedPrivateKey,
    /// The label, or `unnamed` if it is not a usual one, of a block that is neither a certificate nor a private key.
    #[error("the text contains a block of another kind: {0}")]
    OtherBlock(String),
    /// The label of a block without its `END` line.
    #[error("the {0} block has no end")]
    Unterminated(String),
    /// The label of a block whose body is not base64.
    #[error("the {0} block is not valid base64")]
    NotBase64(String),
    /// The `CERTIFICATE` block cannot be decoded.
    #[error("the certificate block does not contain an X.509 certificate")]
    NotACertificate,
    /// The private key block cannot be decoded.
    #[error("the private key block does not contain a private key of a supported type")]
    NotAPrivateKey,
    /// The public key of the certificate is not that of the private key.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
}

#[cfg(test)]
mod tests;
