//! The shapes that the official provider's state may have; `shapes.json` lists them as changes of a complete object.

use local_atlas::Certificate;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, MoveSource},
    value::changed_attributes,
};

use super::{accepted, complete, source};
use crate::support::{
    atlas::PROJECT,
    fixture::{TYPE, days, posts},
    in_process::{config, in_process, titled, with},
};

#[tokio::test]
async fn every_shape_with_a_certificate_keeps_its_key_and_plans_nothing_but_the_move() {
    let (atlas, host) = in_process(&["app"]).await;
    let issued = atlas.control().issue(PROJECT, "app", 3);
    for (shape, state) in shapes("with a certificate", &complete(&issued), [&issued, &issued]) {
        let mut moved = Some(accepted(&host, &source(state)).await);
        let object = moved.clone().unwrap().state;
        for (name, expected) in [
            ("combined_pem", json!(issued.combined_pem())),
            ("certificate_id", json!(issued.id.to_string())),
            ("serial_number", json!(issued.serial)),
            ("id", json!(format!("{PROJECT}/app"))),
            ("months_until_expiration", json!(3)),
            ("issue_reason", json!("moved")),
            ("has_private_key", json!(true)),
        ] {
            assert_eq!(object[name], expected, "{shape}: {name}");
        }
        assert!(object["issuer"].is_string() && object["fingerprint_sha256"].is_string());
        for config in [config("app"), with(&config("app"), json!({ "months_until_expiration": 3 }))]
        {
            assert_eq!(host.plan(moved.as_ref(), &config).await.action, Action::NoOp, "{shape}");
        }
        assert_eq!(host.refresh(&mut moved).await.changed, Vec::<String>::new(), "{shape}");
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn every_shape_without_a_certificate_becomes_what_an_import_would_give() {
    let (atlas, host) = in_process(&["app"]).await;
    let older = atlas.control().issue(PROJECT, "app", 6);
    atlas.control().advance(std::time::Duration::from_secs(3600));
    let newer = atlas.control().issue(PROJECT, "app", 3);
    let empty = json!({ "current_certificate": "", "months_until_expiration": 0 });
    let empty = with(&complete(&newer), empty);
    for (shape, state) in shapes("without a certificate", &empty, [&older, &newer]) {
        let mut moved = Some(accepted(&host, &source(state)).await);
        assert_eq!(moved.as_ref().unwrap().state["has_private_key"], false, "{shape}");
        host.refresh(&mut moved).await;
        let object = &moved.as_ref().unwrap().state;
        assert_eq!(object["certificate_id"], newer.id.to_string(), "{shape}");
        assert_eq!(object["months_until_expiration"], 3, "{shape}");
        assert_eq!(object["status"], "active", "{shape}");
        assert!(object["combined_pem"].is_null(), "{shape}");
        assert_eq!(host.apply(&mut moved, &config("app")).await.action, Action::NoOp, "{shape}");
        let rotated = with(&config("app"), json!({ "months_until_expiration": 6 }));
        let plan = host.plan(moved.as_ref(), &rotated).await;
        assert_eq!(plan.planned["issue_reason"], "validity_changed", "{shape}");
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn with_no_certificate_anywhere_the_next_apply_issues_one() {
    let (atlas, host) = in_process(&["app"]).await;
    let state = json!({ "id": "x", "project_id": PROJECT, "username": "app", "current_certificate": "", "months_until_expiration": 0, "certificates": [] });
    let mut moved = Some(accepted(&host, &source(state)).await);
    let outcome = host.apply(&mut moved, &config("app")).await.ok().unwrap();
    assert!(outcome.diagnostics.find("Atlas lists no certificate").is_some());
    let object = &moved.as_ref().unwrap().state;
    assert_eq!(object["has_private_key"], true);
    assert_eq!(object["months_until_expiration"], 3);
    assert_eq!(object["superseded_certificates"], json!([]));
    let again = host.plan(moved.as_ref(), &config("app")).await;
    assert_eq!((posts(&atlas), again.action), (1, Action::NoOp));
}

#[tokio::test]
async fn a_move_into_an_open_window_renews_and_lists_the_old_certificate_as_superseded() {
    let (atlas, host) = in_process(&["app"]).await;
    let issued = atlas.control().issue(PROJECT, "app", 3);
    atlas.control().advance(days(70));
    let mut moved = Some(accepted(&host, &source(complete(&issued))).await);
    let outcome = host.apply(&mut moved, &config("app")).await.ok().unwrap();
    assert_eq!(outcome.plan.planned["issue_reason"], "renewal");
    let superseded = &moved.as_ref().unwrap().state["superseded_certificates"];
    assert_eq!(superseded[0]["certificate_id"], issued.id.to_string());
    assert_eq!(posts(&atlas), 1);
}

#[tokio::test]
async fn a_response_that_is_no_certificate_with_its_key_is_kept_unchanged() {
    let (atlas, host) = in_process(&["app"]).await;
    let issued = atlas.control().issue(PROJECT, "app", 3);
    for odd in ["garbage", &issued.certificate_pem, &issued.key_pem] {
        let state = with(&complete(&issued), json!({ "current_certificate": odd }));
        let mut moved = host.resource(TYPE).move_from(&source(state)).await.unwrap();
        titled(&moved.diagnostics, "Moved certificate cannot be read");
        assert_eq!(moved.instance.as_ref().unwrap().state["combined_pem"], odd);
        let action = host.apply(&mut moved.instance, &config("app")).await.action;
        assert_eq!(action, Action::NoOp);
        assert_eq!(moved.instance.unwrap().state["combined_pem"], odd);
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn our_own_type_moves_between_addresses_unchanged() {
    let (_atlas, host) = in_process(&["app"]).await;
    let ours = with(&config("app"), json!({ "auto_renew": false, "timeouts": { "read": "1m" } }));
    let created = host.created(&ours).await;
    let mut source = MoveSource {
        type_name: TYPE.into(),
        private: Vec::new(),
        ..source(created.to_json()["attributes"].clone())
    };
    // Hosts name the official address for our type when a chain of moves began there.
    for address in
        ["registry.opentofu.org/another/atlas", "registry.terraform.io/mongodb/mongodbatlas"]
    {
        source.provider_address = address.into();
        let moved = accepted(&host, &source).await;
        assert_eq!(changed_attributes(&created.state, &moved.state), Vec::<String>::new());
        assert_eq!(host.plan(Some(&moved), &ours).await.action, Action::NoOp);
    }
    source.schema_version = 1;
    let refused = host.resource(TYPE).move_from(&source).await.unwrap();
    assert!(titled(&refused.diagnostics, "State of another version").contains("schema version 1"));
}

/// The shapes of a group: changes of `base`, or whole objects, with the values of these certificates.
fn shapes(group: &str, base: &Json, [older, newer]: [&Certificate; 2]) -> Vec<(String, Json)> {
    let pem = json!(newer.combined_pem()).to_string();
    let mut text = include_str!("shapes.json").replace("$PEM", pem.trim_matches('"'));
    text = text.replace("$PROJECT", PROJECT);
    for (name, certificate) in [("OLDER", older), ("NEWER", newer)] {
        text = text
            .replace(&format!("\"#{name}\""), &certificate.id.to_string())
            .replace(&format!("${name}_CREATED"), &certificate.created_at.to_string())
            .replace(&format!("${name}_EXPIRY"), &certificate.not_after.to_string())
            .replace(&format!("${name}"), &certificate.id.to_string());
    }
    let groups: Json = serde_json::from_str(&text).expect("valid JSON");
    let shapes = groups[group].as_object().expect("a group").clone().into_iter();
    let state = |shape: Json| {
        if shape.get("project_id").is_some() { shape } else { with(base, shape) }
    };
    shapes.map(|(name, shape)| (name, state(shape))).collect()
}
