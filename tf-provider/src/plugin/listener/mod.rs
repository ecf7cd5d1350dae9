//! The socket on which hosts connect: a unix socket, or TCP on systems where Go has none.

#[cfg(any(not(unix), test))]
mod tcp;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
use std::sync::{Mutex, PoisonError};
use std::{io, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(not(unix))]
pub(super) use self::tcp::bind;
#[cfg(unix)]
pub(super) use self::unix::bind;

/// A bound socket and its address.
#[derive(Debug)]
pub(super) struct Endpoint<L> {
    pub(super) listener: L,
    pub(super) network: &'static str,
    pub(super) address: String,
    pub(super) socket_dir: Arc<SocketDir>,
}

/// Accepts connections.
pub(super) trait Listener: Send + Sync + 'static {
    /// The next connection, not yet authenticated. Cancel-safe.
    fn accept(&self) -> impl Future<Output = io::Result<Box<dyn Io>>> + Send;
}

/// The stream of a connection.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// The directory of a unix socket. Dropping it removes both.
#[derive(Debug, Default)]
pub(super) struct SocketDir(#[cfg(unix)] Mutex<Option<tempfile::TempDir>>);

impl SocketDir {
    /// Removes the socket file. Existing connections are unaffected.
    #[cfg_attr(not(unix), allow(clippy::unused_self, reason = "a port leaves nothing behind"))]
    pub(super) fn remove(&self) {
        #[cfg(unix)]
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
