//! The services that every plugin has, whatever it provides.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::listener::Place;
use super::pb::health::health_check_response::ServingStatus;
use super::pb::health::health_server::Health as HealthService;
use super::pb::health::{HealthCheckRequest, HealthCheckResponse};
use super::pb::host::grpc_broker_server::GrpcBroker;
use super::pb::host::grpc_controller_server::GrpcController;
use super::pb::host::grpc_stdio_server::GrpcStdio;
use super::pb::host::{ConnInfo, Empty, StdioData};

/// Hears the host say goodbye.
pub(super) struct Controller {
    /// Cancelled when the host wants us to end. The answer still goes out: open calls are finished first.
    pub(super) asked: CancellationToken,
    /// Vacated before the answer: hosts have killed right after it.
    pub(super) place: Arc<Place>,
}

#[async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.place.vacate();
        self.asked.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Would carry what a plugin prints. We print nothing, and a host warns of anything that comes.
pub(super) struct Stdio {
    pub(super) closing: CancellationToken,
}

#[async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Quiet<StdioData>;

    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(Quiet::new(&self.closing)))
    }
}

/// Would announce side channels. There are none, and what the host announces is read and dropped.
pub(super) struct Broker {
    pub(super) closing: CancellationToken,
}

#[async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = Quiet<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(Quiet {
            heard: Some(request.into_inner()),
            ..Quiet::new(&self.closing)
        }))
    }
}

/// Tells hosts that ping that we are well.
pub(super) struct Health {
    pub(super) closing: CancellationToken,
}

#[async_trait]
impl HealthService for Health {
    type WatchStream = Quiet<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match health(&request.into_inner().service) {
            ServingStatus::Serving => Ok(Response::new(answer(ServingStatus::Serving))),
            _ => Err(Status::not_found("unknown service")),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(Quiet {
            first: Some(answer(health(&request.into_inner().service))),
            ..Quiet::new(&self.closing)
        }))
    }
}

fn health(service: &str) -> ServingStatus {
    match service {
        "" | "plugin" => ServingStatus::Serving,
        _ => ServingStatus::ServiceUnknown,
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

/// A stream that says at most one thing, and then nothing until the process ends.
pub(super) struct Quiet<T> {
    first: Option<T>,
    /// What the other side says, kept flowing so that it never blocks.
    heard: Option<Streaming<T>>,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<T> Quiet<T> {
    fn new(closing: &CancellationToken) -> Self {
        Self {
            first: None,
            heard: None,
            end: Box::pin(closing.clone().cancelled_owned()),
        }
    }
}

impl<T: Unpin> Stream for Quiet<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        while let Some(heard) = &mut self.heard {
            match Pin::new(heard).poll_next(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => self.heard = None,
                Poll::Pending => break,
            }
        }
        self.end.as_mut().poll(cx).map(|()| None)
    }
}
