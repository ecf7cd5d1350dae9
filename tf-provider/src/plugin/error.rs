use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use super::console;

/// Why the plugin process could not start, or could not go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line holds something this binary does not know.
    #[error("unknown argument {argument:?}; --help says what there is")]
    Usage {
        /// The first argument that was not understood.
        argument: String,
    },
    /// No host started this process: somebody ran it by hand.
    #[error("{explanation}")]
    ByHand {
        /// What the binary is and how it is used, in several lines.
        explanation: String,
    },
    /// Debug mode has no TLS, and a host that gives its certificate demands it.
    #[error("-debug serves without TLS, but PLUGIN_CLIENT_CERT asks for it; unset one of them")]
    DebugWithClientCertificate,
    /// `PLUGIN_CLIENT_CERT` holds no PEM certificate.
    #[error("could not read the host's certificate from PLUGIN_CLIENT_CERT as PEM")]
    ClientPem(#[source] rustls_pki_types::pem::Error),
    /// `PLUGIN_CLIENT_CERT` holds PEM, but no certificate in it.
    #[error("could not read the host's certificate from PLUGIN_CLIENT_CERT as X.509")]
    ClientCertificate(#[source] rustls::Error),
    /// Our own key or certificate could not be made.
    #[error("could not make the certificate of this process")]
    OwnCertificate(#[source] rcgen::Error),
    /// The TLS library refused our settings.
    #[error("could not set up TLS")]
    Tls(#[source] rustls::Error),
    /// No directory could be made for the socket.
    #[error("could not make a directory for the socket in {}", parent.display())]
    SocketDirectory {
        /// The directory that was to hold it.
        parent: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A socket in this directory could not be named in the handshake line.
    #[error(
        "a socket in {} cannot be announced: the path is too long or holds unusual characters",
        parent.display()
    )]
    SocketPath {
        /// The directory that was to hold it.
        parent: PathBuf,
    },
    /// The group of `PLUGIN_UNIX_SOCKET_GROUP` is not known here.
    #[error("no group {group:?}, asked for by PLUGIN_UNIX_SOCKET_GROUP")]
    UnknownGroup {
        /// What the variable says.
        group: String,
    },
    /// The socket could not be given its owner and mode.
    #[error("could not set who may use the socket")]
    SocketAccess(#[source] io::Error),
    /// Nothing could be bound.
    #[error("could not listen on {address}")]
    Listen {
        /// The path or the range of ports that was tried.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The signal handlers could not be installed.
    #[error("could not take over the signals")]
    Signals(#[source] io::Error),
    /// Standard output was closed before the handshake line was written.
    #[error("could not write the handshake line to standard output")]
    Announce(#[source] io::Error),
    /// The server ended by itself.
    #[error("the gRPC server failed")]
    Server(#[source] tonic::transport::Error),
    /// The server's task ended by itself.
    #[error("the gRPC server broke down")]
    ServerTask(#[source] tokio::task::JoinError),
}

impl Error {
    /// Tells the user on standard error, and gives the exit code of the process.
    ///
    /// The prefix of a failed start is the one that makes a host log the line as an error.
    pub fn report(&self) -> ExitCode {
        let (prefix, code) = match self {
            Self::Usage { .. } => ("", 2),
            Self::ByHand { .. } => ("", 1),
            _ => ("[ERROR] ", 1),
        };
        console::complain(format!("{prefix}{}\n", self.chain()).as_bytes());
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
    fn tells_every_cause_once() {
        let error = Error::Listen {
            address: "/tmp/x".to_owned(),
            source: io::Error::other("no room"),
        };
        assert_eq!(error.chain(), "could not listen on /tmp/x: no room");
    }
}
