use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::listener::{Io, Listener};

/// How many connections there are, and how many there ever were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) open: usize,
    pub(super) ever: u64,
}

/// Accepts until `closing`, and sends on what has proved to be our host.
///
/// Every handshake runs in a task of its own: a peer that says nothing must not keep the host waiting.
pub(super) async fn accept(
    listener: Listener,
    tls: Option<Arc<ServerConfig>>,
    connections: mpsc::Sender<io::Result<Connection>>,
    count: watch::Sender<Count>,
    closing: CancellationToken,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let mut handshakes = JoinSet::new();
    loop {
        let io = tokio::select! {
            () = closing.cancelled() => return,
            Some(_) = handshakes.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(io) => io,
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    // Most likely out of file descriptors; trying again at once would only burn the processor.
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (acceptor, connections, count) = (acceptor.clone(), connections.clone(), count.clone());
        handshakes.spawn(async move {
            if let Some(io) = authenticate(io, acceptor).await {
                let connection = Connection {
                    io,
                    _counted: Counted::new(count),
                };
                // Refused only when the server has ended, and then nobody misses the connection.
                let _ = connections.send(Ok(connection)).await;
            }
        });
    }
}

async fn authenticate(io: Box<dyn Io>, acceptor: Option<TlsAcceptor>) -> Option<Box<dyn Io>> {
    let Some(acceptor) = acceptor else {
        return Some(io);
    };
    // TLS asks for 4 KiB at a time; whole requests come from one look at the socket.
    let io = BufReader::with_capacity(READ_AHEAD, io);
    match timeout(HANDSHAKE_DEADLINE, acceptor.accept(io)).await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "a connection was refused in the TLS handshake");
            None
        }
        Err(_) => {
            tracing::warn!("a connection was refused: no TLS handshake in time");
            None
        }
    }
}

/// A connection of our host.
pub(super) struct Connection {
    io: Box<dyn Io>,
    _counted: Counted,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Counts a connection for as long as it exists.
struct Counted(watch::Sender<Count>);

impl Counted {
    fn new(count: watch::Sender<Count>) -> Self {
        count.send_modify(|count| {
            count.open += 1;
            count.ever += 1;
        });
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.open -= 1);
    }
}

const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
const READ_AHEAD: usize = 64 << 10;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
