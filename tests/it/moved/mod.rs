//! Taking over the official provider's object: with its key, and without a certificate issued.

mod shapes;
mod sources;

use local_atlas::{Certificate, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_harness::cli::Workspace;
use tf_harness::core::{Imported, MoveSource, ResourceInstance};

use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::diagnostics,
    fixture::posts,
    played::{CERTIFICATE, Played},
    terraform::{cli_has, provider, version, workspace, write_main},
};

const OFFICIAL: &str = "mongodbatlas_x509_authentication_database_user";

#[test]
fn a_moved_block_takes_the_certificate_over_and_the_key_still_logs_in() {
    if !cli_has("moves between types", 8, 10) {
        return;
    }
    let atlas = atlas(&["app"]);
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    let workspace = with_official_state(&atlas, &json!([instance(None, &certificate)]));
    let resource = format!(
        "provider \"atlas\" {{}}\n\nresource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n\n"
    );
    write_main(
        &workspace,
        &format!(
            "{resource}moved {{\n  from = {OFFICIAL}.app\n  to = atlas_user_certificate.app\n}}\n"
        ),
    );

    let plan = workspace.plan(&[]).success().text();
    assert!(
        plan.contains(&format!("{OFFICIAL}.app has moved to atlas_user_certificate.app")),
        "{plan}"
    );
    assert!(plan.contains("0 to add, 0 to change, 0 to destroy"), "{plan}");
    workspace.apply(&[]).success();
    let object = workspace.instances(CERTIFICATE).remove(0);
    assert_eq!(object["issue_reason"], "moved");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let logged_in =
        runtime.block_on(atlas.log_in(object["combined_pem"].as_str().unwrap())).expect("a login");
    assert_eq!(logged_in.certificate_id, certificate.id.to_string());

    // From here on the old provider is not needed.
    workspace.override_providers(&[("example/atlas", provider())]).unwrap();
    write_main(&workspace, &resource);
    assert!(workspace.plans_nothing());
    let destroy_warning = diagnostics(&workspace.destroy(&["-json"]).success());
    assert!(
        destroy_warning.iter().any(|shown| shown.contains(&certificate.id.to_string())),
        "{destroy_warning:?}"
    );
    assert!(workspace.instances(CERTIFICATE).is_empty());
    assert_eq!(posts(&atlas), 0);
}

/// `count` to `for_each`, and `for_each` with the same keys.
#[test]
fn five_instances_move_in_one_plan_to_new_keys_and_to_the_same_keys() {
    if !version().has(8, 10) {
        eprintln!("skipped: moves between types need Terraform 1.8 or OpenTofu 1.10");
        return;
    }
    let users = ["u0", "u1", "u2", "u3", "u4"];
    for same_keys in [false, true] {
        let atlas = atlas(&users);
        let key = |number: usize| {
            if same_keys { json!(users[number]) } else { json!(number) }
        };
        let certificates: Vec<_> =
            users.iter().map(|user| atlas.control().issue(PROJECT, user, 3)).collect();
        let instances: Vec<_> = certificates
            .iter()
            .enumerate()
            .map(|(number, certificate)| instance(Some(key(number)), certificate))
            .collect();
        let workspace = with_official_state(&atlas, &json!(instances));
        let moves: Vec<String> = users
            .iter()
            .enumerate()
            .map(|(number, user)| {
                format!("moved {{\n  from = {OFFICIAL}.app[{}]\n  to = atlas_user_certificate.app[{user:?}]\n}}\n", key(number))
            })
            .collect();
        moves_without_a_change(&workspace, &users, &moves.concat());
        assert_eq!(posts(&atlas), 0);
    }
}

#[test]
fn a_chain_of_moves_ends_at_its_last_address() {
    if !version().has(8, 10) {
        eprintln!("skipped: moves between types need Terraform 1.8 or OpenTofu 1.10");
        return;
    }
    let atlas = atlas(&["u1"]);
    let certificate = atlas.control().issue(PROJECT, "u1", 3);
    let workspace = with_official_state(&atlas, &json!([instance(None, &certificate)]));
    let moves = format!(
        "moved {{\n  from = {OFFICIAL}.app\n  to = atlas_user_certificate.x\n}}\n\
         moved {{\n  from = atlas_user_certificate.x\n  to = atlas_user_certificate.app[\"u1\"]\n}}\n"
    );
    moves_without_a_change(&workspace, &["u1"], &moves);
    assert_eq!(posts(&atlas), 0);
}

#[track_caller]
fn moves_without_a_change(workspace: &Workspace, users: &[&str], moves: &str) {
    let resource = format!(
        "provider \"atlas\" {{}}\n\nresource \"atlas_user_certificate\" \"app\" {{\n  for_each = toset({users:?})\n  project_id = {PROJECT:?}\n  \
         username = each.key\n}}\n\n"
    );
    write_main(workspace, &format!("{resource}{moves}"));
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("0 to add, 0 to change, 0 to destroy"), "{plan}");
    workspace.apply(&[]).success();
    let objects = workspace.instances(CERTIFICATE);
    assert_eq!(objects.len(), users.len());
    assert!(
        objects
            .iter()
            .all(|object| object["combined_pem"].is_string() && object["issue_reason"] == "moved")
    );
}

/// A workspace with both providers, and state with instances of the official resource. Of the old provider the move needs no
/// more than that it starts and has a schema.
fn with_official_state(atlas: &LocalAtlas, instances: &Json) -> Workspace {
    let workspace = workspace(atlas, "");
    workspace
        .override_providers(&[("example/atlas", provider()), ("mongodb/mongodbatlas", provider())])
        .unwrap();
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
    workspace.write("terraform.tfstate", &state.to_string()).unwrap();
    workspace
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

/// The instance that a move gives, configured again as in the plan phase.
async fn accepted(played: &Played, source: &MoveSource) -> ResourceInstance {
    let Imported { instance, diagnostics } =
        played.command().await.move_from(source).await.unwrap();
    let instance = instance.expect("an instance");
    // Only a key that did not come along is worth a word.
    let words = ["Moved without its private key"];
    let keyless = instance.state["combined_pem"].is_null();
    let shown: Vec<_> = diagnostics.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!(shown, if keyless { &words[..] } else { &[] }, "{diagnostics}");
    instance
}

async fn refused(played: &Played, source: &MoveSource) -> String {
    let Imported { instance, diagnostics } =
        played.resource(CERTIFICATE).move_from(source).await.unwrap();
    assert!(instance.is_none() && diagnostics.has_errors());
    diagnostics.to_string()
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

fn config() -> Json {
    json!({ "project_id": PROJECT, "username": "app" })
}

fn with(object: &Json, changes: &Json) -> Json {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}
