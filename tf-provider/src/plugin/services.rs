//! The services of every plugin: controller, stdio, broker and health.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream};
use tokio_util::sync::CancellationToken;
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
    type StreamStdioStream = Messages<StdioData>;

    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(until(&self.0, stream::empty())))
    }
}

/// Would announce further connections. There are none, and those of the host are ignored.
struct Broker(CancellationToken);

#[async_trait]
impl grpc_broker_server::GrpcBroker for Broker {
    type StartStreamStream = Messages<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let ignored = request.into_inner().filter_map(async |_| None);
        Ok(Response::new(until(&self.0, ignored)))
    }
}

/// `tonic-health` would not end its `Watch` streams with the server.
struct Health(CancellationToken);

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = Messages<HealthCheckResponse>;

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
        let status = health(&request.into_inner().service).into();
        Ok(Response::new(until(&self.0, stream::iter([Ok(status)]))))
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

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// These messages and no others, until `closing` is cancelled.
fn until<T: Send + 'static>(
    closing: &CancellationToken,
    messages: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> Messages<T> {
    let endless = messages.chain(stream::pending());
    Box::pin(endless.take_until(closing.clone().cancelled_owned()))
}
