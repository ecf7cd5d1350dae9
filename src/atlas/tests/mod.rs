//! The client with a scripted server on loopback: which requests it sends, how often, and what it returns.

mod connecting;
mod issuing;
mod login;
mod reading;
mod server;
mod time_limits;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, SerialNumber};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use server::Server;

/// A client with a bearer token.
fn client(server: &Server) -> Arc<Client> {
    client_with(server, Credentials::Token("a-token".into()))
}

fn client_with(server: &Server, login: Credentials) -> Arc<Client> {
    Client::new(config(server, login), clock, Arc::default()).unwrap().into()
}

fn config(server: &Server, login: Credentials) -> Config {
    config_at(&server.url(), login)
}

fn config_at(url: &str, login: Credentials) -> Config {
    Config {
        base_url: BaseUrl::parse(url).unwrap(),
        api_version: ApiVersion::V1_0,
        credentials: login,
        request_timeout: Duration::from_secs(30),
        max_retries: 2,
        ca_bundle_pem: None,
        proxy: None,
        user_agent: "an-agent/1.0".into(),
    }
}

/// A configuration for unit tests that send nothing.
pub(super) fn unit_config() -> Config {
    config_at("https://cloud.mongodb.com", Credentials::Token("t".into()))
}

/// A clock an hour ahead of the server's.
fn clock() -> Timestamp {
    "2026-08-10T04:00:00Z".parse().unwrap()
}

fn call() -> CallOptions {
    CallOptions::within(Duration::from_secs(30), &CancellationToken::new())
}

/// A user of a project of its own.
fn user() -> UserId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let project = format!("{:024x}", NEXT.fetch_add(1, Ordering::Relaxed));
    let username = Username::parse("app").unwrap();
    UserId { project: ProjectId::parse(&project).unwrap(), username }
}

fn months() -> Months {
    Months::parse(3).unwrap()
}

/// A certificate with this serial number, and its key.
fn bundle(serial: u64) -> String {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "app");
    params.serial_number = Some(SerialNumber::from(serial));
    let certificate = params.self_signed(&key).unwrap().pem();
    format!("{certificate}{}", key.serialize_pem()).replace("\r\n", "\n")
}

/// A list of these serial numbers, issued at the date of all responses.
fn list(serials: &[u64]) -> String {
    page(serials, serials.len(), false)
}

/// A page of a list with this total count, and whether it links to the next.
fn page(serials: &[u64], total: usize, has_next: bool) -> String {
    let item = |serial| {
        format!(
            r#"{{"_id":{serial},"createdAt":"2026-08-10T02:00:00Z","groupId":"x","notAfter":"2026-11-10T03:00:00Z","subject":"CN=app"}}"#
        )
    };
    let items: Vec<_> = serials.iter().map(item).collect();
    let links = if has_next { r#"{"rel":"next"}"# } else { "" };
    format!(r#"{{"links":[{links}],"results":[{}],"totalCount":{total}}}"#, items.join(","))
}

fn api_error(status: u16, code: &str) -> String {
    format!(r#"{{"detail":"a detail","error":{status},"errorCode":"{code}","parameters":null}}"#)
}
