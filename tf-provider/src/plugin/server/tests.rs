use std::convert::Infallible;
use std::future::pending;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::{Service, http, http::uri::PathAndQuery};
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint as Client};
use tonic::{Code, Request, Response, Status, Streaming, async_trait};
use tonic_prost::ProstCodec;

use super::*;
use crate::plugin::environment::tests::environment;
use crate::plugin::listener::{self, SocketDir};
use crate::plugin::services::pb::health::health_check_response::ServingStatus;
use crate::plugin::services::pb::health::{HealthCheckRequest, HealthCheckResponse};
use crate::plugin::services::pb::plugin::grpc_stdio_server::{GrpcStdio, GrpcStdioServer};
use crate::plugin::services::pb::plugin::{ConnInfo, Empty, StdioData};

/// Stands in for the provider's service. Its one call answers when it is let go.
struct Slow {
    started: Arc<Notify>,
    release: Arc<Notify>,
}

#[derive(Clone)]
struct SlowServer(tonic::service::Routes);

impl SlowServer {
    fn new(started: &Arc<Notify>, release: &Arc<Notify>) -> Self {
        Self(tonic::service::Routes::new(GrpcStdioServer::new(Slow {
            started: Arc::clone(started),
            release: Arc::clone(release),
        })))
    }
}

impl NamedService for SlowServer {
    const NAME: &'static str = "test.Slow";
}

impl Service<http::Request<Body>> for SlowServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = <tonic::service::Routes as Service<http::Request<Body>>>::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        Service::<http::Request<Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        *request.uri_mut() = http::Uri::from_static("/plugin.GRPCStdio/StreamStdio");
        Service::call(&mut self.0, request)
    }
}

#[async_trait]
impl GrpcStdio for Slow {
    type StreamStdioStream = tokio_stream::Once<Result<StdioData, Status>>;

    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        self.started.notify_one();
        self.release.notified().await;
        Ok(Response::new(tokio_stream::once(Ok(StdioData::default()))))
    }
}

/// A process that serves, and one host connected to it.
struct Running {
    signal: mpsc::Sender<()>,
    /// A call in progress, until it is taken.
    busy: Mutex<Option<TaskTrackerToken>>,
    /// Cancelled with the calls in progress.
    stopped: CancellationToken,
    closed: Arc<AtomicBool>,
    started: Arc<Notify>,
    release: Arc<Notify>,
    client: Grpc<Channel>,
    process: tokio::task::JoinHandle<()>,
    path: String,
    _socket_dir: Arc<SocketDir>,
}

impl Running {
    /// In debug mode, so that only the test ends it.
    async fn start() -> Self {
        Self::start_as(Mode::Debug, async {}).await
    }

    async fn start_as(mode: Mode, close: impl Future<Output = ()> + Send + 'static) -> Self {
        let (listener, endpoint) = listener::bind(&environment(&[])).unwrap();
        let calls = Arc::new(Calls::new());
        let (busy, stopped) = (calls.hold(), calls.cancellation());
        let (signal, signals) = mpsc::channel(1);
        let (started, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (path, socket_dir) = (endpoint.address, endpoint.socket_dir);
        let server = Server {
            mode,
            parent: shutdown::parent_id(),
            signals,
            listener,
            socket_dir: Arc::clone(&socket_dir),
            tls: None,
            calls,
        };
        let closed = Arc::new(AtomicBool::new(false));
        let close = {
            let closed = Arc::clone(&closed);
            async move {
                closed.store(true, Ordering::SeqCst);
                close.await;
            }
        };
        let routes = Routes::new(SlowServer::new(&started, &release));
        let process = tokio::spawn(server.run(routes, close));
        let client = Client::try_from(format!("unix:{path}")).unwrap().connect().await.unwrap();
        Self {
            signal,
            busy: Mutex::new(Some(busy)),
            stopped,
            closed,
            started,
            release,
            client: Grpc::new(client),
            process,
            path,
            _socket_dir: socket_dir,
        }
    }

    async fn unary<Q, A>(&self, path: &'static str, message: Q) -> Result<A, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut client = self.client.clone();
        client.ready().await.unwrap();
        client
            .unary(Request::new(message), PathAndQuery::from_static(path), ProstCodec::default())
            .await
            .map(Response::into_inner)
    }

    /// Opens a stream with one message, and says no more.
    async fn listen<Q, A>(&self, path: &'static str, message: Q) -> Streaming<A>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut client = self.client.clone();
        client.ready().await.unwrap();
        client
            .server_streaming(
                Request::new(message),
                PathAndQuery::from_static(path),
                ProstCodec::default(),
            )
            .await
            .unwrap()
            .into_inner()
    }

    /// Opens the broker's stream, announces something, and keeps its own side open.
    async fn broker(&self) -> Streaming<ConnInfo> {
        let said = ConnInfo { service_id: 1, ..ConnInfo::default() };
        let mut client = self.client.clone();
        client.ready().await.unwrap();
        client
            .streaming(
                Request::new(tokio_stream::once(said).chain(tokio_stream::pending())),
                PathAndQuery::from_static("/plugin.GRPCBroker/StartStream"),
                ProstCodec::default(),
            )
            .await
            .unwrap()
            .into_inner()
    }

    /// Makes the provider's call in the background.
    fn call(&self) -> tokio::task::JoinHandle<Result<StdioData, Status>> {
        let mut client = self.client.clone();
        tokio::spawn(async move {
            client.ready().await.unwrap();
            client
                .server_streaming::<(), StdioData, _>(
                    Request::new(()),
                    PathAndQuery::from_static("/test.Slow/Call"),
                    ProstCodec::default(),
                )
                .await?
                .into_inner()
                .next()
                .await
                .unwrap()
        })
    }

    async fn shutdown(&self) -> Result<Empty, Status> {
        self.unary("/plugin.GRPCController/Shutdown", Empty {}).await
    }

    async fn health(&self, service: &str) -> Result<HealthCheckResponse, Status> {
        let service = service.to_owned();
        self.unary("/grpc.health.v1.Health/Check", HealthCheckRequest { service }).await
    }
}

#[tokio::test]
async fn shutdown_ends_the_process_at_once_although_streams_are_open() {
    let running = Running::start().await;
    running.busy.lock().unwrap().take();
    let mut stdio: Streaming<StdioData> = running.listen("/plugin.GRPCStdio/StreamStdio", ()).await;
    let mut broker = running.broker().await;
    let mut watch: Streaming<HealthCheckResponse> =
        running.listen("/grpc.health.v1.Health/Watch", HealthCheckRequest::default()).await;
    let status = watch.next().await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::Serving);

    let start = Instant::now();
    assert_eq!(running.shutdown().await.unwrap(), Empty {});
    running.process.await.unwrap();
    assert!(start.elapsed() < DRAIN_TIMEOUT / 2, "{:?}", start.elapsed());

    // Ended in good order, with nothing said before.
    assert!(stdio.next().await.is_none());
    assert!(broker.next().await.is_none());
    assert!(watch.next().await.is_none());
    running.stopped.cancelled().await;
    assert!(running.closed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn socket_is_removed_before_the_response_to_shutdown() {
    let running = Running::start().await;
    assert!(Path::new(&running.path).exists());
    running.shutdown().await.unwrap();
    let directory = Path::new(&running.path).parent().unwrap();
    assert!(!directory.exists());
    running.busy.lock().unwrap().take();
    running.process.await.unwrap();
}

#[tokio::test]
async fn close_is_aborted_after_a_second() {
    let running = Running::start_as(Mode::Debug, pending()).await;
    running.busy.lock().unwrap().take();
    let start = Instant::now();
    running.shutdown().await.unwrap();
    running.process.await.unwrap();
    let elapsed = start.elapsed();
    assert!(elapsed >= DRAIN_TIMEOUT && elapsed < DRAIN_TIMEOUT * 3 / 2, "{elapsed:?}");
}

#[tokio::test]
async fn open_call_completes_after_a_shutdown() {
    let running = Running::start().await;
    running.busy.lock().unwrap().take();
    let call = running.call();
    running.started.notified().await;
    running.shutdown().await.unwrap();
    running.release.notify_one();
    call.await.unwrap().unwrap();
    running.process.await.unwrap();
}

#[tokio::test]
async fn no_connection_is_accepted_after_a_shutdown() {
    let running = Running::start().await;
    running.busy.lock().unwrap().take();
    running.shutdown().await.unwrap();
    running.process.await.unwrap();
    let path = Path::new(&running.path);
    assert!(std::os::unix::net::UnixStream::connect(path).is_err());
}

#[tokio::test]
async fn health_is_serving_for_the_names_of_hosts() {
    let running = Running::start().await;
    for name in ["", "plugin"] {
        let status = running.health(name).await.unwrap().status();
        assert_eq!(status, ServingStatus::Serving, "{name:?}");
    }
    let refused = running.health("other").await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    running.process.abort();
}

#[tokio::test]
async fn signal_ends_the_process_after_the_calls_in_progress() {
    let running = Running::start().await;
    let call = running.call();
    running.started.notified().await;
    running.signal.send(()).await.unwrap();
    running.stopped.cancelled().await;

    // Still at work, and still there for others.
    running.health("").await.unwrap();
    assert!(!running.closed.load(Ordering::SeqCst));

    running.release.notify_one();
    call.await.unwrap().unwrap();
    running.busy.lock().unwrap().take();
    running.process.await.unwrap();
    assert!(running.closed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn second_signal_or_shutdown_ends_the_wait() {
    for insist in [Insist::BySignal, Insist::ByShutdown] {
        let running = Running::start().await;
        running.signal.send(()).await.unwrap();
        running.stopped.cancelled().await;
        match insist {
            Insist::BySignal => running.signal.send(()).await.unwrap(),
            Insist::ByShutdown => {
                running.shutdown().await.unwrap();
            }
        }
        running.process.await.unwrap();
        assert!(!running.closed.load(Ordering::SeqCst));
    }
}

enum Insist {
    BySignal,
    ByShutdown,
}

#[tokio::test]
async fn process_ends_after_its_host_and_the_calls_in_progress() {
    let running = Running::start_as(Mode::Plugin, async {}).await;
    drop(running.client);
    running.stopped.cancelled().await;
    assert!(!running.process.is_finished());

    running.busy.lock().unwrap().take();
    running.process.await.unwrap();
    assert!(running.closed.load(Ordering::SeqCst));
}
