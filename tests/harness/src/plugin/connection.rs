//! A gRPC connection to a plugin, with TLS or in plain text.

use std::{
    io,
    net::Shutdown,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Result;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::{Address, ClientTls, lock};
use crate::pb::tfplugin5::{get_provider_schema, provider_client::ProviderClient};

/// An open connection. Clones and clients share it.
#[derive(Clone, Debug)]
pub struct Connection {
    channel: Channel,
    sockets: Sockets,
}

impl Connection {
    /// Connects, in plain text if there are no TLS settings. With TLS 1.3 a server may refuse the client's certificate only
    /// after this, so that the first call fails.
    pub async fn open(address: &Address, tls: Option<&ClientTls>) -> Result<Self> {
        let sockets = Sockets(Arc::new(Mutex::new(Some(Vec::new()))));
        let config = tls.map(ClientTls::config).transpose()?;
        let tls = config.map(|config| TlsConnector::from(Arc::new(config)));
        let (address, kept) = (address.clone(), sockets.clone());
        let connector = service_fn(move |_| dial(address.clone(), tls.clone(), kept.clone()));
        let endpoint = Endpoint::from_static("http://localhost");
        Ok(Self { channel: endpoint.connect_with_connector(connector).await?, sockets })
    }

    /// Whether a call through such a connection is answered.
    pub async fn answers(address: &Address, tls: Option<&ClientTls>) -> bool {
        let attempt = async {
            let connection = Self::open(address, tls).await.ok()?;
            let request = get_provider_schema::Request {};
            connection.provider().get_schema(request).await.ok()
        };
        let response = time::timeout(Duration::from_secs(10), attempt).await;
        matches!(response, Ok(Some(_)))
    }

    /// The provider service, with the size limits of Terraform.
    pub fn provider(&self) -> ProviderClient<Channel> {
        const LARGEST: usize = i32::MAX as usize;
        ProviderClient::new(self.channel.clone())
            .max_decoding_message_size(LARGEST)
            .max_encoding_message_size(LARGEST)
    }

    /// The channel, for calls that no client would make.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(super) fn sockets(&self) -> Sockets {
        self.sockets.clone()
    }
}

/// Second handles to the sockets of a connection, by which it is cut even if clones of it exist. `None` afterwards.
#[derive(Clone, Debug)]
pub(super) struct Sockets(Arc<Mutex<Option<Vec<Socket>>>>);

#[derive(Debug)]
enum Socket {
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
    Tcp(std::net::TcpStream),
}

impl Sockets {
    /// Cuts each socket. Nothing reconnects.
    pub(super) fn cut(&self) {
        for socket in lock(&self.0).take().unwrap_or_default() {
            // A socket that the other side has closed cannot be shut down.
            let _ = match socket {
                #[cfg(unix)]
                Socket::Unix(socket) => socket.shutdown(Shutdown::Both),
                Socket::Tcp(socket) => socket.shutdown(Shutdown::Both),
            };
        }
    }

    fn keep(&self, socket: Socket) -> io::Result<()> {
        let mut sockets = lock(&self.0);
        let closed = || io::Error::other("the host has closed the connection");
        sockets.as_mut().ok_or_else(closed)?.push(socket);
        Ok(())
    }
}

/// Connects whenever the channel needs a connection.
async fn dial(
    address: Address,
    tls: Option<TlsConnector>,
    sockets: Sockets,
) -> io::Result<TokioIo<Box<dyn Stream>>> {
    let socket: Box<dyn Stream> = match address {
        #[cfg(unix)]
        Address::Unix(path) => {
            let socket = tokio::net::UnixStream::connect(path).await?.into_std()?;
            sockets.keep(Socket::Unix(socket.try_clone()?))?;
            Box::new(tokio::net::UnixStream::from_std(socket)?)
        }
        #[cfg(not(unix))]
        Address::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        Address::Tcp(address) => {
            let socket = TcpStream::connect(address).await?.into_std()?;
            socket.set_nodelay(true)?;
            sockets.keep(Socket::Tcp(socket.try_clone()?))?;
            Box::new(TcpStream::from_std(socket)?)
        }
    };
    let Some(tls) = tls else {
        return Ok(TokioIo::new(socket));
    };
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let stream = tls.connect(name, socket).await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(io::Error::other("missing selected ALPN property"));
    }
    Ok(TokioIo::new(Box::new(stream)))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
