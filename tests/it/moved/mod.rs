//! Taking over the official provider's object: with its key, and without a certificate issued.

mod shapes;

use local_atlas::Certificate;
use serde_json::{Value as Json, json};
use tf_harness::core::{MoveSource, ResourceInstance};

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, TYPE, certificate, expect_warning, resource},
    in_process::InProcess,
    terraform::{cli_has, provider, version},
};

const OFFICIAL: &str = "mongodbatlas_x509_authentication_database_user";

#[test]
fn a_moved_block_takes_the_certificate_over_and_the_key_still_logs_in() {
    if !has_moves() {
        return;
    }
    let t = Fixture::new("");
    let issued = t.atlas.control().issue(PROJECT, "app", 3);
    write_official_state(&t, &json!([instance(None, &issued)]));
    t.set_config(&(certificate("") + &moved("app", "app")));
    let plan = t.workspace.plan(&[]).success().text();
    let has_moved = format!("{OFFICIAL}.app has moved to atlas_user_certificate.app");
    assert!(plan.contains(&has_moved), "{plan}");
    assert!(plan.contains("0 to add, 0 to change, 0 to destroy"), "{plan}");
    t.workspace.apply(&[]).success();
    assert_eq!(t.object()["issue_reason"], "moved");
    assert_eq!(t.log_in().expect("a login").certificate_id, issued.id.to_string());

    // From here on the old provider is not needed.
    t.workspace.override_providers(&[("example/atlas", provider())]).unwrap();
    t.set_config(&certificate(""));
    assert!(t.plans_nothing());
    let shown = t.destroy(&[]);
    let warning = expect_warning(&shown, "Destroying does not revoke the certificate");
    assert!(warning.contains(&issued.id.to_string()), "{shown:?}");
    assert_eq!((t.is_empty(), t.posts()), (true, 0));
}

/// `count` to `for_each`, and `for_each` with the same keys.
#[test]
fn five_instances_move_in_one_plan_to_new_keys_and_to_the_same_keys() {
    if !has_moves() {
        return;
    }
    let users = ["u0", "u1", "u2", "u3", "u4"];
    for same_keys in [false, true] {
        let t = Fixture::of(&users, "");
        let (mut instances, mut moves) = (Vec::new(), String::new());
        for (number, user) in users.iter().enumerate() {
            let key = if same_keys { json!(user) } else { json!(number) };
            let issued = t.atlas.control().issue(PROJECT, user, 3);
            moves += &moved(&format!("app[{key}]"), &format!("app[{user:?}]"));
            instances.push(instance(Some(key), &issued));
        }
        write_official_state(&t, &json!(instances));
        moves_without_a_change(&t, &users, &moves);
    }
}

#[test]
fn a_chain_of_moves_ends_at_its_last_address() {
    if !has_moves() {
        return;
    }
    let t = Fixture::of(&["u1"], "");
    let issued = t.atlas.control().issue(PROJECT, "u1", 3);
    write_official_state(&t, &json!([instance(None, &issued)]));
    let second = moved("x", "app[\"u1\"]").replace(OFFICIAL, TYPE);
    moves_without_a_change(&t, &["u1"], &(moved("app", "x") + &second));
}

fn has_moves() -> bool {
    cli_has("moves between types", 8, 10)
}

/// A `moved` block from the official resource.
fn moved(from: &str, to: &str) -> String {
    format!("moved {{\n  from = {OFFICIAL}.{from}\n  to = atlas_user_certificate.{to}\n}}\n")
}

#[track_caller]
fn moves_without_a_change(t: &Fixture, users: &[&str], moves: &str) {
    let all = format!("for_each = toset({users:?})\n  username = each.key");
    t.set_config(&(resource("app", &all) + moves));
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("0 to add, 0 to change, 0 to destroy"), "{plan}");
    t.workspace.apply(&[]).success();
    let objects = t.workspace.instances(TYPE);
    let has_key = |it: &&Json| it["combined_pem"].is_string() && it["issue_reason"] == "moved";
    assert_eq!(objects.iter().filter(has_key).count(), users.len());
    assert_eq!((objects.len(), t.posts()), (users.len(), 0));
}

/// State with instances of the official resource, and both providers. Of the old provider the move needs no more than that
/// it starts and has a schema.
fn write_official_state(t: &Fixture, instances: &Json) {
    let overrides = [("example/atlas", provider()), ("mongodb/mongodbatlas", provider())];
    t.workspace.override_providers(&overrides).unwrap();
    let host = if version().tofu { "registry.opentofu.org" } else { "registry.terraform.io" };
    let state = json!({
        "version": 4,
        "terraform_version": "1.8.0",
        "serial": 1,
        "lineage": "5d3f1a0e-6c35-4c0f-9d53-4a1c2a3e7f10",
        "outputs": {},
        "resources": [{
            "mode": "managed",
            "type": OFFICIAL,
            "name": "app",
            "provider": format!("provider[\"{host}/mongodb/mongodbatlas\"]"),
            "instances": instances,
        }],
        "check_results": null
    });
    t.workspace.write("terraform.tfstate", &state.to_string()).unwrap();
}

fn instance(key: Option<Json>, certificate: &Certificate) -> Json {
    let mut instance = json!({
        "schema_version": 0,
        "attributes": complete(certificate),
        "sensitive_attributes": [],
        "private": "bnVsbA=="
    });
    if let Some(key) = key {
        instance["index_key"] = key;
    }
    instance
}

/// The instance that a move gives. The only warning is about a key that is missing.
async fn accepted(host: &InProcess, source: &MoveSource) -> ResourceInstance {
    let moved = host.command().await.move_from(source).await.unwrap();
    let instance = moved.instance.expect("an instance");
    let titles: Vec<_> = moved.diagnostics.iter().map(|it| it.summary.as_str()).collect();
    let keyless = instance.state["combined_pem"].is_null();
    assert_eq!(titles, Vec::from_iter(keyless.then_some("Moved without its private key")));
    instance
}

fn source(state: Json) -> MoveSource {
    MoveSource {
        provider_address: "registry.terraform.io/mongodb/mongodbatlas".into(),
        type_name: OFFICIAL.into(),
        schema_version: 0,
        state,
        private: b"{\"e2bfb730-ecaa-11e6-8f88-34363bc7c4c0\":{\"create\":3600000000000}}".to_vec(),
    }
}

/// State as the official provider leaves it behind after it issued this certificate.
fn complete(certificate: &Certificate) -> Json {
    json!({
        "id": "cHJvamVjdF9pZA==:MzJi-c2VyaWFsX251bWJlcg==:MQ==-dXNlcm5hbWU=:YXBw",
        "project_id": PROJECT,
        "username": certificate.user,
        "months_until_expiration": certificate.months,
        "customer_x509_cas": null,
        "current_certificate": certificate.combined_pem(),
        "certificates": [{
            "id": certificate.id,
            "created_at": certificate.created_at.to_string(),
            "group_id": PROJECT,
            "not_after": certificate.not_after.to_string(),
            "subject": "CN=app",
        }],
    })
}
