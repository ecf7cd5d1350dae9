//! The control surface over HTTP.

use local_atlas::LocalAtlas;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{PROJECT, atlas, client, json, post};

async fn call(atlas: &LocalAtlas, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/local-atlas/{path}", atlas.base_url());
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    json(
        client(atlas)
            .request(method, url)
            .body(body)
            .send()
            .await
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn scripts_a_whole_story_without_rust() {
    let atlas = atlas();
    let (_, description) = call(&atlas, Method::GET, "", &Value::Null).await;
    assert!(description["offers"].as_array().unwrap().len() > 20);
    let user = format!("projects/{PROJECT}/users/a%2Fb");
    assert_eq!(call(&atlas, Method::PUT, &user, &Value::Null).await.0, 200);
    let fault = json!({ "matching": { "endpoint": "issueCertificate", "user": "a/b" }, "outcome": { "answer": { "moment": "after", "answer": { "status": 500 } } } });
    let (_, added) = call(&atlas, Method::POST, "faults", &fault).await;
    assert_eq!(post(&atlas, "a%2Fb", "{}").await.status(), 500);
    let (_, faults) = call(&atlas, Method::GET, "faults", &Value::Null).await;
    assert_eq!(
        (&faults[0]["id"], &faults[0]["usedUp"]),
        (&added["id"], &true.into())
    );
    let (_, certificates) = call(
        &atlas,
        Method::GET,
        &format!("{user}/certificates"),
        &Value::Null,
    )
    .await;
    assert_eq!(certificates.as_array().unwrap().len(), 1);
    let (_, clock) = call(
        &atlas,
        Method::PUT,
        "clock",
        &json!({ "offsetSeconds": 86400 }),
    )
    .await;
    assert_eq!(clock["offsetSeconds"], 86400);
    let (_, settings) = call(
        &atlas,
        Method::PATCH,
        "settings",
        &json!({ "certificateLimit": 1 }),
    )
    .await;
    assert_eq!(
        (&settings["certificateLimit"], &settings["tokenLimit"]),
        (&1.into(), &100.into())
    );
    assert_eq!(post(&atlas, "a%2Fb", "{}").await.status(), 400);
    let (_, requests) = call(&atlas, Method::GET, "requests", &Value::Null).await;
    assert_eq!(
        requests.as_array().unwrap().len(),
        2,
        "control requests are not recorded"
    );
    assert_eq!(requests[0]["status"], 500);
}

#[tokio::test]
async fn refuses_what_it_does_not_know() {
    let atlas = atlas();
    assert_eq!(
        call(&atlas, Method::GET, "nothing", &Value::Null).await.0,
        404
    );
    assert_eq!(
        call(&atlas, Method::PATCH, "settings", &json!({ "limit": 1 }))
            .await
            .0,
        400
    );
    assert_eq!(
        call(
            &atlas,
            Method::POST,
            "faults",
            &json!({ "outcome": "nonsense" })
        )
        .await
        .0,
        400
    );
    assert_eq!(
        call(&atlas, Method::DELETE, "certificates/1", &Value::Null)
            .await
            .0,
        404
    );
}
