//! The errors of the plugin process.

use std::process::ExitCode;

use thiserror::Error;

/// Why the plugin process could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An unknown argument.
    #[error("unknown argument {argument:?}; see --help")]
    Usage {
        /// The first unknown argument.
        argument: String,
    },
    /// No host started this process.
    #[error("{explanation}")]
    NotLaunchedByHost {
        /// What the binary is and how it is used.
        explanation: String,
    },
    /// Debug mode has no TLS, but `PLUGIN_CLIENT_CERT` requires it.
    #[error("-debug serves without TLS, but PLUGIN_CLIENT_CERT requires it; unset one of them")]
    DebugWithClientCertificate,
    /// A variable of the host cannot be used.
    #[error("{problem}")]
    Environment {
        /// What is wrong with which variable.
        problem: String,
    },
    /// A step of the start failed.
    #[error("could not {step}")]
    Start {
        /// The step.
        step: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// For [`Result::map_err`]: the failure of this step.
    pub(super) fn during<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        step: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Start { step: step.into(), source: source.into() }
    }

    /// Prints the error on standard error and returns the exit code of the process.
    ///
    /// The prefix makes a host log the line as an error.
    pub fn report(&self) -> ExitCode {
        let (prefix, code) = match self {
            Self::Usage { .. } => ("", 2),
            Self::NotLaunchedByHost { .. } => ("", 1),
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
