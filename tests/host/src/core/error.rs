//! Why core cannot go on.

use thiserror::Error;

use crate::convert::Unconvertible;
use crate::diagnostic::Refused;
use crate::provider::RpcError;
use crate::violation::Violation;

/// What is not a plain refusal by the provider.
#[derive(Debug, Error)]
pub enum Error {
    /// A call failed as a call.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The provider broke the contract.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The test's configuration would not get past core.
    #[error(transparent)]
    Unconvertible(#[from] Unconvertible),
    /// The schema itself came with errors.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The provider does not offer it.
    #[error("the provider has no {kind} {name}")]
    NoSuch {
        /// Resource, data source and so on.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

impl Error {
    /// The violation, if it is one.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violation(violation) => Some(violation),
            _ => None,
        }
    }

    /// The failed call, if it is one.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(error) => Some(error),
            _ => None,
        }
    }
}
