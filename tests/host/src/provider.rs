//! A handle on a running provider: one method per RPC, and its orderly end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::pb::plugin;
use crate::pb::tfplugin5 as pb;
use crate::pb::tfplugin5::provider_client::ProviderClient;
use crate::process::{
    Address, Captured, ClientTls, ConnectError, Connection, Exit, Handshake, LaunchError,
    PluginProcess, Reattach, SpawnOptions,
};

/// A provider that answers. Clones are handles on the same one; the last to go kills the process.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    process: Option<PluginProcess>,
    handshake: Option<Handshake>,
    startup: Duration,
    connection: Mutex<Option<Connection>>,
    streams: Mutex<Option<Streams>>,
    stdio: Captured,
}

/// Why there is no provider to talk to.
#[derive(Debug, Error)]
pub enum StartError {
    /// The process did not get as far as a handshake.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// It did, but cannot be talked to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its handshake does not fit what the host asked for.
    #[error("the handshake does not fit: {0}")]
    Unfit(&'static str),
}

/// A call that failed as a call, which core shows in words of its own and without a resource.
#[derive(Debug, Error)]
#[error("{}: {method}: {:?}: {}", self.summary(), self.status.code(), self.status.message())]
pub struct RpcError {
    /// The method.
    pub method: &'static str,
    /// The status it failed with.
    pub status: Status,
}

impl Provider {
    /// Starts the binary, connects as the handshake says, and opens the two streams that go-plugin
    /// opens.
    pub async fn spawn(options: SpawnOptions) -> Result<Self, StartError> {
        let (process, handshake, startup) = PluginProcess::launch(options).await?;
        if handshake.version != 5 {
            return Err(StartError::Unfit("incompatible API version with plugin"));
        }
        if handshake.server_certificate.is_some() != process.identity.is_some() {
            return Err(StartError::Unfit("TLS on one side only"));
        }
        let tls = handshake
            .server_certificate
            .clone()
            .map(|certificate| ClientTls::new(certificate, process.identity.clone()));
        let connection = Connection::open(&handshake.address, tls.as_ref()).await?;
        Ok(Self::open(
            connection,
            Some(process),
            Some(handshake),
            startup,
        ))
    }

    /// Connects in plain text to a provider that was started for debugging. It is neither told to
    /// shut down nor killed.
    pub async fn reattach(to: &Reattach) -> Result<Self, StartError> {
        Self::attach(&to.address).await
    }

    /// Connects in plain text to this address.
    pub async fn attach(address: &Address) -> Result<Self, StartError> {
        let connection = Connection::open(address, None).await?;
        Ok(Self::open(connection, None, None, Duration::ZERO))
    }

    /// From exec to handshake line.
    pub fn startup(&self) -> Duration {
        self.0.startup
    }

    /// What the handshake line said; none after reattaching.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.0.handshake.as_ref()
    }

    /// The process; none after reattaching.
    pub fn process(&self) -> Option<&PluginProcess> {
        self.0.process.as_ref()
    }

    /// The lines on standard error so far.
    pub fn log_lines(&self) -> Vec<String> {
        self.0
            .process
            .as_ref()
            .map(|process| process.stderr.lines())
            .unwrap_or_default()
    }

    /// What came on the stdio stream. A host would warn of each such chunk.
    pub fn stdio_chunks(&self) -> Vec<String> {
        self.0.stdio.lines()
    }

    /// The connection, for whatever has no method here.
    pub fn connection(&self) -> Option<Connection> {
        lock(&self.0.connection).clone()
    }

    /// Ends the provider as go-plugin does: closes the broker stream, asks for shutdown, closes the
    /// connection, waits two seconds, kills. `None` after reattaching, or when it was ended before.
    pub async fn shutdown(&self) -> Option<Exit> {
        let connection = lock(&self.0.connection).take()?;
        let begun = Instant::now();
        let streams = lock(&self.0.streams).take();
        if let Some(streams) = &streams {
            streams.broker.abort();
        }
        let process = self.0.process.as_ref();
        if process.is_some() {
            let shutdown = connection.controller().shutdown(plugin::Empty {}).await;
            drop(shutdown); // go-plugin ignores its failure too
        }
        drop(streams);
        let sockets = connection.sockets();
        drop(connection); // closes in good order, unless a test holds a clone
        let cut_for_clones = async {
            tokio::time::sleep(GRACE).await;
            sockets.cut();
            std::future::pending::<()>().await;
        };
        let exit = match process {
            Some(process) => tokio::select! {
                exit = process.end_within(PATIENCE, begun) => exit.ok(),
                () = cut_for_clones => None,
            },
            None => None,
        };
        sockets.cut();
        exit
    }

    /// Vanishes without a word, as a host that was killed: connection and pipes are cut.
    pub fn abandon(&self) {
        lock(&self.0.streams).take();
        if let Some(connection) = lock(&self.0.connection).take() {
            connection.sockets().cut();
        }
        if let Some(process) = &self.0.process {
            process.close_pipes();
        }
    }

    fn open(
        connection: Connection,
        process: Option<PluginProcess>,
        handshake: Option<Handshake>,
        startup: Duration,
    ) -> Self {
        let stdio = Captured::default();
        let streams = Mutex::new(Some(Streams::open(&connection, stdio.clone())));
        let connection = Mutex::new(Some(connection));
        Self(Arc::new(Inner {
            process,
            handshake,
            startup,
            connection,
            streams,
            stdio,
        }))
    }

    fn client(&self, method: &'static str) -> Result<ProviderClient<Channel>, RpcError> {
        self.connection()
            .map(|connection| connection.provider())
            .ok_or_else(|| RpcError {
                method,
                status: Status::unavailable("the host has closed the connection"),
            })
    }
}

/// One method for each unary RPC, named for its request.
macro_rules! rpcs {
    ($($(#[$doc:meta])* $method:ident: $name:literal = $message:ident;)*) => {
        impl Provider {
            $(
                $(#[$doc])*
                pub async fn $method(
                    &self,
                    request: pb::$message::Request,
                ) -> Result<pb::$message::Response, RpcError> {
                    let answer = self.client($name)?.$method(request).await;
                    answer
                        .map(tonic::Response::into_inner)
                        .map_err(|status| RpcError { method: $name, status })
                }
            )*
        }
    };
}

rpcs! {
    /// `GetMetadata`.
    get_metadata: "GetMetadata" = get_metadata;
    /// `GetSchema`; see [`crate::core::Core`] for the checked schema.
    get_schema: "GetSchema" = get_provider_schema;
    /// `GetResourceIdentitySchemas`.
    get_resource_identity_schemas: "GetResourceIdentitySchemas" = get_resource_identity_schemas;
    /// `PrepareProviderConfig`.
    prepare_provider_config: "PrepareProviderConfig" = prepare_provider_config;
    /// `Configure`.
    configure: "Configure" = configure;
    /// `Stop`.
    stop: "Stop" = stop;
    /// `ValidateResourceTypeConfig`.
    validate_resource_type_config: "ValidateResourceTypeConfig" = validate_resource_type_config;
    /// `UpgradeResourceState`.
    upgrade_resource_state: "UpgradeResourceState" = upgrade_resource_state;
    /// `ReadResource`.
    read_resource: "ReadResource" = read_resource;
    /// `PlanResourceChange`.
    plan_resource_change: "PlanResourceChange" = plan_resource_change;
    /// `ApplyResourceChange`.
    apply_resource_change: "ApplyResourceChange" = apply_resource_change;
    /// `ImportResourceState`.
    import_resource_state: "ImportResourceState" = import_resource_state;
    /// `MoveResourceState`.
    move_resource_state: "MoveResourceState" = move_resource_state;
    /// `ValidateDataSourceConfig`.
    validate_data_source_config: "ValidateDataSourceConfig" = validate_data_source_config;
    /// `ReadDataSource`.
    read_data_source: "ReadDataSource" = read_data_source;
    /// `ValidateEphemeralResourceConfig`.
    validate_ephemeral_resource_config: "ValidateEphemeralResourceConfig" =
        validate_ephemeral_resource_config;
    /// `OpenEphemeralResource`.
    open_ephemeral_resource: "OpenEphemeralResource" = open_ephemeral_resource;
    /// `RenewEphemeralResource`.
    renew_ephemeral_resource: "RenewEphemeralResource" = renew_ephemeral_resource;
    /// `CloseEphemeralResource`.
    close_ephemeral_resource: "CloseEphemeralResource" = close_ephemeral_resource;
    /// `GetFunctions`.
    get_functions: "GetFunctions" = get_functions;
    /// `CallFunction`.
    call_function: "CallFunction" = call_function;
}

impl RpcError {
    /// The title under which core shows it.
    pub fn summary(&self) -> &'static str {
        match self.status.code() {
            Code::Unavailable => "Plugin did not respond",
            Code::Cancelled => "Request cancelled",
            Code::Unimplemented => "Unsupported plugin method",
            _ => "Plugin error",
        }
    }
}

/// The two streams that stay open for as long as the connection.
#[derive(Debug)]
struct Streams {
    broker: JoinHandle<()>,
    stdio: JoinHandle<()>,
}

impl Streams {
    /// Nothing waits for an answer to either: a plugin without them is tolerated.
    fn open(connection: &Connection, chunks: Captured) -> Self {
        let (mut stdio, mut broker) = (connection.stdio(), connection.broker());
        let stdio = tokio::spawn(async move {
            let Ok(answer) = stdio.stream_stdio(()).await else {
                return;
            };
            let mut stream = answer.into_inner();
            while let Ok(Some(chunk)) = stream.message().await {
                chunks.fill(chunk.data.as_slice()).await;
            }
        });
        let broker = tokio::spawn(async move {
            let (nothing_comes, requests) = mpsc::channel::<plugin::ConnInfo>(1);
            let Ok(answer) = broker.start_stream(ReceiverStream::new(requests)).await else {
                return;
            };
            let mut stream = answer.into_inner();
            while let Ok(Some(_)) = stream.message().await {}
            drop(nothing_comes);
        });
        Self { broker, stdio }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.stdio.abort();
        self.broker.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long go-plugin waits before it kills.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a connection may take to close in good order before it is cut.
const GRACE: Duration = Duration::from_millis(50);
