//! Taking over the official provider's object: with its key, and without a certificate issued.

mod shapes;
mod sources;

use local_atlas::Certificate;
use serde_json::{Value as Json, json};
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
    let workspace = workspace(&atlas, "");
    // Of the old provider the move needs no more than that it starts and has a schema.
    workspace
        .override_providers(&[
            ("example/atlas", provider()),
            ("mongodb/mongodbatlas", provider()),
        ])
        .unwrap();
    let host = if version().tofu {
        "registry.opentofu.org"
    } else {
        "registry.terraform.io"
    };
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
            "instances": [{
                "schema_version": 0,
                "attributes": complete(&certificate),
                "sensitive_attributes": [],
                "private": "bnVsbA=="
            }]
        }],
        "check_results": null
    });
    workspace
        .write("terraform.tfstate", &state.to_string())
        .unwrap();
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
        plan.contains(&format!(
            "{OFFICIAL}.app has moved to atlas_user_certificate.app"
        )),
        "{plan}"
    );
    assert!(
        plan.contains("0 to add, 0 to change, 0 to destroy"),
        "{plan}"
    );
    workspace.apply(&[]).success();
    let object = workspace.instances(CERTIFICATE).remove(0);
    assert_eq!(object["issue_reason"], "moved");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let logged_in = runtime
        .block_on(atlas.log_in(object["combined_pem"].as_str().unwrap()))
        .expect("a login");
    assert_eq!(logged_in.certificate_id, certificate.id.to_string());

    // From here on the old provider is not needed.
    workspace
        .override_providers(&[("example/atlas", provider())])
        .unwrap();
    write_main(&workspace, &resource);
    assert!(workspace.plans_nothing());
    let farewell = diagnostics(&workspace.destroy(&["-json"]).success());
    assert!(
        farewell
            .iter()
            .any(|shown| shown.contains(&certificate.id.to_string())),
        "{farewell:?}"
    );
    assert!(workspace.instances(CERTIFICATE).is_empty());
    assert_eq!(posts(&atlas), 0);
}

/// The instance that a move gives, configured anew as the plan walk is.
async fn accepted(played: &Played, source: &MoveSource) -> ResourceInstance {
    let Imported {
        instance,
        diagnostics,
    } = played.command().await.move_from(source).await.unwrap();
    let instance = instance.expect("an instance");
    // Only a key that did not come along is worth a word.
    let words = ["Moved without its private key"];
    let keyless = instance.state["combined_pem"].is_null();
    let shown: Vec<_> = diagnostics.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!(
        shown,
        if keyless { &words[..] } else { &[] },
        "{diagnostics}"
    );
    instance
}

async fn refused(played: &Played, source: &MoveSource) -> String {
    let Imported {
        instance,
        diagnostics,
    } = played
        .resource(CERTIFICATE)
        .move_from(source)
        .await
        .unwrap();
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
        "username": "app",
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
