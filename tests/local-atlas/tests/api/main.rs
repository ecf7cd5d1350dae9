//! The behavior of Local Atlas over real HTTP and TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod control;
mod credentials;
mod faults;
mod issuing;
mod listing;
mod tls_login;

use local_atlas::{LocalAtlas, Options, X509Type};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
const USER: &str = "app-user";
const V2: &str = "application/vnd.atlas.2023-01-01+json";

/// A server with one project and one managed user.
fn atlas() -> LocalAtlas {
    atlas_with(Options::default())
}

fn atlas_with(options: Options) -> LocalAtlas {
    let atlas = LocalAtlas::start(options).unwrap();
    atlas.control().add_user(PROJECT, USER, X509Type::Managed);
    atlas
}

/// A client that trusts this server only, without proxies and redirects.
fn client(atlas: &LocalAtlas) -> Client {
    let ca = reqwest::Certificate::from_pem(atlas.ca_pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([ca]);
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// A request with the static token.
fn request(atlas: &LocalAtlas, method: Method, path: &str) -> RequestBuilder {
    let request = client(atlas).request(method, format!("{}{path}", atlas.base_url()));
    request.bearer_auth(atlas.control().credentials().access_token)
}

fn certs_path(user: &str) -> String {
    format!("/api/atlas/v1.0/groups/{PROJECT}/databaseUsers/{user}/certs")
}

/// `POST …/certs` on v1.0.
fn post(atlas: &LocalAtlas, user: &str, body: &str) -> RequestBuilder {
    let request = request(atlas, Method::POST, &certs_path(user));
    request.header("content-type", "application/json").body(body.to_owned())
}

/// `POST …/certs` on v1.0: status, and `errorCode` if it is an error.
async fn issue_with(atlas: &LocalAtlas, user: &str, body: &str) -> (u16, String) {
    let response = post(atlas, user, body).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    (status, body["errorCode"].as_str().unwrap_or_default().to_owned())
}

/// The combined PEM of a new certificate for three months.
async fn issue(atlas: &LocalAtlas) -> String {
    let response = post(atlas, USER, "{}").send().await.unwrap();
    assert_eq!(response.status(), 201);
    response.text().await.unwrap()
}

async fn list(atlas: &LocalAtlas, user: &str, query: &str) -> (u16, Value) {
    get(atlas, &format!("{}?{query}", certs_path(user))).await
}

/// A GET in the form that both versions accept.
async fn get(atlas: &LocalAtlas, path: &str) -> (u16, Value) {
    json(request(atlas, Method::GET, path).header("accept", V2).send().await.unwrap()).await
}

/// Compares the members at these JSON pointers.
#[track_caller]
fn assert_members(value: &Value, expected: &Value) {
    for (pointer, member) in expected.as_object().unwrap() {
        assert_eq!(value.pointer(pointer), Some(member), "{pointer} of {value:#}");
    }
}

async fn json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}
