//! A port of the loopback address.

use std::{io, sync::Arc};

use tokio::net::TcpListener;

use super::{
    super::{environment::Environment, error::Error},
    Endpoint, Io, Listener,
};

/// Binds the first free port of the range.
pub(in super::super) fn bind(environment: &Environment) -> Result<Endpoint<TcpListener>, Error> {
    let range = environment.ports.clone();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for port in range.clone() {
        match listen(port) {
            Ok(endpoint) => return Ok(endpoint),
            Err(error) => failure = error,
        }
    }
    Err(Error::Listen {
        address: format!("127.0.0.1, ports {} to {}", range.start(), range.end()),
        source: failure,
    })
}

fn listen(port: u16) -> io::Result<Endpoint<TcpListener>> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    Ok(Endpoint {
        network: "tcp",
        address: listener.local_addr()?.to_string(),
        listener: TcpListener::from_std(listener)?,
        socket_dir: Arc::default(),
    })
}

impl Listener for TcpListener {
    async fn accept(&self) -> io::Result<Box<dyn Io>> {
        let (stream, _) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::environment::tests::environment;

    #[tokio::test]
    async fn first_free_port_of_the_range_is_bound() {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let variables = |last: u16| {
            environment(&[
                ("PLUGIN_MIN_PORT", &port.to_string()),
                ("PLUGIN_MAX_PORT", &last.to_string()),
            ])
        };

        let full = bind(&variables(port));
        assert!(matches!(full, Err(Error::Listen { .. })));

        let endpoint = bind(&variables(port.saturating_add(50))).unwrap();
        assert_eq!(endpoint.network, "tcp");
        let chosen: std::net::SocketAddr = endpoint.address.parse().unwrap();
        assert!(chosen.ip().is_loopback());
        assert!(chosen.port() > port);
        std::net::TcpStream::connect(chosen).unwrap();
        Listener::accept(&endpoint.listener).await.unwrap();
    }

    #[tokio::test]
    async fn any_port_is_bound_if_the_host_names_none() {
        let endpoint = bind(&environment(&[])).unwrap();
        let chosen: std::net::SocketAddr = endpoint.address.parse().unwrap();
        assert_ne!(chosen.port(), 0);
    }
}
