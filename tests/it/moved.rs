//! Taking over the official provider's object: with its key, and without a certificate issued.

use local_atlas::{Certificate, Endpoint, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_host::core::{Action, Imported, MoveSource, ResourceInstance};

use crate::support::{
    atlas::{PROJECT, atlas},
    played::{CERTIFICATE, Played},
    terraform::{provider, version, workspace, write_main},
    told::told,
};

const OFFICIAL: &str = "mongodbatlas_x509_authentication_database_user";

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
            with(
                &complete,
                &json!({ "customer_x509_cas": null, "certificates": null }),
            ),
        ),
        (
            "empty texts for what is absent",
            with(
                &complete,
                &json!({ "customer_x509_cas": "", "certificates": [] }),
            ),
        ),
        (
            "an id that holds the key",
            with(
                &complete,
                &json!({ "id": format!("current_certificate:{pem}") }),
            ),
        ),
        ("no id", with(&complete, &json!({ "id": null }))),
        (
            "months of zero",
            with(&complete, &json!({ "months_until_expiration": 0 })),
        ),
        (
            "months of null",
            with(&complete, &json!({ "months_until_expiration": null })),
        ),
        (
            "other certificates listed last",
            with(
                &complete,
                &json!({ "certificates": listed(json!(9_007_199_254_740_993_u64)) }),
            ),
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
        assert_eq!(
            object["certificate_id"],
            certificate.id.to_string().as_str(),
            "{shape}"
        );
        assert_eq!(
            object["serial_number"],
            certificate.serial.as_str(),
            "{shape}"
        );
        assert_eq!(object["id"], format!("{PROJECT}/app").as_str(), "{shape}");
        assert_eq!(object["months_until_expiration"], 3_i64, "{shape}");
        assert_eq!(object["issue_reason"], "moved", "{shape}");
        assert_eq!(object["has_private_key"], true, "{shape}");
        assert!(
            !object["issuer"].is_null() && !object["fingerprint_sha256"].is_null(),
            "{shape}"
        );
        for config in [
            config(),
            with(&config(), &json!({ "months_until_expiration": 3 })),
        ] {
            assert_eq!(
                played.plan(moved.as_ref(), &config).await.action,
                Action::NoOp,
                "{shape}"
            );
        }
        assert_eq!(
            played.refresh(&mut moved).await.changed,
            Vec::<String>::new(),
            "{shape}"
        );
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn every_shape_without_a_certificate_becomes_what_an_import_would_give() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let older = atlas.control().issue(PROJECT, "app", 6);
    atlas
        .control()
        .advance(std::time::Duration::from_secs(3600));
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
        (
            "numbers",
            with(&empty, &json!({ "certificates": list(&|c| json!(c.id)) })),
        ),
        (
            "texts",
            with(
                &empty,
                &json!({ "certificates": list(&|c| json!(c.id.to_string())) }),
            ),
        ),
        (
            "null",
            with(
                &empty,
                &json!({ "certificates": null, "current_certificate": null }),
            ),
        ),
        (
            "what cannot be read",
            with(
                &empty,
                &json!({ "certificates": [{ "id": 1.5e300 }, { "id": "x", "created_at": "soon" }, 7] }),
            ),
        ),
    ] {
        let mut moved = Some(accepted(&played, &source(state)).await);
        assert_eq!(
            moved.as_ref().unwrap().state["has_private_key"],
            false,
            "{shape}"
        );
        played.refresh(&mut moved).await;
        let object = &moved.as_ref().unwrap().state;
        assert_eq!(
            object["certificate_id"],
            newer.id.to_string().as_str(),
            "{shape}"
        );
        assert_eq!(object["months_until_expiration"], 3_i64, "{shape}");
        assert_eq!(object["status"], "active", "{shape}");
        assert!(object["combined_pem"].is_null(), "{shape}");
        assert_eq!(
            played.apply(&mut moved, &config()).await.action,
            Action::NoOp,
            "{shape}"
        );
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
        outcome
            .diagnostics
            .find("Atlas lists no certificate")
            .is_some(),
        "{}",
        outcome.diagnostics
    );
    let object = &moved.as_ref().unwrap().state;
    assert_eq!(
        (
            &object["has_private_key"],
            &object["months_until_expiration"]
        ),
        (&true.into(), &3_i64.into())
    );
    assert_eq!(
        object["superseded_certificates"].elements().unwrap().len(),
        0
    );
    assert_eq!(
        (
            posts(&atlas),
            played.plan(moved.as_ref(), &config()).await.action
        ),
        (1, Action::NoOp)
    );
}

#[tokio::test]
async fn a_move_into_an_open_window_renews_and_keeps_the_old_one_in_the_ledger() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    atlas
        .control()
        .advance(std::time::Duration::from_secs(70 * 24 * 60 * 60));
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
async fn what_is_no_certificate_with_its_key_is_kept_as_it_is_and_left_alone() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    for odd in [
        "garbage".to_owned(),
        certificate.certificate_pem.clone(),
        certificate.key_pem.clone(),
    ] {
        let state = with(
            &complete(&certificate),
            &json!({ "current_certificate": odd }),
        );
        let answer = played
            .resource(CERTIFICATE)
            .move_from(&source(state))
            .await
            .unwrap();
        assert!(
            answer
                .diagnostics
                .find("Moved certificate cannot be read")
                .is_some(),
            "{}",
            answer.diagnostics
        );
        let mut moved = answer.instance;
        assert_eq!(moved.as_ref().unwrap().state["combined_pem"], odd.as_str());
        assert_eq!(
            played.apply(&mut moved, &config()).await.action,
            Action::NoOp
        );
        assert_eq!(moved.as_ref().unwrap().state["combined_pem"], odd.as_str());
    }
    assert_eq!(posts(&atlas), 0);
}

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
    ] {
        let source = MoveSource {
            provider_address: address.into(),
            ..source(state.clone())
        };
        accepted(&played, &source).await;
    }
    for (address, kind) in [
        ("registry.terraform.io/mongodb/atlas", OFFICIAL),
        ("registry.terraform.io/someone/mongodbatlas", OFFICIAL),
        ("registry.terraform.io/mongodb/mongodbatlas/", OFFICIAL),
        ("", OFFICIAL),
        (
            "registry.terraform.io/mongodb/mongodbatlas",
            "mongodbatlas_database_user",
        ),
        ("registry.terraform.io/hashicorp/tls", "tls_private_key"),
        ("registry.terraform.io/mongodb/mongodbatlas", CERTIFICATE),
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
    let ours = with(
        &config(),
        &json!({ "auto_renew": false, "timeouts": { "read": "1m" } }),
    );
    let created = played.created(&ours).await;
    let mut source = MoveSource {
        provider_address: "registry.opentofu.org/another/atlas".into(),
        type_name: CERTIFICATE.into(),
        schema_version: 0,
        state: created.to_json()["attributes"].clone(),
        private: Vec::new(),
    };
    let moved = accepted(&played, &source).await;
    assert_eq!(
        created.state.changed_attributes(&moved.state),
        Vec::<String>::new()
    );
    assert_eq!(played.plan(Some(&moved), &ours).await.action, Action::NoOp);
    source.schema_version = 1;
    assert!(refused(&played, &source).await.contains("schema version 1"));
}

#[test]
fn a_moved_block_takes_the_certificate_over_and_the_key_still_logs_in() {
    if !version().has(8, 10) {
        eprintln!("skipped: moves between types need Terraform 1.8 or OpenTofu 1.10");
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
    let farewell = told(&workspace.destroy(&["-json"]).success());
    assert!(
        farewell
            .iter()
            .any(|told| told.says(&certificate.id.to_string())),
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
    assert!(
        diagnostics.is_empty(),
        "{}{diagnostics}",
        source.provider_address
    );
    instance.expect("an instance")
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

fn posts(atlas: &LocalAtlas) -> usize {
    atlas
        .control()
        .requests_to(Endpoint::IssueCertificate)
        .len()
}
