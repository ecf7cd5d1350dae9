//! The control interface over HTTP.

use local_atlas::LocalAtlas;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{PROJECT, atlas, client, issue_with, json};

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
    assert_eq!(
        (&found["faults"][0]["id"], &found["faults"][0]["usedUp"]),
        (&added["id"], &json!(true))
    );
    assert_eq!(found["clock"]["offsetSeconds"], 60 * 86_400 + 1);
    assert_eq!(
        (&found["settings"]["certificateLimit"], &found["settings"]["tokenLimit"]),
        (&json!(2), &json!(100))
    );
    assert_eq!(
        found["projects"][PROJECT]["users"][0],
        json!({ "database": "$external", "user": "a/b", "x509Type": "MANAGED" })
    );
    let statuses = found["requests"].as_array().unwrap().iter().map(|it| it["status"].clone());
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [201, 500, 400],
        "requests to the control interface are not recorded"
    );
    let ids: Vec<u64> = found["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        command(&atlas, json!({ "command": "unlistCertificate", "id": ids[1] })).await.0,
        200
    );
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
