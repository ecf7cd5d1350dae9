//! The server: accepts and authenticates connections, serves until the process must end, then drains the calls in progress.

use std::{error::Error, pin::pin, sync::Arc, time::Duration};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::BufReader,
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{
    either::Either,
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tonic::service::Routes;

use super::{
    args::Mode,
    listener::{self, Listener, SocketDir, Stream},
    services::Services,
    shutdown::{self, Shutdown},
};
use crate::protocol::Calls;

pub(super) struct Server {
    pub(super) mode: Mode,
    /// The parent process at the start.
    pub(super) parent: u32,
    /// An item for each signal that must end the process.
    pub(super) signals: mpsc::Receiver<()>,
    pub(super) listener: Listener,
    pub(super) socket_dir: Arc<SocketDir>,
    /// `None` in plain text.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) calls: Arc<Calls>,
}

impl Server {
    /// Serves until the process must end, then drains the calls in progress and runs `close`.
    pub(super) async fn run(mut self, routes: Routes, close: impl Future<Output = ()>) {
        let requested = CancellationToken::new();
        let closing = CancellationToken::new();
        let socket_dir = self.socket_dir.clone();
        let services =
            Services { requested: requested.clone(), socket_dir, closing: closing.clone() };
        let connections = Connections {
            routes: services.add_to(routes).prepare(),
            tls: self.tls.map(TlsAcceptor::from),
            tracker: TaskTracker::new(),
            open: watch::Sender::new(None),
            closing,
        };
        let open = connections.open.subscribe();
        let host_gone = shutdown::host_gone(self.parent, shutdown::parent_id, open);
        let accepting = connections.clone().accept(self.listener);
        let accepting = AbortOnDropHandle::new(tokio::spawn(accepting));
        let reason = tokio::select! {
            () = requested.cancelled() => Shutdown::Requested,
            Some(()) = self.signals.recv() => Shutdown::Signal,
            gone = host_gone, if self.mode == Mode::Plugin => gone,
        };
        tracing::debug!(reason = ?reason, "shutting down");
        self.calls.cancel_all();
        if reason != Shutdown::Requested {
            // Without a deadline by the host, calls in progress complete.
            tokio::select! {
                () = self.calls.drained() => {}
                () = requested.cancelled() => {}
                Some(()) = self.signals.recv() => {}
            }
        }
        drop(accepting);
        // Connections end with the requests in progress.
        connections.closing.cancel();
        connections.tracker.close();
        let drained = async {
            tokio::join!(connections.tracker.wait(), async {
                self.calls.drained().await;
                close.await;
            })
        };
        if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!(reason = ?reason, "shutdown timed out; terminating with calls in progress");
        }
        self.socket_dir.remove();
    }
}

/// Hosts kill the process two seconds after `Shutdown`.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The connections of the host.
#[derive(Clone)]
struct Connections {
    routes: Routes,
    tls: Option<TlsAcceptor>,
    tracker: TaskTracker,
    /// How many are authenticated and open; `None` before the first one.
    open: watch::Sender<Option<usize>>,
    closing: CancellationToken,
}

impl Connections {
    /// Serves each connection in a task of its own: a silent peer must not delay the host.
    async fn accept(self, listener: Listener) {
        loop {
            match listener::accept(&listener).await {
                Ok(stream) => drop(self.tracker.spawn(self.clone().serve(stream))),
                Err(error) => {
                    tracing::warn!(error = %error, "could not accept a connection");
                    // Probably out of file descriptors: do not retry at once.
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn serve(self, stream: Stream) {
        let authenticated = self.closing.run_until_cancelled(authenticate(stream, self.tls)).await;
        let Some(Some(io)) = authenticated else { return };
        self.open.send_modify(|open| *open = Some(open.unwrap_or(0) + 1));
        let service = TowerToHyperService::new(self.routes);
        let mut connection = pin!(http2().serve_connection(TokioIo::new(io), service));
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(error = &error as &dyn Error, "connection failed");
        }
        self.open.send_modify(|open| *open = open.map(|open| open - 1));
    }
}

/// The stream in plain text, or within TLS if there is an acceptor. `None` for a peer that is not the host.
async fn authenticate(
    stream: Stream,
    acceptor: Option<TlsAcceptor>,
) -> Option<Either<Stream, TlsStream<BufReader<Stream>>>> {
    let Some(acceptor) = acceptor else {
        return Some(Either::Left(stream));
    };
    // TLS reads 4 KiB at a time: the buffer saves system calls.
    let stream = BufReader::with_capacity(64 << 10, stream);
    let handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
    handshake
        .unwrap_or_else(|timeout| Err(timeout.into()))
        .inspect_err(|error| {
            tracing::warn!(error = %error, "connection refused: TLS handshake failed");
        })
        .ok()
        .map(Either::Right)
}

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Larger windows than the defaults, for states of several megabytes: they cost nothing until a message fills them. No limits
/// against untrusted clients: the host may cancel all requests at once, which must not close the connection.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .max_concurrent_streams(None)
        .max_pending_accept_reset_streams(1 << 16)
        .max_local_error_reset_streams(None);
    builder
}

#[cfg(test)]
mod accept_tests;
#[cfg(test)]
#[cfg(unix)]
mod tests;
