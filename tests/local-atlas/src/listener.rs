//! The API's port: accepts, serves, refuses and closes connections.

use std::{net::SocketAddr, time::Duration};

use http_body_util::{BodyExt as _, Limited};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    command,
    control::Control,
    faulty_body::{Disconnect, FaultyBody},
    handler::{self, Received},
};

/// The switches of the port and its connections.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// Whether the API's port should be closed.
    pub(crate) close: watch::Sender<bool>,
    /// Whether it is.
    pub(crate) is_closed: watch::Sender<bool>,
    /// Is increased to close every open connection.
    pub(crate) generation: watch::Sender<u64>,
}

/// One connection.
#[derive(Clone)]
struct Connection {
    control: Control,
    tls: Option<TlsAcceptor>,
    peer: SocketAddr,
    number: u64,
}

/// Accepts connections until the runtime stops; closes and opens the port as [`Listener`] asks for.
pub(crate) async fn listen(
    control: Control,
    tls: Option<TlsAcceptor>,
    socket: std::net::TcpListener,
) {
    let switches = &control.state.listener;
    let (mut wanted, mut number) = (switches.close.subscribe(), 0);
    let Ok(address) = socket.local_addr() else {
        return;
    };
    let mut socket = TcpListener::from_std(socket).ok();
    loop {
        let close = *wanted.borrow_and_update();
        if close {
            drop(socket.take());
        } else if socket.is_none() {
            socket = Some(bind_again(address).await);
        }
        switches.is_closed.send_replace(close);
        let accepted = async {
            match &socket {
                Some(socket) => socket.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            accepted = accepted => if let Ok((stream, peer)) = accepted {
                number += 1;
                let mut generation = switches.generation.subscribe();
                let (control, tls) = (control.clone(), tls.clone());
                let connection = Connection { control, tls, peer, number };
                // Only latency is lost without it.
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    tokio::select! {
                        () = connection.serve(stream) => {}
                        _ = generation.changed() => {}
                    }
                });
            },
        }
    }
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let tls = self.tls.clone();
        let service = service_fn(move |request| self.clone().respond(request));
        let builder = Builder::new(TokioExecutor::new());
        // A failed handshake is visible to the client alone, and a connection may end for any reason.
        if let Some(tls) = tls {
            if let Ok(stream) = tls.accept(stream).await {
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        } else {
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        }
    }

    async fn respond(self, request: Request<Incoming>) -> Result<Response<FaultyBody>, Disconnect> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_BODY).collect().await;
        let body = body.map_err(|_| Disconnect)?.to_bytes();
        if parts.uri.path().starts_with(command::PATH) {
            let work = move || command::respond(&self.control, &parts.method, &body);
            return tokio::task::spawn_blocking(work).await.map_err(|_| Disconnect);
        }
        let received = Received {
            parts,
            body,
            address: self.peer.ip(),
            connection: self.number,
            scheme: if self.tls.is_some() { "https" } else { "http" },
        };
        // In a task of its own: Atlas finishes a request whose client has disconnected.
        let work = tokio::spawn(handler::handle(self.control.state, received));
        work.await.unwrap_or(Err(Disconnect))
    }
}

/// Binds the port again, and retries while another process uses it for an outgoing connection.
async fn bind_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

const LARGEST_BODY: usize = 1 << 20;
