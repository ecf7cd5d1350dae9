//! What the official provider's state may look like.

use local_atlas::Certificate;
use serde_json::{Value as Json, json};
use tf_harness::core::Action;

use super::{accepted, complete, config, posts, source, with};
use crate::support::{
    atlas::{PROJECT, atlas},
    fixture::days,
    played::{CERTIFICATE, Played},
};

#[tokio::test]
async fn every_shape_with_a_certificate_keeps_its_key_and_plans_nothing_but_the_move() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    let pem = certificate.combined_pem();
    let complete = complete(&certificate);
    let listed = |id: Json| json!([{ "id": id, "created_at": "2020-01-01T00:00:00Z", "group_id": PROJECT, "not_after": "2020-04-01T01:00:00Z", "subject": "CN=app" }]);
    let shapes = [
        ("as 2.16 writes it", complete.clone()),
        (
            "nulls for what is absent",
            with(&complete, &json!({ "customer_x509_cas": null, "certificates": null })),
        ),
        (
            "empty texts for what is absent",
            with(&complete, &json!({ "customer_x509_cas": "", "certificates": [] })),
        ),
        (
            "an id that holds the key",
            with(&complete, &json!({ "id": format!("current_certificate:{pem}") })),
        ),
        ("no id", with(&complete, &json!({ "id": null }))),
        ("months of zero", with(&complete, &json!({ "months_until_expiration": 0 }))),
        ("months of null", with(&complete, &json!({ "months_until_expiration": null }))),
        (
            "other certificates listed last",
            with(&complete, &json!({ "certificates": listed(json!(9_007_199_254_740_993_u64)) })),
        ),
        (
            "certificates listed as texts",
            with(&complete, &json!({ "certificates": listed(json!("12")) })),
        ),
        (
            "attributes of a later version",
            with(
                &complete,
                &json!({ "delete_on_create_timeout": true, "timeouts": { "create": "5m" } }),
            ),
        ),
        (
            "nothing but the key",
            json!({ "project_id": PROJECT, "username": "app", "current_certificate": pem }),
        ),
    ];
    for (shape, state) in shapes {
        let mut moved = Some(accepted(&played, &source(state)).await);
        let object = moved.clone().unwrap().state;
        assert_eq!(object["combined_pem"], pem.as_str(), "{shape}");
        assert_eq!(object["certificate_id"], certificate.id.to_string().as_str(), "{shape}");
        assert_eq!(object["serial_number"], certificate.serial.as_str(), "{shape}");
        assert_eq!(object["id"], format!("{PROJECT}/app").as_str(), "{shape}");
        assert_eq!(object["months_until_expiration"], 3_i64, "{shape}");
        assert_eq!(object["issue_reason"], "moved", "{shape}");
        assert_eq!(object["has_private_key"], true, "{shape}");
        assert!(!object["issuer"].is_null() && !object["fingerprint_sha256"].is_null(), "{shape}");
        for config in [config(), with(&config(), &json!({ "months_until_expiration": 3 }))] {
            assert_eq!(played.plan(moved.as_ref(), &config).await.action, Action::NoOp, "{shape}");
        }
        assert_eq!(played.refresh(&mut moved).await.changed, Vec::<String>::new(), "{shape}");
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn every_shape_without_a_certificate_becomes_what_an_import_would_give() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let older = atlas.control().issue(PROJECT, "app", 6);
    atlas.control().advance(std::time::Duration::from_secs(3600));
    let newer = atlas.control().issue(PROJECT, "app", 3);
    let list = |id: &dyn Fn(&Certificate) -> Json| {
        let entry = |c: &Certificate| json!({ "id": id(c), "created_at": c.created_at.to_string(), "group_id": PROJECT, "not_after": c.not_after.to_string(), "subject": "CN=app" });
        json!([entry(&older), entry(&newer)])
    };
    let empty = with(
        &complete(&newer),
        &json!({ "current_certificate": "", "months_until_expiration": 0 }),
    );
    for (shape, state) in [
        ("numbers", with(&empty, &json!({ "certificates": list(&|c| json!(c.id)) }))),
        ("texts", with(&empty, &json!({ "certificates": list(&|c| json!(c.id.to_string())) }))),
        ("null", with(&empty, &json!({ "certificates": null, "current_certificate": null }))),
        (
            "what cannot be read",
            with(
                &empty,
                &json!({ "certificates": [{ "id": 1.5e300 }, { "id": "x", "created_at": "soon" }, 7] }),
            ),
        ),
    ] {
        let mut moved = Some(accepted(&played, &source(state)).await);
        assert_eq!(moved.as_ref().unwrap().state["has_private_key"], false, "{shape}");
        played.refresh(&mut moved).await;
        let object = &moved.as_ref().unwrap().state;
        assert_eq!(object["certificate_id"], newer.id.to_string().as_str(), "{shape}");
        assert_eq!(object["months_until_expiration"], 3_i64, "{shape}");
        assert_eq!(object["status"], "active", "{shape}");
        assert!(object["combined_pem"].is_null(), "{shape}");
        assert_eq!(played.apply(&mut moved, &config()).await.action, Action::NoOp, "{shape}");
        let rotated = with(&config(), &json!({ "months_until_expiration": 6 }));
        let plan = played.plan(moved.as_ref(), &rotated).await;
        assert_eq!(plan.planned["issue_reason"], "validity_changed", "{shape}");
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn with_no_certificate_anywhere_the_next_apply_issues_one() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let state = json!({ "id": "x", "project_id": PROJECT, "username": "app", "current_certificate": "", "months_until_expiration": 0, "certificates": [] });
    let mut moved = Some(accepted(&played, &source(state)).await);
    let outcome = played.apply(&mut moved, &config()).await;
    assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics);
    assert!(
        outcome.diagnostics.find("Atlas lists no certificate").is_some(),
        "{}",
        outcome.diagnostics
    );
    let object = &moved.as_ref().unwrap().state;
    assert_eq!(
        (&object["has_private_key"], &object["months_until_expiration"]),
        (&true.into(), &3_i64.into())
    );
    assert_eq!(object["superseded_certificates"].as_array().unwrap().len(), 0);
    assert_eq!(
        (posts(&atlas), played.plan(moved.as_ref(), &config()).await.action),
        (1, Action::NoOp)
    );
}

#[tokio::test]
async fn a_move_into_an_open_window_renews_and_keeps_the_old_one_in_the_ledger() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    atlas.control().advance(days(70));
    let mut moved = Some(accepted(&played, &source(complete(&certificate))).await);
    let outcome = played.apply(&mut moved, &config()).await.ok().unwrap();
    assert_eq!(outcome.plan.planned["issue_reason"], "renewal");
    let object = &moved.as_ref().unwrap().state;
    assert_eq!(
        object["superseded_certificates"][0]["certificate_id"],
        certificate.id.to_string().as_str()
    );
    assert_eq!(posts(&atlas), 1);
}

#[tokio::test]
async fn a_response_that_is_no_certificate_with_its_key_is_kept_unchanged() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    for odd in
        ["garbage".to_owned(), certificate.certificate_pem.clone(), certificate.key_pem.clone()]
    {
        let state = with(&complete(&certificate), &json!({ "current_certificate": odd }));
        let answer = played.resource(CERTIFICATE).move_from(&source(state)).await.unwrap();
        assert!(
            answer.diagnostics.find("Moved certificate cannot be read").is_some(),
            "{}",
            answer.diagnostics
        );
        let mut moved = answer.instance;
        assert_eq!(moved.as_ref().unwrap().state["combined_pem"], odd.as_str());
        assert_eq!(played.apply(&mut moved, &config()).await.action, Action::NoOp);
        assert_eq!(moved.as_ref().unwrap().state["combined_pem"], odd.as_str());
    }
    assert_eq!(posts(&atlas), 0);
}
