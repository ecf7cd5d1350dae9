use rustls_pki_types::ServerName;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

use super::*;
use crate::plugin::tls::{Tls, tests::Host};

/// Accepts connections over TCP, which all systems have.
struct Accepting {
    address: String,
    tls: Tls,
    connections: mpsc::Receiver<io::Result<Connection>>,
    count: watch::Receiver<Connections>,
    _closing: tokio_util::sync::DropGuard,
}

impl Accepting {
    async fn start(host: &Host) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let tls = Tls::pinned_to(&host.pem()).unwrap();
        let (sender, connections) = mpsc::channel(1);
        let (counter, count) = watch::channel(Connections::default());
        let closing = CancellationToken::new();
        let config = Some(Arc::clone(&tls.config));
        tokio::spawn(accept(listener, config, sender, counter, closing.clone()));
        Self { address, tls, connections, count, _closing: closing.drop_guard() }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    async fn connect_as(&self, host: &Host) -> tokio_rustls::client::TlsStream<TcpStream> {
        let config = Arc::new(host.client(&self.tls));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.connect().await;
        TlsConnector::from(config).connect(name, stream).await.unwrap()
    }
}

#[tokio::test]
async fn silent_peer_does_not_delay_the_host() {
    let host = Host::new();
    let mut accepting = Accepting::start(&host).await;
    let _silent = accepting.connect().await;
    let _stream = accepting.connect_as(&host).await;
    let connection = accepting.connections.recv().await.unwrap().unwrap();
    let counted = *accepting.count.borrow();
    assert_eq!(counted, Connections { open: 1, ever: 1 });

    drop(connection);
    let counted = *accepting.count.borrow();
    assert_eq!(counted, Connections { open: 0, ever: 1 });
}

#[tokio::test]
async fn stranger_is_refused_and_not_counted() {
    let mut accepting = Accepting::start(&Host::new()).await;
    // In TLS 1.3 the client learns of the refusal when it reads. If it was accepted, the read never ends.
    let mut stranger = accepting.connect_as(&Host::new()).await;
    let read = timeout(Duration::from_secs(5), stranger.read_u8()).await;
    assert!(read.expect("the stranger was accepted").is_err());
    assert!(accepting.connections.try_recv().is_err());
    assert_eq!(*accepting.count.borrow(), Connections::default());
}

#[tokio::test(start_paused = true)]
async fn handshake_times_out() {
    let accepting = Accepting::start(&Host::new()).await;
    let start = tokio::time::Instant::now();
    let mut silent = accepting.connect().await;
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert!(start.elapsed() >= HANDSHAKE_TIMEOUT);
}
