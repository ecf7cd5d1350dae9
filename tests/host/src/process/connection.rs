//! A gRPC connection to a plugin, over its socket, with or without TLS.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};

use super::{Address, ClientTls};
use crate::pb::health::health_client::HealthClient;
use crate::pb::plugin::grpc_broker_client::GrpcBrokerClient;
use crate::pb::plugin::grpc_controller_client::GrpcControllerClient;
use crate::pb::plugin::grpc_stdio_client::GrpcStdioClient;
use crate::pb::tfplugin5::get_provider_schema;
use crate::pb::tfplugin5::provider_client::ProviderClient;

/// An open connection. Clones share it; all clients made from it do too.
#[derive(Clone, Debug)]
pub struct Connection {
    channel: Channel,
    sockets: Sockets,
}

/// Why no connection came about. With TLS 1.3 a server's refusal of the client's certificate may
/// come only after this, as a failure of the first call.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The certificate of the handshake line or our own could not be used.
    #[error("unusable TLS settings")]
    Settings(#[source] rustls::Error),
    /// Nobody accepts, or the TLS or HTTP/2 handshake failed.
    #[error("no connection to the plugin")]
    Transport(#[source] tonic::transport::Error),
}

impl Connection {
    /// Connects; with TLS, or in plain text.
    pub async fn open(address: &Address, tls: Option<&ClientTls>) -> Result<Self, ConnectError> {
        let sockets = Sockets::default();
        let tls = tls
            .map(ClientTls::config)
            .transpose()
            .map_err(ConnectError::Settings)?
            .map(|config| TlsConnector::from(Arc::new(config)));
        let dialer = Dialer {
            address: address.clone(),
            tls,
            sockets: sockets.clone(),
        };
        let channel = Endpoint::from_static("http://localhost")
            .connect_with_connector(dialer)
            .await
            .map_err(ConnectError::Transport)?;
        Ok(Self { channel, sockets })
    }

    /// Whether a provider answers a call made this way; for attempts that must not succeed.
    pub async fn answers(address: &Address, tls: Option<&ClientTls>) -> bool {
        let attempt = async {
            let connection = Self::open(address, tls).await.ok()?;
            connection
                .provider()
                .get_schema(get_provider_schema::Request {})
                .await
                .ok()
        };
        tokio::time::timeout(ATTEMPT, attempt)
            .await
            .ok()
            .flatten()
            .is_some()
    }

    /// The provider service, without the size limits that Terraform does not have either.
    pub fn provider(&self) -> ProviderClient<Channel> {
        ProviderClient::new(self.channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE)
    }

    /// The channel itself, for calls that no client would make.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// go-plugin's controller.
    pub fn controller(&self) -> GrpcControllerClient<Channel> {
        GrpcControllerClient::new(self.channel.clone())
    }

    /// go-plugin's stdio stream.
    pub fn stdio(&self) -> GrpcStdioClient<Channel> {
        GrpcStdioClient::new(self.channel.clone())
    }

    /// go-plugin's broker.
    pub fn broker(&self) -> GrpcBrokerClient<Channel> {
        GrpcBrokerClient::new(self.channel.clone())
    }

    /// The standard health service.
    pub fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }

    /// The sockets under this connection, by which it can be cut whoever still uses it.
    pub fn sockets(&self) -> Sockets {
        self.sockets.clone()
    }
}

/// Dials whenever the channel wants a connection.
#[derive(Clone)]
struct Dialer {
    address: Address,
    tls: Option<TlsConnector>,
    sockets: Sockets,
}

impl Dialer {
    async fn dial(self) -> io::Result<TokioIo<Box<dyn Stream>>> {
        let socket: Box<dyn Stream> = match &self.address {
            Address::Unix(path) => {
                let socket = UnixStream::connect(path).await?.into_std()?;
                self.sockets.keep(Socket::Unix(socket.try_clone()?))?;
                Box::new(UnixStream::from_std(socket)?)
            }
            Address::Tcp(address) => {
                let socket = TcpStream::connect(address).await?.into_std()?;
                socket.set_nodelay(true)?;
                self.sockets.keep(Socket::Tcp(socket.try_clone()?))?;
                Box::new(TcpStream::from_std(socket)?)
            }
        };
        let Some(tls) = self.tls else {
            return Ok(TokioIo::new(socket));
        };
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let secured = tls.connect(name, socket).await?;
        if secured.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::other("missing selected ALPN property"));
        }
        Ok(TokioIo::new(Box::new(secured)))
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().dial())
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Second handles to the sockets in use. `None` once they were cut.
#[derive(Clone, Debug)]
pub struct Sockets(Arc<Mutex<Option<Vec<Socket>>>>);

#[derive(Debug)]
enum Socket {
    Unix(std::os::unix::net::UnixStream),
    Tcp(std::net::TcpStream),
}

impl Sockets {
    fn keep(&self, socket: Socket) -> io::Result<()> {
        match self.lock().as_mut() {
            Some(sockets) => {
                sockets.push(socket);
                Ok(())
            }
            None => Err(io::Error::other("the connection was closed by the host")),
        }
    }

    /// Cuts every socket; nothing reconnects.
    pub fn cut(&self) {
        for socket in self.lock().take().unwrap_or_default() {
            // One that the other side has closed already cannot be cut again.
            let _ = match socket {
                Socket::Unix(socket) => socket.shutdown(Shutdown::Both),
                Socket::Tcp(socket) => socket.shutdown(Shutdown::Both),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Socket>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Sockets {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }
}

/// As large as a gRPC host in Go takes.
const LARGEST_MESSAGE: usize = i32::MAX as usize;

/// After this long a call counts as not answered.
const ATTEMPT: Duration = Duration::from_secs(10);
