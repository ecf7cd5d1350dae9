//! The control interface over HTTP.

use local_atlas::LocalAtlas;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{PROJECT, assert_members, atlas, client, issue_with, json};

async fn command(atlas: &LocalAtlas, body: Value) -> (u16, Value) {
    let url = format!("{}/local-atlas/", atlas.base_url());
    json(client(atlas).post(url).body(body.to_string()).send().await.unwrap()).await
}

async fn state(atlas: &LocalAtlas) -> Value {
    let url = format!("{}/local-atlas/", atlas.base_url());
    json(client(atlas).request(Method::GET, url).send().await.unwrap()).await.1
}

#[tokio::test]
async fn a_run_is_scripted_over_http() {
    let atlas = atlas();
    let user = json!({ "command": "addUser", "project": PROJECT, "user": "a/b" });
    assert_eq!(command(&atlas, user).await, (200, json!({})));
    let answer = json!({ "moment": "after", "answer": { "status": 500 } });
    let matching = json!({ "endpoint": "issueCertificate", "user": "a/b", "nth": 2 });
    let fault = json!({ "name": "second", "matching": matching, "outcome": { "answer": answer } });
    let added = command(&atlas, json!({ "command": "addFault", "fault": fault })).await.1;
    assert_eq!(issue_with(&atlas, "a%2Fb", "{}").await.0, 201);
    assert_eq!(issue_with(&atlas, "a%2Fb", "{}").await.0, 500);
    let advance = json!({ "command": "advanceClock", "days": 60, "seconds": 1 });
    assert_eq!(command(&atlas, advance).await.0, 200);
    let settings = json!({ "command": "changeSettings", "settings": { "certificateLimit": 2 } });
    assert_eq!(command(&atlas, settings).await.0, 200);
    assert_eq!(issue_with(&atlas, "a%2Fb", "{}").await.0, 400);

    let found = state(&atlas).await;
    let expected = json!({
        "/faults/0/id": added["id"],
        "/faults/0/usedUp": true,
        "/clock/offsetSeconds": 60 * 86_400 + 1,
        "/settings/certificateLimit": 2,
        "/settings/tokenLimit": 100,
        (format!("/projects/{PROJECT}/users/0")):
            { "database": "$external", "user": "a/b", "x509Type": "MANAGED" },
        "/requests/0/status": 201,
        "/requests/1/status": 500,
        "/requests/2/status": 400,
    });
    assert_members(&found, &expected);
    assert_eq!(found["requests"].as_array().unwrap().len(), 3, "control requests are not recorded");
    assert_eq!(found["certificates"].as_array().unwrap().len(), 2);
    let id = &found["certificates"][1]["id"];
    assert_eq!(command(&atlas, json!({ "command": "unlistCertificate", "id": id })).await.0, 200);
    assert_eq!(issue_with(&atlas, "a%2Fb", "{}").await.0, 201);
}

#[tokio::test]
async fn unknown_commands_members_and_ids_are_refused() {
    let atlas = atlas();
    for body in [
        json!({ "command": "nothing" }),
        json!({ "command": "setClock", "day": 1 }),
        json!({ "command": "changeSettings", "settings": { "limit": 1 } }),
        json!({ "command": "addFault", "fault": { "outcome": "nonsense" } }),
        json!({ "command": "unlistCertificate", "id": 1 }),
        json!({ "command": "releaseFault", "id": 1 }),
        Value::Null,
    ] {
        let (status, error) = command(&atlas, body.clone()).await;
        assert!(status == 400 && error["error"].is_string(), "{body}");
    }
}
