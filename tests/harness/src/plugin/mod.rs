//! Being the host of a provider process, as go-plugin is: launch, handshake, mutual TLS, shutdown.

mod connection;
mod handshake;
mod process;
mod tls;

use std::{
    process::ExitStatus,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use thiserror::Error;
use tokio::{task::JoinHandle, time};
use tonic::transport::Channel;

pub use self::{
    connection::Connection,
    handshake::{Address, Handshake},
    process::{Exit, OutputLines, PluginProcess, Reattach, SpawnOptions},
    tls::{ClientIdentity, ClientTls},
};
use crate::pb::{
    plugin::{
        self, grpc_broker_client::GrpcBrokerClient, grpc_controller_client::GrpcControllerClient,
        grpc_stdio_client::GrpcStdioClient,
    },
    tfplugin5::provider_client::ProviderClient,
};

/// A running provider. Clones share it; the last one to be dropped kills the process.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    process: Option<PluginProcess>,
    open: Mutex<Option<Open>>,
    stdio: OutputLines,
}

/// The reason for which there is no provider.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("exited before the handshake line: {status}, stdout {stdout:?}, stderr {stderr:#?}")]
    Exited { status: ExitStatus, stdout: String, stderr: Vec<String> },
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Provider {
    /// Starts the binary, connects, and opens the two streams that go-plugin opens.
    pub async fn spawn(options: SpawnOptions) -> Result<Self, StartError> {
        let process = PluginProcess::launch(options).await?;
        let handshake = process.handshake.as_ref().context("no handshake line")?;
        if handshake.version != 5 {
            return Err(anyhow!("incompatible API version with plugin").into());
        }
        if handshake.server_certificate.is_some() != process.identity.is_some() {
            return Err(anyhow!("TLS on one side only").into());
        }
        let certificate = handshake.server_certificate.clone();
        let tls = certificate.map(|it| ClientTls::new(it, process.identity.clone()));
        let connection = Connection::open(&handshake.address, tls.as_ref()).await?;
        Ok(Self::new(connection, Some(process)))
    }

    /// Connects in plain text to a provider that was started with `-debug`. It is neither shut down nor killed.
    pub async fn reattach(to: &Reattach) -> Result<Self> {
        let connection = Connection::open(&to.address, None).await?;
        Ok(Self::new(connection, None))
    }

    pub fn handshake(&self) -> Option<&Handshake> {
        self.process()?.handshake.as_ref()
    }

    pub fn process(&self) -> Option<&PluginProcess> {
        self.0.process.as_ref()
    }

    /// The lines on standard error so far.
    pub fn log_lines(&self) -> Vec<String> {
        self.process().map(|process| process.stderr.lines()).unwrap_or_default()
    }

    /// The data received on the stdio stream. A host warns of each chunk.
    pub fn stdio_chunks(&self) -> Vec<String> {
        self.0.stdio.lines()
    }

    pub fn connection(&self) -> Option<Connection> {
        lock(&self.0.open).as_ref().map(|open| open.connection.clone())
    }

    /// The generated client.
    ///
    /// # Panics
    /// After [`Self::shutdown`] or [`Self::disconnect_abruptly`].
    pub fn client(&self) -> ProviderClient<Channel> {
        match self.connection() {
            Some(connection) => connection.provider(),
            None => panic!("the host has closed the connection"),
        }
    }

    /// Ends the provider as go-plugin does: closes the broker stream, calls `Shutdown`, closes the connection, waits two
    /// seconds, kills. `None` if there is no process, or if it was ended before.
    pub async fn shutdown(&self) -> Option<Exit> {
        let open = lock(&self.0.open).take()?;
        let process = self.0.process.as_ref();
        let begun = Instant::now();
        open.broker.abort();
        if process.is_some() {
            // go-plugin ignores a failure, too.
            let mut controller = GrpcControllerClient::new(open.connection.channel());
            let _ = controller.shutdown(plugin::Empty {}).await;
        }
        let sockets = open.connection.sockets();
        drop(open); // ends gracefully unless a test holds a clone of the connection
        let exit = async { process?.end_within(SHUTDOWN_TIMEOUT, begun).await.ok() };
        let cut_for_clones = async {
            time::sleep(CLOSE_TIMEOUT).await;
            sockets.cut();
            std::future::pending().await
        };
        let exit = tokio::select! {
            exit = exit => exit,
            never = cut_for_clones => never,
        };
        sockets.cut();
        exit
    }

    /// Disappears as a host that was killed: connection and pipes are cut.
    pub fn disconnect_abruptly(&self) {
        if let Some(open) = lock(&self.0.open).take() {
            open.connection.sockets().cut();
        }
        if let Some(process) = &self.0.process {
            process.close_pipes();
        }
    }

    fn new(connection: Connection, process: Option<PluginProcess>) -> Self {
        let stdio = OutputLines::default();
        let open = Mutex::new(Some(Open::new(connection, stdio.clone())));
        Self(Arc::new(Inner { process, open, stdio }))
    }
}

/// A connection, and the two streams that stay open as long.
#[derive(Debug)]
struct Open {
    connection: Connection,
    broker: JoinHandle<()>,
    stdio: JoinHandle<()>,
}

impl Open {
    fn new(connection: Connection, chunks: OutputLines) -> Self {
        let mut stdio = GrpcStdioClient::new(connection.channel());
        let mut broker = GrpcBrokerClient::new(connection.channel());
        let stdio = tokio::spawn(async move {
            let Ok(response) = stdio.stream_stdio(()).await else { return };
            let mut stream = response.into_inner();
            while let Ok(Some(chunk)) = stream.message().await {
                chunks.fill(chunk.data.as_slice()).await;
            }
        });
        let broker = tokio::spawn(async move {
            let nothing_is_sent = tokio_stream::pending();
            let Ok(response) = broker.start_stream(nothing_is_sent).await else { return };
            let mut stream = response.into_inner();
            while let Ok(Some(_)) = stream.message().await {}
        });
        Self { connection, broker, stdio }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stdio.abort();
        self.broker.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// go-plugin kills after this time.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that is still open after this time is cut.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(50);
