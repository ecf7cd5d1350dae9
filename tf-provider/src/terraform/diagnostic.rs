//! Diagnostics: errors and warnings for the user.

use super::{Path, Step};

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation continued.
    Warning,
}

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A title without values; never empty.
    pub summary: String,
    /// What happened, to which object, and what to do next.
    pub detail: String,
    /// The attribute at fault, if it is one.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// An error.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        let (summary, detail) = (summary.into(), detail.into());
        Self { severity: Severity::Error, summary, detail, path: None }
    }

    /// A warning.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// Sets the attribute at fault: the name of a top-level one, or a path.
    pub fn at(self, path: impl Into<Path>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The same as seen from the object around it.
    pub(crate) fn inside(self, outer: Step) -> Self {
        Self { path: self.path.map(|path| path.inside(outer)), ..self }
    }
}

/// The diagnostics of one call, in order.
pub type Diagnostics = Vec<Diagnostic>;

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        vec![diagnostic]
    }
}
