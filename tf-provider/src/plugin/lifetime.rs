//! From the first connection to the last act.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use super::accept::{Count, accept};
use super::error::Error;
use super::host::{self, Loss};
use super::listener::{Listener, Place};
use super::pb::health::health_server::HealthServer;
use super::pb::host::grpc_broker_server::GrpcBrokerServer;
use super::pb::host::grpc_controller_server::GrpcControllerServer;
use super::pb::host::grpc_stdio_server::GrpcStdioServer;
use super::services::{Broker, Controller, Health, Stdio};
use super::usage::Mode;
use crate::protocol::Calls;

/// What the process needs to serve, all of it ready.
pub(super) struct Lifetime {
    pub(super) mode: Mode,
    /// The process that started us.
    pub(super) parent: u32,
    /// One for each signal that asks us to end.
    pub(super) signals: mpsc::Receiver<()>,
    pub(super) listener: Listener,
    pub(super) place: Arc<Place>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) calls: Arc<Calls>,
}

impl Lifetime {
    /// Serves until the process must end, then drains the calls in progress.
    pub(super) async fn run(
        self,
        routes: Routes,
        close: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let Self {
            mode,
            parent,
            mut signals,
            listener,
            place,
            tls,
            calls,
        } = self;
        let asked = CancellationToken::new();
        let closing = CancellationToken::new();
        // Dropped on every way out: then nothing is accepted any more.
        let _closed = closing.clone().drop_guard();

        let (connections, incoming) = mpsc::channel(1);
        let (count, counted) = watch::channel(Count::default());
        let mut accepting =
            tokio::spawn(accept(listener, tls, connections, count, closing.clone()));
        let mut server = tokio::spawn(
            server_settings()
                .add_routes(add_services(routes, &asked, place, &closing))
                .serve_with_incoming_shutdown(
                    ReceiverStream::new(incoming),
                    closing.clone().cancelled_owned(),
                ),
        );

        let end = tokio::select! {
            () = asked.cancelled() => End::Asked,
            Some(()) = signals.recv() => End::Signal,
            loss = host::lost(parent, host::parent, counted), if mode == Mode::Plugin => End::Lost(loss),
            outcome = &mut server => return verdict(outcome),
            stopped = &mut accepting => return stopped.map_err(Error::ServerTask),
        };
        tracing::debug!(reason = ?end, "the process ends");
        calls.cancel_all();
        if end != End::Asked {
            // What has been sent to an API brings something back, and whoever waits for it still gets it.
            tokio::select! {
                () = calls.drained() => {}
                () = asked.cancelled() => {}
                Some(()) = signals.recv() => {}
                outcome = &mut server => return verdict(outcome),
            }
        }
        closing.cancel();
        take_leave(server, &calls, close).await
    }
}

/// Lets open calls finish, and the workload clean up; both within the time that a host gives.
async fn take_leave(
    mut server: JoinHandle<Result<(), tonic::transport::Error>>,
    calls: &Calls,
    close: impl Future<Output = ()>,
) -> Result<(), Error> {
    let last_act = async {
        calls.drained().await;
        close.await;
    };
    let leave = async { tokio::join!(&mut server, last_act).0 };
    if let Ok(outcome) = timeout(FAREWELL, leave).await {
        return verdict(outcome);
    }
    tracing::warn!("the process ends although not everything was finished");
    server.abort();
    Ok(())
}

fn verdict(outcome: Result<Result<(), tonic::transport::Error>, JoinError>) -> Result<(), Error> {
    outcome.map_err(Error::ServerTask)?.map_err(Error::Server)
}

fn add_services(
    routes: Routes,
    asked: &CancellationToken,
    place: Arc<Place>,
    closing: &CancellationToken,
) -> Routes {
    let (asked, closing) = (asked.clone(), || closing.clone());
    routes
        .add_service(GrpcControllerServer::new(Controller { asked, place }))
        .add_service(GrpcStdioServer::new(Stdio { closing: closing() }))
        .add_service(GrpcBrokerServer::new(Broker { closing: closing() }))
        .add_service(HealthServer::new(Health { closing: closing() }))
}

/// States of several megabytes would otherwise wait for a window update after every megabyte. On a local socket the larger
/// windows cost nothing until a message fills them, and then they are what that message needs anyway.
fn server_settings() -> Server {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_pending_accept_reset_streams(Some(ABANDONED_CALLS))
}

/// Why a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The host has said goodbye. It waits two seconds, then it kills.
    Asked,
    /// Somebody wants this process to end, in good order.
    Signal,
    /// There is no host any more.
    Lost(#[allow(dead_code, reason = "read by Debug, for the log")] Loss),
}

const FAREWELL: Duration = Duration::from_secs(1);
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// The usual limit of 20 is for servers among strangers. Our one client may give up a whole walk, and ending the connection
/// then would cost the answers of calls that it did not give up.
const ABANDONED_CALLS: usize = 1 << 16;

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
