//! The API's port: accepting, serving, and refusing connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming as IncomingBody;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::control_http;
use crate::delivery::{Cut, Delivery};
use crate::exchange::{self, Incoming};
use crate::world::World;

/// The API's side of the server.
pub(crate) struct Api {
    pub(crate) world: Arc<World>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) control: crate::Control,
}

/// Where a request came from.
#[derive(Clone, Copy)]
struct Origin {
    peer: SocketAddr,
    connection: u64,
}

impl Api {
    pub(crate) fn new(
        world: Arc<World>,
        tls: Option<TlsAcceptor>,
        control: crate::Control,
    ) -> Self {
        Self {
            world,
            tls,
            control,
        }
    }

    /// Accepts connections until the runtime ends; closes and opens the port as the door says.
    pub(crate) async fn listen(self: Arc<Self>, address: SocketAddr, listener: TcpListener) {
        let mut wanted = self.world.door.wanted_open.subscribe();
        let mut listener = Some(listener);
        loop {
            let open = *wanted.borrow_and_update();
            if !open {
                drop(listener.take());
            } else if listener.is_none() {
                listener = Some(reopen(address).await);
            }
            self.world.door.is_open.send_replace(open);
            let accepted = async {
                match &listener {
                    Some(listener) => listener.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() { return },
                accepted = accepted => if let Ok((stream, peer)) = accepted {
                    self.admit(stream, peer);
                },
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let door = &self.world.door;
        let take_one = |left: u32| left.checked_sub(1);
        if door
            .to_drop
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one)
            .is_ok()
        {
            return;
        }
        let connection = door.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        let origin = Origin { peer, connection };
        let mut generation = door.generation.subscribe();
        let api = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = api.serve(stream, origin) => {}
                _ = generation.changed() => {}
            }
        });
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, origin: Origin) {
        // Only latency is lost without it.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.speak(stream, origin).await,
            // A client that does not like our certificate is its own affair.
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    self.speak(stream, origin).await;
                }
            }
        }
    }

    /// Speaks HTTP until the connection ends, for whatever reason.
    async fn speak(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        origin: Origin,
    ) {
        let service = service_fn(move |request| Arc::clone(&self).answer(request, origin));
        let connection = Builder::new(TokioExecutor::new());
        let _ = connection
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<IncomingBody>,
        origin: Origin,
    ) -> Result<Response<Delivery>, Cut> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_BODY)
            .collect()
            .await
            .map_err(|_| Cut)?
            .to_bytes();
        if parts.uri.path().starts_with(control_http::PREFIX) {
            let control = self.control.clone();
            let work =
                tokio::task::spawn_blocking(move || control_http::answer(&control, &parts, &body));
            return work.await.map_err(|_| Cut);
        }
        let incoming = Incoming {
            parts,
            body,
            address: origin.peer.ip(),
            connection: origin.connection,
            scheme: if self.tls.is_some() { "https" } else { "http" },
        };
        // In a task of its own: Atlas goes on when its client has gone.
        let exchange = tokio::spawn(exchange::answer(Arc::clone(&self.world), incoming));
        exchange.await.unwrap_or(Err(Cut))
    }
}

/// Binds the port again. Somebody may have taken it for an outgoing connection: it comes back.
async fn reopen(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

const LARGEST_BODY: usize = 1 << 20;
