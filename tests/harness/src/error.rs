//! Failures other than a refusal by the provider.

use thiserror::Error as ThisError;
use tonic::Status;

use crate::diagnostic::Diagnostics;

/// A gRPC status, a response that core would report as a bug in the provider, a configuration that core itself would
/// refuse, or error diagnostics where none were expected.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{0}")]
pub struct Error(String);

/// A finding about a value.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{path}: {message}")]
pub struct Problem {
    /// The path of the attribute; empty for the whole value.
    pub path: String,
    /// The reason, in core's words.
    pub message: String,
}

impl Error {
    /// A failed call of the generated client's method.
    pub(crate) fn rpc(method: &str, status: &Status) -> Self {
        Self(format!("{method}: {:?}: {}", status.code(), status.message()))
    }

    pub(crate) fn refused(diagnostics: &Diagnostics) -> Self {
        Self(format!("refused:{diagnostics}"))
    }

    /// A bug in the provider, with core's title for it.
    pub(crate) fn violation(
        method: &str,
        subject: &str,
        summary: &str,
        findings: impl Into<String>,
    ) -> Self {
        Self(format!("{summary} ({method} of {subject}): {}", findings.into()))
    }
}

impl Problem {
    pub(crate) fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self(format!("configuration that core refuses: {problem}"))
    }
}
