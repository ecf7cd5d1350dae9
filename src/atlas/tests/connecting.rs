//! Connections: TLS, proxies, name resolution, and the address in errors.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::server::{Reply, Server};
use super::*;
use crate::atlas::http_settings::{REFUSED, UNRESOLVED};

/// A listener that passes the first bytes of each connection to `answer`, writes the result and closes.
async fn listen(
    answer: fn(&[u8]) -> Vec<u8>,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                let _ = sender.send(buffer[..count].to_vec());
                let answer = answer(&buffer[..count]);
                let is_last = answer.is_empty();
                let _ = stream.write_all(&answer).await;
                if is_last {
                    break;
                }
            }
        }
    });
    (address, received)
}

/// A configuration with one trusted authority, whatever the system's are.
fn https_config(url: &str) -> Config {
    let root = bundle(1);
    let end = root.find("-----BEGIN PRIVATE").unwrap();
    Config {
        ca_bundle_pem: Some(root[..end].to_owned()),
        max_retries: 2,
        ..config_at(url, Credentials::Token("t".into()))
    }
}

fn through_proxy(proxy: &str) -> Config {
    let url = "https://atlas.example";
    let proxy = BaseUrl::parse(url).unwrap().proxy(proxy, "");
    Config { proxy: proxy.unwrap(), ..https_config(url) }
}

async fn read_user(config: Config) -> Error {
    let client = Client::new(config, clock, Arc::default()).unwrap();
    client.user(&user(), &call()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_tls_failure_is_not_retried_and_nothing_is_sent() {
    let (address, mut received) = listen(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    let client = Client::new(https_config(&format!("https://{address}")), clock, Arc::default());
    let issued = client.unwrap().issue(&user(), months(), &call()).await;
    let Err(IssueError::NotIssued(error)) = issued else { panic!("{issued:?}") };
    assert!(matches!(error.kind(), ErrorKind::Tls), "{error:?}");
    assert_eq!((error.attempts(), &*error.request().address), (1, address.as_str()));
    let hello = received.recv().await.unwrap();
    assert_eq!(hello[0], 22, "a TLS handshake and no request");
}

#[tokio::test(start_paused = true)]
async fn an_untrusted_certificate_is_not_retried() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate], key.into())
    .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let failed = acceptor.accept(stream).await.is_err();
        (failed, listener)
    });
    let error = read_user(https_config(&format!("https://localhost:{port}"))).await;
    assert!(matches!(error.kind(), ErrorKind::Tls), "{error:?}");
    assert_eq!((error.attempts(), error.is_unreachable()), (1, true));
    let message = error.source_message().unwrap();
    assert!(message.starts_with("invalid peer certificate"), "{message}");
    assert!(accepting.await.unwrap().0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_retried_and_named_with_its_cause() {
    let mut server = Server::start(|_, _| Reply::Cut).await;
    let address = server.url().replace("http://", "");
    server.leave().await;
    let error = read_user(config(&server, Credentials::Token("t".into()))).await;
    assert!(matches!(error.kind(), ErrorKind::Connect(REFUSED)), "{error:?}");
    assert_eq!((error.attempts(), &*error.request().address), (3, address.as_str()));
    let message = error.source_message().unwrap();
    assert!(message.starts_with("tcp connect error: "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn every_error_names_the_address_that_was_called() {
    let replies: [fn() -> Reply; 5] = [
        || Reply::Cut,
        || Reply::new(404, api_error(404, "GROUP_NOT_FOUND")),
        || Reply::new(502, "<html>"),
        || Reply::new(302, "").with("Location", "https://other.example/"),
        || Reply::new(200, "<html>"),
    ];
    for reply in replies {
        let server = Server::start(move |_, _| reply()).await;
        let error = read_user(config(&server, Credentials::Token("t".into()))).await;
        assert_eq!(format!("http://{}", error.request().address), server.url(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_without_an_address_is_a_dns_error() {
    let error = read_user(https_config("https://atlas.invalid")).await;
    assert!(matches!(error.kind(), ErrorKind::Connect(UNRESOLVED)), "{error:?}");
    assert_eq!(&*error.request().address, "atlas.invalid:443");
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_through_the_proxy_with_its_credentials() {
    let (address, mut received) = listen(|_| b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec()).await;
    let error = read_user(through_proxy(&format!("http://us%40er:p%3Ass@{address}"))).await;
    assert!(matches!(error.kind(), ErrorKind::Proxy), "{error:?}");
    let through = format!("atlas.example:443 through the proxy {address}");
    assert_eq!(&*error.request().address, through);
    assert!(!format!("{error:?}").contains("p%3Ass"), "{error:?}");
    let request = String::from_utf8(received.recv().await.unwrap()).unwrap();
    assert!(request.starts_with("CONNECT atlas.example:443 HTTP/1.1\r\n"), "{request}");
    let authorization = "proxy-authorization: basic dxnaZXI6cDpzcw=="; // us@er:p:ss
    let lines: Vec<_> = request.lines().map(str::to_ascii_lowercase).collect();
    assert!(lines.contains(&authorization.to_ascii_lowercase()), "{request}");
}

#[tokio::test(start_paused = true)]
async fn a_socks_proxy_resolves_the_name_itself() {
    let (address, mut received) = listen(|greeting| match greeting {
        [5, 1, 0] => vec![5, 0],
        _ => vec![5, 2, 0, 1, 0, 0, 0, 0, 0, 0], // not allowed by the rules
    })
    .await;
    let error = read_user(through_proxy(&format!("socks5://{address}"))).await;
    assert!(matches!(error.kind(), ErrorKind::Proxy), "{error:?}");
    assert_eq!(received.recv().await.unwrap(), [5, 1, 0]);
    let connect = received.recv().await.unwrap();
    assert!(connect.windows(13).any(|name| name == b"atlas.example"), "{connect:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_proxy_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = read_user(through_proxy(&format!("http://{address}"))).await;
    assert!(matches!(error.kind(), ErrorKind::Proxy), "{error:?}");
    assert!(error.request().address.ends_with(&format!("through the proxy {address}")));
}
