//! What core would blame the provider for.

use std::fmt;

use thiserror::Error;

use crate::path::Path;

/// A broken contract: the answer was readable, and core would call it a bug in the provider.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Violation {
    /// The method whose answer it is.
    pub rpc: &'static str,
    /// The resource type or other thing that was asked about.
    pub subject: String,
    /// Core's title, such as "Provider produced invalid plan".
    pub summary: String,
    /// Each finding.
    pub problems: Vec<Problem>,
}

/// One finding, and where in the object it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The attribute to blame; the root for the object as a whole.
    pub path: Path,
    /// What is wrong, in core's words.
    pub message: String,
}

impl Violation {
    /// A violation with one finding about the answer as a whole.
    pub fn new(
        rpc: &'static str,
        subject: impl Into<String>,
        summary: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let problems = vec![Problem::new(&Path::root(), message)];
        Self {
            rpc,
            subject: subject.into(),
            summary: summary.into(),
            problems,
        }
    }

    /// Whether this is about the given attribute, spelt as in a configuration.
    pub fn concerns(&self, path: &str) -> bool {
        self.problems.iter().any(|problem| problem.path == *path)
    }
}

impl Problem {
    /// A finding.
    pub fn new(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} of {})", self.summary, self.rpc, self.subject)?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}
