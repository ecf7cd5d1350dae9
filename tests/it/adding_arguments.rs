//! Adding an argument to an existing certificate issues nothing.

use std::collections::BTreeSet;

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, MoveSource, Outcome, ResourceInstance},
    value::{changed_attributes, is_unknown},
};

use crate::support::{
    age,
    atlas::PROJECT,
    fixture::{TYPE, posts},
    in_process::{InProcess, config, in_process, with},
};

#[tokio::test]
async fn adding_any_argument_to_any_certificate_issues_nothing() {
    let (atlas, host) = in_process(&["app"]).await;
    let arguments = arguments();
    let tested: BTreeSet<&str> = arguments.iter().flat_map(names).collect();
    assert_eq!(tested, optional_arguments(&host), "every optional argument is tested");
    for (origin, instance) in origins(&atlas, &host).await {
        let mut changed = 0;
        for argument in &arguments {
            let config = with(&config("app"), argument.clone());
            let (mut after, what) = (Some(instance.clone()), format!("{origin} + {argument}"));
            let outcome = change(&host, &mut after, &config, &what).await;
            changed += usize::from(outcome.action == Action::Update);
            let after = after.unwrap().state;
            for name in [
                "certificate_id",
                "revision",
                "superseded_certificates",
                "not_after",
                "issue_reason",
            ] {
                assert_eq!(after[name], instance.state[name], "{what}: {name}");
            }
        }
        assert!(changed >= 8, "{origin}: the arguments are stored");
    }
    assert_eq!(posts(&atlas), 1, "the first create");
}

#[tokio::test]
async fn arguments_added_one_after_the_other_or_removed_issue_nothing() {
    let (atlas, host) = in_process(&["app"]).await;
    // Sealing excludes the archive, and comes last: only a new certificate leaves the sealed form.
    let (sealing, others): (Vec<_>, Vec<_>) =
        arguments().into_iter().partition(|it| it.get("private_key_recipients").is_some());
    for (origin, instance) in origins(&atlas, &host).await {
        let mut instance = Some(instance);
        let mut all = config("app");
        // Another map after the first one is a trigger.
        for argument in others.iter().filter(|it| it["rotate_when_changed"] != json!({})) {
            all = with(&all, argument.clone());
            change(&host, &mut instance, &all, &format!("{origin} + {argument}")).await;
        }
        change(&host, &mut instance, &config("app"), &format!("{origin}, all removed")).await;
        for argument in &sealing {
            let sealed = with(&config("app"), argument.clone());
            change(&host, &mut instance, &sealed, &format!("{origin} + {argument}")).await;
        }
    }
    assert_eq!(posts(&atlas), 1, "the first create");
}

#[tokio::test]
async fn an_argument_added_together_with_a_reason_to_issue_comes_with_the_new_certificate() {
    let (atlas, host) = in_process(&["app"]).await;
    let mut instance = Some(host.created(&config("app")).await);
    let config = with(
        &config("app"),
        json!({ "months_until_expiration": 6, "pkcs12_password_wo": "secret", "pkcs12_password_wo_version": 1 }),
    );
    let outcome = host.apply(&mut instance, &config).await.ok().unwrap();
    assert_eq!(outcome.plan.planned["issue_reason"], "validity_changed");
    assert!(instance.as_ref().unwrap().state["pkcs12_base64"].is_string());
    assert_eq!(posts(&atlas), 2);
    assert_eq!(host.plan(instance.as_ref(), &config).await.action, Action::NoOp);
}

/// Plans, applies, and finds nothing left to do.
async fn change(
    host: &InProcess,
    instance: &mut Option<ResourceInstance>,
    config: &Json,
    what: &str,
) -> Outcome {
    let outcome = host.apply(instance, config).await;
    assert!(!outcome.diagnostics.has_errors(), "{what}:{}", outcome.diagnostics);
    assert!(matches!(outcome.action, Action::Update | Action::NoOp), "{what}");
    assert!(!is_unknown(&outcome.plan.planned["certificate_id"]), "{what}");
    let again = host.plan(instance.as_ref(), config).await;
    let left = changed_attributes(&again.planned, &again.prior.unwrap().state);
    assert_eq!(again.action, Action::NoOp, "{what}: {left:?}");
    outcome
}

/// The same certificate, as it may have come into state.
async fn origins(atlas: &LocalAtlas, host: &InProcess) -> Vec<(&'static str, ResourceInstance)> {
    let created = host.created(&config("app")).await;
    let imported = host.import(&format!("{PROJECT}/app")).await.instance;
    let source = MoveSource {
        provider_address: "registry.terraform.io/mongodb/mongodbatlas".into(),
        type_name: "mongodbatlas_x509_authentication_database_user".into(),
        schema_version: 0,
        state: json!({
            "id": "x", "project_id": PROJECT, "username": "app", "months_until_expiration": 3, "customer_x509_cas": "",
            "current_certificate": atlas.control().certificates(PROJECT, "app")[0].combined_pem(), "certificates": [],
        }),
        private: Vec::new(),
    };
    let moved = host.resource(TYPE).move_from(&source).await.unwrap().instance;
    vec![("created", created), ("imported", imported.unwrap()), ("moved", moved.unwrap())]
}

/// What can be written beside project and user; what only goes together stands together.
fn arguments() -> Vec<Json> {
    vec![
        json!({ "months_until_expiration": 3 }),
        json!({ "renew_before_days": 10 }),
        json!({ "auto_renew": true }),
        json!({ "auto_renew": false }),
        json!({ "rotate_when_changed": { "image": "1" } }),
        json!({ "rotate_when_changed": {} }),
        json!({ "private_key_recipients": [age::pair().recipient, age::pair().recipient] }),
        json!({ "pkcs12_password_wo": "secret", "pkcs12_password_wo_version": 1 }),
        json!({ "pkcs12_password_wo": "secret", "pkcs12_password_wo_version": 2, "pkcs12_profile": "legacy" }),
        json!({ "pkcs12_profile": "modern" }),
        json!({ "timeouts": { "create": "20m" } }),
        json!({ "timeouts": { "read": "1m", "update": "1h30m" } }),
    ]
}

/// All but those of adoption, which is refused for an object with a key and has tests of its own.
fn optional_arguments(host: &InProcess) -> BTreeSet<&str> {
    let block = &host.schema.resources[TYPE].block;
    let attributes = block.attributes.iter().filter(|(_, attribute)| attribute.optional);
    let names = attributes.map(|(name, _)| name.as_str());
    names.filter(|name| !name.starts_with("adopt_pem_wo")).collect()
}

fn names(argument: &Json) -> impl Iterator<Item = &str> {
    argument.as_object().unwrap().keys().map(String::as_str)
}
