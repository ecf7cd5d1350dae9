//! Being the host of a plugin process: launch, handshake, TLS, connection, logs, exit.
//!
//! Knows go-plugin's conventions; never schemas or values. Every piece is public, so that a test can
//! also do it wrong: connect without a certificate, or with somebody else's.

mod child;
mod connection;
mod handshake;
mod identity;
mod log;
mod options;
mod reattach;
mod tls;

pub use self::child::{Exit, LaunchError, PluginProcess};
pub use self::connection::{ConnectError, Connection, Sockets};
pub use self::handshake::{Address, Handshake, HandshakeError};
pub use self::identity::ClientIdentity;
pub use self::log::{Captured, LogLine, LogRecord, MalformedRecord};
pub use self::options::{ClientCertificate, SpawnOptions, Stdin};
pub use self::reattach::Reattach;
pub use self::tls::ClientTls;
