//! How a plugin and its host find and recognise each other.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use tf_harness::{
    pb::tfplugin5,
    plugin::{Address, ClientIdentity, ClientTls, Connection, Provider, SpawnOptions, StartError},
};

use crate::support::plugin::ScratchDir;

const CERTIFICATE: &str = "PLUGIN_CLIENT_CERT";

#[tokio::test]
async fn one_line_says_where_the_provider_listens_and_with_which_certificate() {
    let temporary = ScratchDir::new();
    let provider = spawn(temporary.options()).await;
    let handshake = provider.handshake().unwrap();
    assert_eq!(handshake.line.split('|').count(), 6, "{}", handshake.line);
    assert!(handshake.line.starts_with("1|5|unix|"), "{}", handshake.line);
    assert!(handshake.server_certificate.is_some());

    let socket = socket(&provider);
    assert!(socket.starts_with(temporary.path()), "{}", socket.display());
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    assert_eq!(mode(socket), 0o600);

    get_schema(&provider).await.unwrap();
    provider.shutdown().await;
    assert_eq!(provider.process().unwrap().stdout.lines(), Vec::<String>::new());
    assert_eq!(provider.stdio_chunks(), Vec::<String>::new());
}

#[tokio::test]
async fn only_the_holder_of_the_hosts_key_gets_an_answer() {
    let temporary = ScratchDir::new();
    let provider = spawn(temporary.options()).await;
    let handshake = provider.handshake().unwrap();
    let trusted = handshake.server_certificate.clone().unwrap();
    let host = provider.process().unwrap().identity.clone().unwrap();
    let stranger = ClientIdentity::generate().unwrap();
    let thief = host.with_key_of(&stranger);

    for (peer, identity) in [
        ("no certificate", None),
        ("another certificate", Some(stranger)),
        ("the host's certificate with another key", Some(thief)),
    ] {
        let tls = ClientTls::new(trusted.clone(), identity);
        assert!(!answers(&provider, Some(&tls)).await, "{peer}");
        assert!(!answers(&provider, Some(&tls.tls12())).await, "{peer}, TLS 1.2");
    }
    assert!(!answers(&provider, None).await, "plain text");

    get_schema(&provider).await.expect("the host is still served");
    for tls in [
        ClientTls::new(trusted.clone(), Some(host.clone())),
        ClientTls::new(trusted, Some(host)).tls12(),
    ] {
        assert!(answers(&provider, Some(&tls)).await, "a second connection of the host");
    }
}

#[tokio::test]
async fn a_client_certificate_that_cannot_be_read_is_fatal() {
    let temporary = ScratchDir::new();
    let truncated = ClientIdentity::generate().unwrap().pem.replacen("MII", "", 1);
    let options = temporary.options().without_certificate().env(CERTIFICATE, truncated);
    let Err(StartError::Exited { status, stdout, stderr }) = Provider::spawn(options).await else {
        panic!("served without TLS")
    };
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""));
    assert!(stderr.iter().any(|line| line.contains("PLUGIN_CLIENT_CERT")), "{stderr:?}");
    assert!(temporary.entries().is_empty());
}

#[tokio::test]
async fn a_host_that_wants_no_tls_is_served_in_plain_text() {
    let temporary = ScratchDir::new();
    let absent = || temporary.options().without_certificate();
    for options in [absent(), absent().env(CERTIFICATE, "")] {
        let provider = spawn(options).await;
        assert!(provider.handshake().unwrap().server_certificate.is_none());
        get_schema(&provider).await.unwrap();
        assert!(!provider.shutdown().await.unwrap().killed);
    }
}

async fn spawn(options: SpawnOptions) -> Provider {
    Provider::spawn(options).await.expect("the provider starts")
}

async fn get_schema(provider: &Provider) -> Result<(), tonic::Status> {
    let request = tfplugin5::get_provider_schema::Request {};
    provider.client().get_schema(request).await.map(drop)
}

async fn answers(provider: &Provider, tls: Option<&ClientTls>) -> bool {
    Connection::answers(&provider.handshake().unwrap().address, tls).await
}

fn socket(provider: &Provider) -> &Path {
    match &provider.handshake().unwrap().address {
        Address::Unix(path) => path,
        Address::Tcp(address) => panic!("a port: {address}"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
