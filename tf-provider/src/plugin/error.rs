//! The errors of the plugin process.

use std::{error::Error as _, io, path::PathBuf, process::ExitCode};

use thiserror::Error;

/// Why the plugin process could not start or could not continue.
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
    /// `PLUGIN_CLIENT_CERT` is not a PEM certificate.
    #[error("could not read the host's certificate from PLUGIN_CLIENT_CERT as PEM")]
    ClientPem(#[source] rustls_pki_types::pem::Error),
    /// `PLUGIN_CLIENT_CERT` is PEM, but not of a certificate.
    #[error("could not read the host's certificate from PLUGIN_CLIENT_CERT as X.509")]
    ClientCertificate(#[source] rustls::Error),
    /// The key or certificate of this process could not be created.
    #[error("could not create the certificate of this process")]
    OwnCertificate(#[source] rcgen::Error),
    /// The TLS library rejected the settings.
    #[error("could not set up TLS")]
    Tls(#[source] rustls::Error),
    /// No directory could be created for the socket.
    #[error("could not create a directory for the socket in {}", parent.display())]
    SocketDirectory {
        /// Its parent.
        parent: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The path of the socket does not fit into the handshake line.
    #[error(
        "a socket in {} cannot be announced: the path is too long or contains unusual characters",
        parent.display()
    )]
    SocketPath {
        /// Its parent.
        parent: PathBuf,
    },
    /// The group in `PLUGIN_UNIX_SOCKET_GROUP` does not exist.
    #[error("no group {group:?}, as required by PLUGIN_UNIX_SOCKET_GROUP")]
    UnknownGroup {
        /// The value of the variable.
        group: String,
    },
    /// The group or mode of the socket could not be set.
    #[error("could not set the group and mode of the socket")]
    SocketAccess(#[source] io::Error),
    /// No address could be bound.
    #[error("could not listen on {address}")]
    Listen {
        /// The path or the range of ports.
        address: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The signal handlers could not be installed.
    #[error("could not install the signal handlers")]
    Signals(#[source] io::Error),
    /// Standard output was closed before the handshake line was written.
    #[error("could not write the handshake line to standard output")]
    Announce(#[source] io::Error),
    /// Standard output was closed before the text was written.
    #[error("could not write to standard output")]
    Print(#[source] io::Error),
}

impl Error {
    /// Prints the error on standard error and returns the exit code of the process.
    ///
    /// The prefix makes a host log the line as an error.
    pub fn report(&self) -> ExitCode {
        let (prefix, code) = match self {
            Self::Usage { .. } => ("", 2),
            Self::NotLaunchedByHost { .. } => ("", 1),
            _ => ("[ERROR] ", 1),
        };
        super::write_stderr(format!("{prefix}{}\n", self.chain()).as_bytes());
        ExitCode::from(code)
    }

    fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_printed_once() {
        let error =
            Error::Listen { address: "/tmp/x".to_owned(), source: io::Error::other("no room") };
        assert_eq!(error.chain(), "could not listen on /tmp/x: no room");
    }
}
