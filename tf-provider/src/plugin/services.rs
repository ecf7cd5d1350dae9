//! The services of every plugin: controller, stdio, broker and health.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Request, Response, Status, Streaming, async_trait, service::Routes};

use self::pb::{
    health::{
        HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
        health_server,
    },
    plugin::{
        ConnInfo, Empty, StdioData, grpc_broker_server, grpc_controller_server, grpc_stdio_server,
    },
};
use super::listener::SocketDir;

/// The generated code of `plugin.proto` and `health.proto`.
#[allow(missing_docs, unreachable_pub, dead_code, clippy::pedantic, reason = "generated")]
pub(super) mod pb {
    pub(crate) mod plugin {
        tonic::include_proto!("plugin");
    }

    pub(crate) mod health {
        tonic::include_proto!("grpc.health.v1");
    }
}

/// Adds the services. `requested` is cancelled by `Shutdown`; streams end when `closing` is cancelled.
pub(super) fn add_to(
    routes: Routes,
    requested: CancellationToken,
    socket_dir: Arc<SocketDir>,
    closing: &CancellationToken,
) -> Routes {
    let controller = Controller { requested, socket_dir };
    let closing = || closing.clone();
    routes
        .add_service(grpc_controller_server::GrpcControllerServer::new(controller))
        .add_service(grpc_stdio_server::GrpcStdioServer::new(Stdio(closing())))
        .add_service(grpc_broker_server::GrpcBrokerServer::new(Broker(closing())))
        .add_service(health_server::HealthServer::new(Health(closing())))
}

struct Controller {
    requested: CancellationToken,
    socket_dir: Arc<SocketDir>,
}

#[async_trait]
impl grpc_controller_server::GrpcController for Controller {
    /// Removes the socket before the response: hosts may kill the process right after it.
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.socket_dir.remove();
        self.requested.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Would forward the output of the plugin. There is none, and hosts warn about any message.
struct Stdio(CancellationToken);

#[async_trait]
impl grpc_stdio_server::GrpcStdio for Stdio {
    type StreamStdioStream = PendingStream<StdioData>;

    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(PendingStream::new(&self.0)))
    }
}

/// Would announce further connections. There are none, and those of the host are ignored.
struct Broker(CancellationToken);

#[async_trait]
impl grpc_broker_server::GrpcBroker for Broker {
    type StartStreamStream = PendingStream<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(PendingStream {
            inbound: Some(request.into_inner()),
            ..PendingStream::new(&self.0)
        }))
    }
}

/// `tonic-health` would not end its `Watch` streams with the server.
struct Health(CancellationToken);

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = PendingStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match health(&request.into_inner().service) {
            ServingStatus::Serving => Ok(Response::new(ServingStatus::Serving.into())),
            _ => Err(Status::not_found("unknown service")),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(PendingStream {
            first: Some(health(&request.into_inner().service).into()),
            ..PendingStream::new(&self.0)
        }))
    }
}

fn health(service: &str) -> ServingStatus {
    match service {
        "" | "plugin" => ServingStatus::Serving,
        _ => ServingStatus::ServiceUnknown,
    }
}

impl From<ServingStatus> for HealthCheckResponse {
    fn from(status: ServingStatus) -> Self {
        Self { status: status.into() }
    }
}

/// A stream that yields at most one message and then stays pending until shutdown.
struct PendingStream<T> {
    first: Option<T>,
    /// Messages of the client, which are read and dropped.
    inbound: Option<Streaming<T>>,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<T> PendingStream<T> {
    fn new(closing: &CancellationToken) -> Self {
        Self { first: None, inbound: None, end: Box::pin(closing.clone().cancelled_owned()) }
    }
}

impl<T: Unpin> Stream for PendingStream<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        while let Some(inbound) = &mut self.inbound {
            match Pin::new(inbound).poll_next(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => self.inbound = None,
                Poll::Pending => break,
            }
        }
        self.end.as_mut().poll(cx).map(|()| None)
    }
}
