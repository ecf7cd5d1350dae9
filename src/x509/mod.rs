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

/// The reason why a PEM text cannot be used. Labels of PEM blocks that are not usual ones are `unnamed`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant has its message")]
pub enum Error {
    #[error("there is no certificate in the text")]
    NoCertificate,
    #[error("there is more than one certificate in the text")]
    ManyCertificates,
    #[error("there is no private key in the text")]
    NoPrivateKey,
    #[error("there is more than one private key in the text")]
    ManyPrivateKeys,
    #[error("the private key is encrypted")]
    EncryptedPrivateKey,
    #[error("the text contains a block of another kind: {0}")]
    OtherBlock(String),
    #[error("the {0} block has no end")]
    Unterminated(String),
    #[error("the {0} block is not valid base64")]
    NotBase64(String),
    #[error("the certificate block does not contain an X.509 certificate")]
    NotACertificate,
    #[error("the private key block does not contain a private key of a supported type")]
    NotAPrivateKey,
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
}

#[cfg(test)]
mod tests;
