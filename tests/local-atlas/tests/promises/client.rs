//! A small API client for the tests.

use local_atlas::{LocalAtlas, Options, X509Type};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

pub(crate) const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
pub(crate) const USER: &str = "app-user";
pub(crate) const V2: &str = "application/vnd.atlas.2023-01-01+json";

/// A server with one project and one managed user.
pub(crate) fn atlas() -> LocalAtlas {
    atlas_with(Options::default())
}

pub(crate) fn atlas_with(options: Options) -> LocalAtlas {
    let atlas = LocalAtlas::start(options).unwrap();
    atlas.control().add_user(PROJECT, USER, X509Type::Managed);
    atlas
}

/// A client without proxies and without redirects.
pub(crate) fn client(atlas: &LocalAtlas) -> Client {
    let ca = reqwest::Certificate::from_pem(atlas.ca_pem().as_bytes()).unwrap();
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([ca])
        .build()
        .unwrap()
}

/// A request with the static token.
pub(crate) fn request(atlas: &LocalAtlas, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", atlas.base_url());
    client(atlas)
        .request(method, url)
        .bearer_auth(atlas.control().credentials().access_token)
}

pub(crate) fn certs_path(user: &str) -> String {
    format!("/api/atlas/v1.0/groups/{PROJECT}/databaseUsers/{user}/certs")
}

/// `POST …/certs` on v1.0 with a body as it is.
pub(crate) async fn post(atlas: &LocalAtlas, user: &str, body: &str) -> Response {
    try_post(atlas, user, body).await.unwrap()
}

pub(crate) async fn try_post(
    atlas: &LocalAtlas,
    user: &str,
    body: &str,
) -> reqwest::Result<Response> {
    let request = request(atlas, Method::POST, &certs_path(user));
    request
        .header("content-type", "application/json")
        .body(body.to_owned())
        .send()
        .await
}

/// A certificate for three months.
pub(crate) async fn issue(atlas: &LocalAtlas) -> String {
    let response = post(atlas, USER, r#"{"monthsUntilExpiration":3}"#).await;
    assert_eq!(response.status(), 201);
    response.text().await.unwrap()
}

pub(crate) async fn list(atlas: &LocalAtlas, user: &str, query: &str) -> (u16, Value) {
    let path = format!("{}?{query}", certs_path(user));
    json(request(atlas, Method::GET, &path).send().await.unwrap()).await
}

pub(crate) async fn json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    )
}

pub(crate) fn v2_headers() -> HeaderMap {
    let value = HeaderValue::from_static(V2);
    HeaderMap::from_iter([
        ("accept".parse().unwrap(), value.clone()),
        ("content-type".parse().unwrap(), value),
    ])
}
