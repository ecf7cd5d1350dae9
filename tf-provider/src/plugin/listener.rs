use std::io;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(any(not(unix), test))]
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::environment::Environment;
use super::error::Error;
#[cfg(unix)]
use super::socket::{self, SocketDirectory};

/// Where hosts connect. Bound from the moment it exists, so that it may be announced.
pub(super) struct Endpoint {
    pub(super) listener: Listener,
    pub(super) network: &'static str,
    pub(super) address: String,
    pub(super) place: Arc<Place>,
}

impl Endpoint {
    /// Listens where only the user that runs the host can connect.
    #[cfg(unix)]
    pub(super) fn bind(environment: &Environment) -> Result<Self, Error> {
        let (listener, directory, address) = socket::bind(environment)?;
        Ok(Self {
            listener: Listener::Unix(listener),
            network: "unix",
            address,
            place: Arc::new(Place(Mutex::new(Some(directory)))),
        })
    }

    /// Listens on a port of the loopback address: there are no unix sockets for Go on this system.
    #[cfg(not(unix))]
    pub(super) fn bind(environment: &Environment) -> Result<Self, Error> {
        Self::bind_port(environment)
    }

    #[cfg(any(not(unix), test))]
    fn bind_port(environment: &Environment) -> Result<Self, Error> {
        let range = environment.ports.clone();
        let mut refusal = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for port in range.clone() {
            match Self::listen(port) {
                Ok(endpoint) => return Ok(endpoint),
                Err(error) => refusal = error,
            }
        }
        Err(Error::Listen {
            address: format!("127.0.0.1, ports {} to {}", range.start(), range.end()),
            source: refusal,
        })
    }

    #[cfg(any(not(unix), test))]
    fn listen(port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        Ok(Self {
            listener: Listener::Tcp(TcpListener::from_std(listener)?),
            network: "tcp",
            address,
            place: Arc::default(),
        })
    }
}

/// What an address leaves in the file system. It is gone when this is dropped or vacated.
#[derive(Debug, Default)]
pub(super) struct Place(#[cfg(unix)] Mutex<Option<SocketDirectory>>);

impl Place {
    /// Lets nobody in any more. Connections stay.
    pub(super) fn vacate(&self) {
        #[cfg(unix)]
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A bound socket.
pub(super) enum Listener {
    #[cfg(unix)]
    Unix(UnixListener),
    #[cfg(any(not(unix), test))]
    Tcp(TcpListener),
}

impl Listener {
    /// The next host that connects, not yet authenticated. May be dropped while it waits.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Io>> {
        match self {
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
            #[cfg(any(not(unix), test))]
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// What a connection reads from and writes to.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::plugin::environment::tests::environment;

    #[tokio::test]
    async fn takes_the_first_free_port_of_the_range() {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let variables = |last: u16| {
            environment(&[
                ("PLUGIN_MIN_PORT", &port.to_string()),
                ("PLUGIN_MAX_PORT", &last.to_string()),
            ])
        };

        let full = Endpoint::bind_port(&variables(port));
        assert!(matches!(full, Err(Error::Listen { .. })));

        let endpoint = Endpoint::bind_port(&variables(port.saturating_add(50))).unwrap();
        assert_eq!(endpoint.network, "tcp");
        let chosen: std::net::SocketAddr = endpoint.address.parse().unwrap();
        assert!(chosen.ip().is_loopback());
        assert!(chosen.port() > port);
        std::net::TcpStream::connect(chosen).unwrap();
        endpoint.listener.accept().await.unwrap();
    }

    #[tokio::test]
    async fn takes_any_port_if_the_host_names_none() {
        let endpoint = Endpoint::bind_port(&environment(&[])).unwrap();
        let chosen: std::net::SocketAddr = endpoint.address.parse().unwrap();
        assert_ne!(chosen.port(), 0);
    }
}
