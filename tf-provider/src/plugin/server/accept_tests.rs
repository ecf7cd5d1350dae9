use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsConnector;

use super::*;
use crate::plugin::{
    environment::tests::environment,
    listener::Endpoint,
    tls::{Tls, tests::Host},
};

/// Accepts connections.
struct Accepting {
    endpoint: Endpoint,
    tls: Tls,
    open: watch::Receiver<Option<usize>>,
}

impl Accepting {
    fn start(host: &Host) -> Self {
        let (listener, endpoint) = listener::bind(&environment(&[])).unwrap();
        let tls = Tls::pinned_to(&host.pem()).unwrap();
        let connections = Connections {
            routes: Routes::default().prepare(),
            tls: Some(Arc::clone(&tls.config).into()),
            tracker: TaskTracker::new(),
            open: watch::Sender::new(None),
            closing: CancellationToken::new(),
        };
        let open = connections.open.subscribe();
        tokio::spawn(connections.accept(listener));
        Self { endpoint, tls, open }
    }

    async fn connect(&self) -> Stream {
        Stream::connect(&self.endpoint.address).await.unwrap()
    }

    async fn connect_as(&self, host: &Host) -> tokio_rustls::client::TlsStream<Stream> {
        let config = Arc::new(host.client(&self.tls));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.connect().await;
        TlsConnector::from(config).connect(name, stream).await.unwrap()
    }
}

#[tokio::test]
async fn silent_peer_does_not_delay_the_host() {
    let host = Host::new();
    let mut accepting = Accepting::start(&host);
    let _silent = accepting.connect().await;
    let stream = accepting.connect_as(&host).await;
    accepting.open.wait_for(|open| *open == Some(1)).await.unwrap();
    drop(stream);
    accepting.open.wait_for(|open| *open == Some(0)).await.unwrap();
}

#[tokio::test]
async fn stranger_is_refused_and_not_counted() {
    let accepting = Accepting::start(&Host::new());
    // In TLS 1.3 the client learns of the refusal when it reads. If it was accepted, the read never ends.
    let mut stranger = accepting.connect_as(&Host::new()).await;
    let read = timeout(Duration::from_secs(5), stranger.read_u8()).await;
    assert!(read.expect("the stranger was accepted").is_err());
    assert_eq!(*accepting.open.borrow(), None);
}

#[tokio::test(start_paused = true)]
async fn handshake_times_out() {
    let accepting = Accepting::start(&Host::new());
    let start = tokio::time::Instant::now();
    let mut silent = accepting.connect().await;
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert!(start.elapsed() >= HANDSHAKE_TIMEOUT);
}
