//! From where an object may come, and which objects may not.

use serde_json::json;
use tf_harness::{
    core::{Action, MoveSource},
    value::changed_attributes,
};

use super::{OFFICIAL, accepted, complete, source};
use crate::support::{
    atlas::PROJECT,
    fixture::TYPE,
    in_process::{InProcess, config, in_process, with},
};

#[tokio::test]
async fn the_source_is_known_by_namespace_and_type_whatever_the_host() {
    let (atlas, host) = in_process(&["app"]).await;
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
        accepted(&host, &source).await;
    }
    for (address, kind) in [
        ("registry.terraform.io/someone/mongodbatlas", OFFICIAL),
        ("registry.terraform.io/mongodb/mongodbatlas/", OFFICIAL),
        ("", OFFICIAL),
        ("registry.terraform.io/mongodb/mongodbatlas", "mongodbatlas_database_user"),
        ("registry.terraform.io/hashicorp/tls", "tls_private_key"),
        ("registry.terraform.io/hashicorp/tls", TYPE),
    ] {
        let (provider_address, type_name) = (address.to_owned(), kind.to_owned());
        let source = source(state.clone());
        let source = MoveSource { provider_address, type_name, schema_version: 7, ..source };
        let refusal = refused(&host, &source).await;
        for named in ["Resource cannot be moved here", address, kind, "schema version 7"] {
            assert!(refusal.contains(named), "{refusal}");
        }
    }
}

#[tokio::test]
async fn an_object_without_a_managed_user_is_refused_with_the_reason() {
    let (atlas, host) = in_process(&["app"]).await;
    let complete = complete(&atlas.control().issue(PROJECT, "app", 3));
    let customer_authority =
        json!({ "customer_x509_cas": "-----BEGIN CERTIFICATE-----", "current_certificate": "" });
    let title = "Object cannot be moved";
    for (change, title, reason) in [
        (customer_authority, "Customer certificate authority cannot be moved", "official provider"),
        (json!({ "username": "" }), title, "username"),
        (json!({ "username": null }), title, "username"),
        (json!({ "username": "CN=app,OU=x" }), title, "distinguished name"),
        (json!({ "project_id": "nope" }), title, "project_id"),
        (json!({ "project_id": null }), title, "project_id"),
    ] {
        let refusal = refused(&host, &source(with(&complete, change))).await;
        assert!(refusal.contains(title) && refusal.contains(reason), "{refusal}");
        assert!(!refusal.contains("PRIVATE KEY"), "no key in a refusal");
    }
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
    let refusal = refused(&host, &source).await;
    assert!(refusal.contains("State of another version") && refusal.contains("schema version 1"));
}

async fn refused(host: &InProcess, source: &MoveSource) -> String {
    let moved = host.resource(TYPE).move_from(source).await.unwrap();
    assert!(moved.instance.is_none() && moved.diagnostics.has_errors());
    moved.diagnostics.to_string()
}
