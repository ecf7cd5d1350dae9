//! Service accounts, bearer tokens, and API keys with HTTP Digest.

use std::time::Duration;

use local_atlas::{Authorization, LocalAtlas, Rate};
use md5::{Digest as _, Md5};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{USER, assert_members, atlas, certs_path, client, json};

async fn oauth(atlas: &LocalAtlas, path: &str, secret: &str, form: &str) -> Response {
    let id = atlas.control().credentials().client_id;
    let request = client(atlas).post(format!("{}/api/oauth/{path}", atlas.base_url()));
    let request = request.basic_auth(id, Some(secret)).body(form.to_owned());
    request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
}

async fn token(atlas: &LocalAtlas, secret: &str) -> (u16, Value) {
    json(oauth(atlas, "token", secret, "grant_type=client_credentials").await).await
}

/// A GET with this `Authorization` header.
async fn get(atlas: &LocalAtlas, authorization: Option<&str>) -> Response {
    let request = client(atlas).get(format!("{}{}", atlas.base_url(), certs_path(USER)));
    let headers =
        authorization.map(|value| ("authorization".parse().unwrap(), value.parse().unwrap()));
    request.headers(headers.into_iter().collect()).send().await.unwrap()
}

#[tokio::test]
async fn a_token_is_valid_until_it_expires_or_is_revoked() {
    let atlas = atlas();
    let secret = atlas.control().credentials().client_secret;
    let next = async || {
        let (_, body) = token(&atlas, &secret).await;
        assert_members(&body, &json!({ "/expires_in": 3600, "/token_type": "Bearer" }));
        body["access_token"].as_str().unwrap().to_owned()
    };
    let status =
        async |token: &str| get(&atlas, Some(&format!("Bearer {token}"))).await.status().as_u16();
    let first = next().await;
    assert_eq!((status(&first).await, status("guess").await), (200, 401));
    atlas.control().advance(Duration::from_secs(3600));
    assert_eq!(status(&first).await, 401);
    let second = next().await;
    let form = format!("token={second}&token_type_hint=access_token");
    let revoked = oauth(&atlas, "revoke", &secret, &form).await;
    assert_eq!((revoked.status().as_u16(), status(&second).await), (200, 401));
    assert!(atlas.control().tokens()[1].revoked);
    let third = next().await;
    atlas.control().expire_tokens();
    assert_eq!(status(&third).await, 401);
}

#[tokio::test]
async fn token_errors_have_the_oauth_form_and_the_limits_hold() {
    let atlas = atlas();
    let secret = atlas.control().credentials().client_secret;
    let expect = async |secret: &str, status: u16, member: &str, value: &str| {
        let (found, error) = token(&atlas, secret).await;
        assert_eq!((found, &error[member]), (status, &value.into()));
        error
    };
    expect("wrong", 401, "error", "invalid_client").await;
    let (status, error) = json(oauth(&atlas, "token", &secret, "grant_type=password").await).await;
    assert_eq!((status, &error["error"]), (400, &"unsupported_grant_type".into()));
    atlas.control().configure(|settings| settings.token_limit = 1);
    expect(&secret, 200, "token_type", "Bearer").await;
    expect(&secret, 403, "error", "access_denied").await;
    atlas.control().configure(|settings| settings.token_rate = Some(Rate::per_minute(0, 0)));
    let error = expect(&secret, 429, "errorCode", "RATE_LIMITED").await;
    assert_eq!(error["parameters"][0], "/api/oauth/token");
    let record = serde_json::to_string(&atlas.control().requests()).unwrap();
    assert!(!record.contains(&secret) && !record.contains("client_credentials"));
}

#[tokio::test]
async fn requests_without_valid_credentials_are_challenged_with_a_digest() {
    let atlas = atlas();
    let response = get(&atlas, None).await;
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Digest realm=\"MMS Public API\", domain=\"\", nonce=\""));
    assert!(challenge.ends_with("\", algorithm=MD5, qop=\"auth\", stale=false"));
    let nonce = challenge.split('"').nth(5).unwrap().to_owned();
    let text = response.text().await.unwrap();
    assert!(text.contains("\"error\" : 401,\n") && text.contains("\"UNEXPECTED_ERROR\""));

    let credentials = atlas.control().credentials();
    let (user, uri) = (credentials.public_key, certs_path(USER));
    let md5 = |text: String| hex::encode(Md5::digest(text));
    let secret = md5(format!("{user}:MMS Public API:{}", credentials.private_key));
    let request = md5(format!("GET:{uri}"));
    let response = md5(format!("{secret}:{nonce}:00000001:cnonce:auth:{request}"));
    let header = format!(
        "Digest username=\"{user}\", realm=\"MMS Public API\", nonce=\"{nonce}\", uri=\"{uri}\", \
         cnonce=\"cnonce\", nc=00000001, qop=auth, response=\"{response}\", algorithm=MD5"
    );
    assert_eq!(get(&atlas, Some(&header)).await.status(), 200);
    for (seconds, stale) in [(0, "stale=false"), (61, "stale=true")] {
        atlas.control().advance(Duration::from_secs(seconds));
        let refused = get(&atlas, Some(&header)).await;
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
        assert!(refused.status() == 401 && challenge.ends_with(stale));
    }
    let recorded = &atlas.control().requests()[1];
    let count = "00000001".to_owned();
    assert_eq!(recorded.authorization, Authorization::Digest { nonce, count });
    assert!(!recorded.headers.contains_key("authorization"));
}
