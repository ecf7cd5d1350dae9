//! API keys with HTTP Digest.

use local_atlas::{Authorization, LocalAtlas};
use md5::{Digest as _, Md5};
use reqwest::{Method, Response};

use crate::client::{USER, atlas, certs_path, client};

fn md5(text: &str) -> String {
    Md5::digest(text)
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

async fn post(atlas: &LocalAtlas, authorization: Option<String>) -> Response {
    let request = client(atlas).request(
        Method::POST,
        format!("{}{}", atlas.base_url(), certs_path(USER)),
    );
    let request = request
        .header("content-type", "application/json")
        .body("{}");
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    request.send().await.unwrap()
}

fn nonce(response: &Response) -> (String, bool) {
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.starts_with("Digest realm=\"MMS Public API\", domain=\"\", nonce=\""),
        "{challenge}"
    );
    let stale = challenge.ends_with(", algorithm=MD5, qop=\"auth\", stale=true");
    assert!(stale || challenge.ends_with("stale=false"));
    (challenge.split('"').nth(5).unwrap().to_owned(), stale)
}

fn answer(atlas: &LocalAtlas, nonce: &str, count: u32, password: &str) -> String {
    let user = atlas.control().credentials().public_key;
    let uri = certs_path(USER);
    let (secret, request) = (
        md5(&format!("{user}:MMS Public API:{password}")),
        md5(&format!("POST:{uri}")),
    );
    let response = md5(&format!(
        "{secret}:{nonce}:{count:08x}:0123456789abcdef:auth:{request}"
    ));
    format!(
        "Digest username=\"{user}\", realm=\"MMS Public API\", nonce=\"{nonce}\", uri=\"{uri}\", cnonce=\"0123456789abcdef\", \
         nc={count:08x}, qop=auth, response=\"{response}\", algorithm=MD5"
    )
}

#[tokio::test]
async fn challenges_first_reuses_nonces_and_tells_stale_from_wrong() {
    let atlas = atlas();
    let password = atlas.control().credentials().private_key;
    let bare = post(&atlas, None).await;
    assert_eq!(bare.status(), 401);
    let (first, stale) = nonce(&bare);
    assert!(!stale);
    let text = bare.text().await.unwrap();
    assert!(
        text.contains("\"error\" : 401,\n")
            && text.contains("\"errorCode\" : \"UNEXPECTED_ERROR\""),
        "{text}"
    );
    assert_eq!(atlas.control().issued_count(), 0);

    assert_eq!(
        post(&atlas, Some(answer(&atlas, &first, 1, &password)))
            .await
            .status(),
        201
    );
    assert_eq!(
        post(&atlas, Some(answer(&atlas, &first, 2, &password)))
            .await
            .status(),
        201
    );
    let replayed = post(&atlas, Some(answer(&atlas, &first, 2, &password))).await;
    assert_eq!(
        (replayed.status().as_u16(), nonce(&replayed).1),
        (401, false)
    );
    let wrong = post(&atlas, Some(answer(&atlas, &first, 3, "guess"))).await;
    assert_eq!((wrong.status().as_u16(), nonce(&wrong).1), (401, false));

    atlas.control().expire_nonces();
    let expired = post(&atlas, Some(answer(&atlas, &first, 3, &password))).await;
    let (second, stale) = nonce(&expired);
    assert!(stale && second != first);
    assert_eq!(
        post(&atlas, Some(answer(&atlas, &second, 1, &password)))
            .await
            .status(),
        201
    );
    assert_eq!(atlas.control().issued_count(), 3);

    let requests = atlas.control().requests();
    assert_eq!(requests[0].authorization, Authorization::None);
    assert_eq!(
        requests[1].authorization,
        Authorization::Digest {
            nonce: first,
            count: "00000001".to_owned()
        }
    );
    assert!(!requests[1].headers.contains_key("authorization"));
}
