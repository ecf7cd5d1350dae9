//! The services of every plugin: controller, stdio, broker and health.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, async_trait, service::Routes};

use self::pb::{
    health::{
        HealthCheckRequest, HealthCheckResponse,
        health_check_response::ServingStatus,
        health_server::{Health, HealthServer},
    },
    plugin::{
        ConnInfo, Empty, StdioData,
        grpc_broker_server::{GrpcBroker, GrpcBrokerServer},
        grpc_controller_server::{GrpcController, GrpcControllerServer},
        grpc_stdio_server::{GrpcStdio, GrpcStdioServer},
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

pub(super) struct Services {
    /// Cancelled by `Shutdown`.
    pub(super) requested: CancellationToken,
    pub(super) socket_dir: Arc<SocketDir>,
    /// Ends the streams.
    pub(super) closing: CancellationToken,
}

impl Services {
    pub(super) fn add_to(self, routes: Routes) -> Routes {
        let services = Arc::new(self);
        routes
            .add_service(GrpcControllerServer::from_arc(services.clone()))
            .add_service(GrpcStdioServer::from_arc(services.clone()))
            .add_service(GrpcBrokerServer::from_arc(services.clone()))
            .add_service(HealthServer::from_arc(services))
    }

    /// A stream of these messages and no others, which stays open.
    fn stream<T: Send + 'static>(
        &self,
        messages: impl Stream<Item = Result<T, Status>> + Send + 'static,
    ) -> Response<Messages<T>> {
        let closing = self.closing.clone().cancelled_owned();
        Response::new(Box::pin(messages.chain(stream::pending()).take_until(closing)))
    }
}

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[async_trait]
impl GrpcController for Services {
    /// Removes the socket before the response: hosts may kill the process right after it.
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.socket_dir.remove();
        self.requested.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Would forward the output of the plugin. There is none, and hosts warn about any message.
#[async_trait]
impl GrpcStdio for Services {
    type StreamStdioStream = Messages<StdioData>;

    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(self.stream(stream::empty()))
    }
}

/// Would announce further connections. There are none, and those of the host are ignored.
#[async_trait]
impl GrpcBroker for Services {
    type StartStreamStream = Messages<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(self.stream(request.into_inner().filter_map(async |_| None)))
    }
}

/// `tonic-health` would not end its `Watch` streams with the server.
#[async_trait]
impl Health for Services {
    type WatchStream = Messages<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let response = health(&request);
        if response.status() == ServingStatus::ServiceUnknown {
            return Err(Status::not_found("unknown service"));
        }
        Ok(Response::new(response))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(self.stream(stream::iter([Ok(health(&request))])))
    }
}

fn health(request: &Request<HealthCheckRequest>) -> HealthCheckResponse {
    let status = match request.get_ref().service.as_str() {
        "" | "plugin" => ServingStatus::Serving,
        _ => ServingStatus::ServiceUnknown,
    };
    HealthCheckResponse { status: status.into() }
}
