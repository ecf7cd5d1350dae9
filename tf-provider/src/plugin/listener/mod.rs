//! The socket on which hosts connect: a unix socket, or TCP on systems where Go has none.

#[cfg(any(not(unix), test))]
mod tcp;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
use std::sync::{Mutex, PoisonError};
use std::{io, sync::Arc};

#[cfg(not(unix))]
pub(super) use tokio::net::TcpStream as Stream;

#[cfg(not(unix))]
pub(super) use self::tcp::{Listener, bind};
#[cfg(unix)]
pub(super) use self::unix::{Listener, Stream, bind};

/// The next connection, not yet authenticated. Cancel-safe.
pub(super) async fn accept(listener: &Listener) -> io::Result<Stream> {
    let (stream, _) = listener.accept().await?;
    #[cfg(not(unix))]
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The address of a bound socket.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) network: &'static str,
    pub(super) address: String,
    pub(super) socket_dir: Arc<SocketDir>,
}

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
