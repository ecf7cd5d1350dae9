//! From where an object may come, and which objects may not.

use serde_json::json;
use tf_harness::{
    core::{Action, MoveSource},
    value::changed_attributes,
};

use super::{OFFICIAL, accepted, complete, config, refused, source, with};
use crate::support::{
    atlas::{PROJECT, atlas},
    played::{CERTIFICATE, Played},
};

#[tokio::test]
async fn the_source_is_known_by_namespace_and_type_whatever_the_host() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let state = complete(&atlas.control().issue(PROJECT, "app", 3));
    for address in [
        "mongodbatlas",
        "mongodb/mongodbatlas",
        "registry.terraform.io/mongodb/mongodbatlas",
        "registry.opentofu.org/mongodb/mongodbatlas",
        "mirror.example.com:8443/mongodb/mongodbatlas",
        // Hosts name our address for the second instance that moves in one plan.
        "registry.terraform.io/example/atlas",
    ] {
        let source = MoveSource { provider_address: address.into(), ..source(state.clone()) };
        accepted(&played, &source).await;
    }
    for (address, kind) in [
        ("registry.terraform.io/someone/mongodbatlas", OFFICIAL),
        ("registry.terraform.io/mongodb/mongodbatlas/", OFFICIAL),
        ("", OFFICIAL),
        ("registry.terraform.io/mongodb/mongodbatlas", "mongodbatlas_database_user"),
        ("registry.terraform.io/hashicorp/tls", "tls_private_key"),
        ("registry.terraform.io/hashicorp/tls", CERTIFICATE),
    ] {
        let source = MoveSource {
            provider_address: address.into(),
            type_name: kind.into(),
            schema_version: 7,
            ..source(state.clone())
        };
        let refusal = refused(&played, &source).await;
        for named in [address, kind, "schema version 7"] {
            assert!(refusal.contains(named), "{refusal}");
        }
    }
}

#[tokio::test]
async fn an_object_without_a_managed_user_is_refused_with_the_reason() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let complete = complete(&atlas.control().issue(PROJECT, "app", 3));
    for (change, reason) in [
        (
            json!({ "customer_x509_cas": "-----BEGIN CERTIFICATE-----", "current_certificate": "", "username": "" }),
            "Customer certificate authority",
        ),
        (json!({ "username": "" }), "username"),
        (json!({ "username": null }), "username"),
        (json!({ "username": "CN=app,OU=x" }), "distinguished name"),
        (json!({ "project_id": "nope" }), "project_id"),
        (json!({ "project_id": null }), "project_id"),
    ] {
        let refusal = refused(&played, &source(with(&complete, &change))).await;
        assert!(refusal.contains(reason), "{change}: {refusal}");
        assert!(!refusal.contains("PRIVATE KEY"), "no key in a refusal");
    }
}

#[tokio::test]
async fn our_own_kind_moves_between_addresses_as_it_is() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let ours = with(&config(), &json!({ "auto_renew": false, "timeouts": { "read": "1m" } }));
    let created = played.created(&ours).await;
    let mut source = MoveSource {
        provider_address: "registry.opentofu.org/another/atlas".into(),
        type_name: CERTIFICATE.into(),
        schema_version: 0,
        state: created.to_json()["attributes"].clone(),
        private: Vec::new(),
    };
    let moved = accepted(&played, &source).await;
    assert_eq!(changed_attributes(&created.state, &moved.state), Vec::<String>::new());
    assert_eq!(played.plan(Some(&moved), &ours).await.action, Action::NoOp);
    // Hosts name the official address for our type when a chain of moves began there.
    source.provider_address = "registry.terraform.io/mongodb/mongodbatlas".into();
    let moved = accepted(&played, &source).await;
    assert_eq!(changed_attributes(&created.state, &moved.state), Vec::<String>::new());
    source.schema_version = 1;
    assert!(refused(&played, &source).await.contains("schema version 1"));
}
