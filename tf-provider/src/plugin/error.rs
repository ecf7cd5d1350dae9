//! The errors of the plugin process.

use std::process::ExitCode;

use thiserror::Error;

/// Why the plugin process could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The first unknown argument.
    #[error("unknown argument {0:?}; see --help")]
    Usage(String),
    /// No host started this process: what the binary is and how it is used.
    #[error("{0}")]
    NotLaunchedByHost(String),
    /// What is wrong with which environment variable.
    #[error("{0}")]
    Environment(String),
    /// A step of the start failed.
    #[error("could not {0}")]
    Start(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For [`Result::map_err`]: the failure of this step.
    pub(super) fn during<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        step: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Start(step.into(), source.into())
    }

    /// Prints the error on standard error and returns the exit code of the process.
    ///
    /// The prefix makes a host log the line as an error.
    pub fn report(&self) -> ExitCode {
        let (prefix, code) = match self {
            Self::Usage(_) => ("", 2),
            Self::NotLaunchedByHost(_) => ("", 1),
            _ => ("[ERROR] ", 1),
        };
        super::write_stderr(format!("{prefix}{}\n", chain(self)).as_bytes());
        ExitCode::from(code)
    }
}

/// The message of an error and those of its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_printed_once() {
        let error = Error::during("listen on /tmp/x")(std::io::Error::other("no room"));
        assert_eq!(chain(&error), "could not listen on /tmp/x: no room");
    }
}
