//! Service account and bearer tokens.

use std::time::Duration;

use local_atlas::{LocalAtlas, Rate};
use reqwest::{Method, Response};

use crate::client::{USER, atlas, certs_path, client, json};

async fn token_request(atlas: &LocalAtlas, path: &str, secret: &str, form: &str) -> Response {
    let id = atlas.control().credentials().client_id;
    let request = client(atlas).post(format!("{}/api/oauth/{path}", atlas.base_url()));
    let request = request
        .basic_auth(id, Some(secret))
        .header("content-type", "application/x-www-form-urlencoded");
    request.body(form.to_owned()).send().await.unwrap()
}

async fn token(atlas: &LocalAtlas) -> String {
    let secret = atlas.control().credentials().client_secret;
    let (status, body) =
        json(token_request(atlas, "token", &secret, "grant_type=client_credentials").await).await;
    assert_eq!(
        (status, &body["expires_in"], &body["token_type"]),
        (200, &3600.into(), &"Bearer".into())
    );
    body["access_token"].as_str().unwrap().to_owned()
}

async fn status_with(atlas: &LocalAtlas, token: &str) -> u16 {
    let url = format!("{}{}", atlas.base_url(), certs_path(USER));
    client(atlas)
        .request(Method::GET, url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_token_works_until_it_expires_or_is_revoked() {
    let atlas = atlas();
    let first = token(&atlas).await;
    assert_eq!(status_with(&atlas, &first).await, 200);
    assert_eq!(status_with(&atlas, "guess").await, 401);
    atlas.control().advance(Duration::from_secs(3600));
    assert_eq!(status_with(&atlas, &first).await, 401);
    let second = token(&atlas).await;
    let secret = atlas.control().credentials().client_secret;
    let revoked = token_request(
        &atlas,
        "revoke",
        &secret,
        &format!("token={second}&token_type_hint=access_token"),
    )
    .await;
    assert_eq!(revoked.status(), 200);
    assert_eq!(status_with(&atlas, &second).await, 401);
    assert!(atlas.control().tokens()[1].revoked);
    let third = token(&atlas).await;
    atlas.control().expire_tokens();
    assert_eq!(status_with(&atlas, &third).await, 401);
}

#[tokio::test]
async fn token_errors_are_oauth_errors_and_the_limits_hold() {
    let atlas = atlas();
    let secret = atlas.control().credentials().client_secret;
    let (status, error) =
        json(token_request(&atlas, "token", "wrong", "grant_type=client_credentials").await).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (401, Some("invalid_client"))
    );
    let (status, error) =
        json(token_request(&atlas, "token", &secret, "grant_type=password").await).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (400, Some("unsupported_grant_type"))
    );

    atlas
        .control()
        .configure(|settings| settings.token_limit = 1);
    token(&atlas).await;
    let (status, error) =
        json(token_request(&atlas, "token", &secret, "grant_type=client_credentials").await).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (403, Some("access_denied"))
    );

    atlas
        .control()
        .configure(|settings| settings.token_rate = Some(Rate::per_minute(0, 0)));
    let (status, error) =
        json(token_request(&atlas, "token", &secret, "grant_type=client_credentials").await).await;
    assert_eq!(
        (status, error["errorCode"].as_str(), &error["parameters"][0]),
        (429, Some("RATE_LIMITED"), &"/api/oauth/token".into())
    );
    let secrets = serde_json::to_string(&atlas.control().requests()).unwrap();
    assert!(!secrets.contains(&secret) && !secrets.contains("client_credentials"));
}
