use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::plugin::environment::tests::environment;
use crate::plugin::listener::Endpoint;
use crate::plugin::tls::Tls;
use crate::plugin::tls::tests::Host;

struct Accepting {
    path: String,
    tls: Tls,
    connections: mpsc::Receiver<io::Result<Connection>>,
    count: watch::Receiver<Count>,
    _closing: tokio_util::sync::DropGuard,
    _place: Arc<crate::plugin::listener::Place>,
}

impl Accepting {
    fn start(host: &Host) -> Self {
        let endpoint = Endpoint::bind(&environment(&[])).unwrap();
        let tls = Tls::pinned_to(&host.pem()).unwrap();
        let (sender, connections) = mpsc::channel(1);
        let (counter, count) = watch::channel(Count::default());
        let closing = CancellationToken::new();
        tokio::spawn(accept(
            endpoint.listener,
            Some(Arc::clone(&tls.config)),
            sender,
            counter,
            closing.clone(),
        ));
        Self {
            path: endpoint.address,
            tls,
            connections,
            count,
            _closing: closing.drop_guard(),
            _place: endpoint.place,
        }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }

    async fn connect_as(&self, host: &Host) -> tokio_rustls::client::TlsStream<UnixStream> {
        let config = Arc::new(host.client(&self.tls));
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(config)
            .connect(name, self.connect().await)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn lets_the_host_in_past_a_peer_that_says_nothing() {
    let host = Host::new();
    let mut accepting = Accepting::start(&host);
    let _silent = accepting.connect().await;
    let _stream = accepting.connect_as(&host).await;
    let connection = accepting.connections.recv().await.unwrap().unwrap();
    let counted = *accepting.count.borrow();
    assert_eq!(counted, Count { open: 1, ever: 1 });

    drop(connection);
    let counted = *accepting.count.borrow();
    assert_eq!(counted, Count { open: 0, ever: 1 });
}

#[tokio::test]
async fn turns_a_stranger_away_and_does_not_count_it() {
    let mut accepting = Accepting::start(&Host::new());
    // In TLS 1.3 the client hears of the refusal only when it reads.
    let mut stranger = accepting.connect_as(&Host::new()).await;
    assert!(stranger.read_u8().await.is_err());
    assert!(accepting.connections.try_recv().is_err());
    assert_eq!(*accepting.count.borrow(), Count::default());
}

#[tokio::test(start_paused = true)]
async fn gives_up_on_a_peer_that_does_not_finish_the_handshake() {
    let accepting = Accepting::start(&Host::new());
    let start = tokio::time::Instant::now();
    let mut silent = accepting.connect().await;
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert!(start.elapsed() >= HANDSHAKE_DEADLINE);
}
