//! The server: accepts and authenticates connections, serves until the process must end, then drains the calls in progress.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::server::{self, Connected},
};

use super::{
    args::Mode,
    error::Error,
    listener::{Endpoint, Io, Listener},
    services,
    shutdown::{self, Shutdown},
};
use crate::protocol::Calls;

/// A server that is ready to run.
pub(super) struct Server<L> {
    pub(super) mode: Mode,
    /// The parent process at the start.
    pub(super) parent: u32,
    /// An item for each signal that must end the process.
    pub(super) signals: mpsc::Receiver<()>,
    pub(super) endpoint: Endpoint<L>,
    /// `None` in plain text.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) calls: Arc<Calls>,
}

impl<L: Listener> Server<L> {
    /// Serves until the process must end, then drains the calls in progress and runs `close`.
    pub(super) async fn run(
        mut self,
        routes: Routes,
        close: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let requested = CancellationToken::new();
        let closing = CancellationToken::new();
        // No connection is accepted after any return from this function.
        let _closing = closing.clone().drop_guard();
        let socket_dir = Arc::clone(&self.endpoint.socket_dir);

        let (sender, incoming) = mpsc::channel(1);
        let (count, connections) = watch::channel(Connections::default());
        let accept = accept(self.endpoint.listener, self.tls, sender, count, closing.clone());
        let mut accepting = tokio::spawn(accept);
        let routes = services::add_to(routes, requested.clone(), socket_dir.clone(), &closing);
        let serve = settings().add_routes(routes).serve_with_incoming_shutdown(
            ReceiverStream::new(incoming),
            closing.clone().cancelled_owned(),
        );
        let mut server = tokio::spawn(serve);

        let host_gone = shutdown::host_gone(self.parent, shutdown::parent_id, connections);
        let reason = tokio::select! {
            () = requested.cancelled() => Shutdown::Requested,
            Some(()) = self.signals.recv() => Shutdown::Signal,
            gone = host_gone, if self.mode == Mode::Plugin => Shutdown::HostGone(gone),
            outcome = &mut server => return flatten(outcome),
            stopped = &mut accepting => return stopped.map_err(Error::ServerTask),
        };
        tracing::debug!(reason = ?reason, "shutting down");
        self.calls.cancel_all();
        if reason != Shutdown::Requested {
            // Without a deadline by the host, calls in progress complete.
            tokio::select! {
                () = self.calls.drained() => {}
                () = requested.cancelled() => {}
                Some(()) = self.signals.recv() => {}
                outcome = &mut server => return flatten(outcome),
            }
        }
        closing.cancel();
        let outcome = drain(server, &self.calls, close).await;
        socket_dir.remove();
        outcome
    }
}

/// Waits for open requests, calls in progress and `close`, for at most [`DRAIN_TIMEOUT`].
async fn drain(
    mut server: JoinHandle<Result<(), tonic::transport::Error>>,
    calls: &Calls,
    close: impl Future<Output = ()>,
) -> Result<(), Error> {
    let close = async {
        calls.drained().await;
        close.await;
    };
    let drained = async { tokio::join!(&mut server, close).0 };
    if let Ok(outcome) = timeout(DRAIN_TIMEOUT, drained).await {
        return flatten(outcome);
    }
    tracing::warn!("shutdown timed out; terminating with calls in progress");
    server.abort();
    Ok(())
}

/// Hosts kill the process two seconds after `Shutdown`.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

fn flatten(outcome: Result<Result<(), tonic::transport::Error>, JoinError>) -> Result<(), Error> {
    outcome.map_err(Error::ServerTask)?.map_err(Error::Server)
}

/// Larger windows than the defaults, for states of several megabytes. They cost nothing until a message fills them.
fn settings() -> server::Server {
    server::Server::builder()
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
}

/// The default of 20 is for untrusted clients. The host may cancel all requests of a walk at once, which must not close the
/// connection.
const MAX_PENDING_RESETS: usize = 1 << 16;

/// The number of connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Connections {
    pub(super) open: usize,
    pub(super) ever: u64,
}

/// Accepts connections until `closing` and passes those of the host on.
///
/// TLS handshakes run in tasks of their own: a silent peer must not delay the host.
async fn accept(
    listener: impl Listener,
    tls: Option<Arc<ServerConfig>>,
    connections: mpsc::Sender<io::Result<Connection>>,
    count: watch::Sender<Connections>,
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
                    tracing::warn!(error = %error, "could not accept a connection");
                    // Probably out of file descriptors: do not retry at once.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (acceptor, connections, count) = (acceptor.clone(), connections.clone(), count.clone());
        handshakes.spawn(async move {
            if let Some(io) = authenticate(io, acceptor).await {
                let counted = Counted::new(count);
                // Fails only after the server has ended.
                let _ = connections.send(Ok(Connection { io, _counted: counted })).await;
            }
        });
    }
}

async fn authenticate(io: Box<dyn Io>, acceptor: Option<TlsAcceptor>) -> Option<Box<dyn Io>> {
    let Some(acceptor) = acceptor else {
        return Some(io);
    };
    // TLS reads 4 KiB at a time: the buffer saves system calls.
    let io = BufReader::with_capacity(64 << 10, io);
    match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(io)).await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "connection refused: TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::warn!("connection refused: TLS handshake timed out");
            None
        }
    }
}

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection of the host.
struct Connection {
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

/// Counts a connection while it exists.
struct Counted(watch::Sender<Connections>);

impl Counted {
    fn new(count: watch::Sender<Connections>) -> Self {
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

#[cfg(test)]
mod accept_tests;
#[cfg(test)]
#[cfg(unix)]
mod tests;
