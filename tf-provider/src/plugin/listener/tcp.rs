//! A port of the loopback address.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

pub(in super::super) use tokio::net::TcpListener as Listener;

use super::{
    super::{environment::Environment, error::Error},
    Endpoint,
};

/// Binds the first free port of the range.
pub(in super::super) fn bind(environment: &Environment) -> Result<(Listener, Endpoint), Error> {
    let ports = environment.ports.clone();
    let step = format!("listen on 127.0.0.1, ports {} to {}", ports.start(), ports.end());
    listen(&ports.map(|port| (Ipv4Addr::LOCALHOST, port).into()).collect::<Vec<_>>())
        .map_err(Error::during(step))
}

fn listen(addresses: &[SocketAddr]) -> io::Result<(Listener, Endpoint)> {
    let listener = std::net::TcpListener::bind(addresses)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    let endpoint = Endpoint { network: "tcp", address, socket_dir: Arc::default() };
    Ok((Listener::from_std(listener)?, endpoint))
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

        let full = bind(&variables(port)).unwrap_err().to_string();
        assert!(full.starts_with("could not listen on 127.0.0.1, ports"), "{full}");

        let (listener, endpoint) = bind(&variables(port.saturating_add(50))).unwrap();
        assert_eq!(endpoint.network, "tcp");
        let chosen: std::net::SocketAddr = endpoint.address.parse().unwrap();
        assert!(chosen.ip().is_loopback());
        assert!(chosen.port() > port);
        std::net::TcpStream::connect(chosen).unwrap();
        listener.accept().await.unwrap();
    }

    #[tokio::test]
    async fn any_port_is_bound_if_the_host_names_none() {
        let (_, endpoint) = bind(&environment(&[])).unwrap();
        let chosen: std::net::SocketAddr = endpoint.address.parse().unwrap();
        assert_ne!(chosen.port(), 0);
    }
}
