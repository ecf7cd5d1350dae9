//! Adding an argument to a certificate that exists already rotates nobody.

use std::collections::BTreeSet;

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, MoveSource, Outcome, ResourceInstance},
    value::{changed_attributes, is_unknown},
};

use crate::support::{
    age,
    atlas::{PROJECT, atlas},
    fixture::posts,
    played::{CERTIFICATE, Played},
};

#[tokio::test]
async fn adding_any_argument_to_any_certificate_issues_nothing() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let arguments = arguments();
    let walked: BTreeSet<&str> = arguments.iter().flat_map(names).collect();
    assert_eq!(walked, optional_arguments(&played), "every optional argument is walked");
    for (origin, instance) in origins(&atlas, &played).await {
        let mut changed_alone = 0;
        for argument in &arguments {
            let config = with(&base(), argument);
            let mut adopting = Some(instance.clone());
            let outcome =
                adopt(&played, &mut adopting, &config, &format!("{origin} + {argument}")).await;
            changed_alone += usize::from(outcome.action == Action::Update);
            for name in [
                "certificate_id",
                "revision",
                "superseded_certificates",
                "not_after",
                "issue_reason",
            ] {
                let adopted = &adopting.as_ref().unwrap().state;
                assert_eq!(adopted[name], instance.state[name], "{origin} + {argument}: {name}");
            }
        }
        assert!(changed_alone >= 8, "{origin}: the arguments are stored");
    }
    assert_eq!(posts(&atlas), 1, "the first create");
}

#[tokio::test]
async fn arguments_added_one_after_the_other_or_taken_away_issue_nothing() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    for (origin, instance) in origins(&atlas, &played).await {
        let mut adopting = Some(instance);
        let mut config = base();
        // Sealing excludes the archive, and comes last: the sealed form is left again only by a new certificate.
        let sealing = |argument: &Json| argument.get("private_key_recipients").is_some();
        // Another map behind the first one is a trigger.
        let triggering = |argument: &Json| argument["rotate_when_changed"] == json!({});
        for argument in
            arguments().iter().filter(|argument| !sealing(argument) && !triggering(argument))
        {
            config = with(&config, argument);
            adopt(&played, &mut adopting, &config, &format!("{origin} + {argument}")).await;
        }
        adopt(&played, &mut adopting, &base(), &format!("{origin}, all taken away")).await;
        for argument in arguments().iter().filter(|argument| sealing(argument)) {
            adopt(
                &played,
                &mut adopting,
                &with(&base(), argument),
                &format!("{origin} + {argument}"),
            )
            .await;
        }
    }
    assert_eq!(posts(&atlas), 1, "the first create");
}

#[tokio::test]
async fn an_argument_added_together_with_a_reason_to_issue_comes_with_the_new_certificate() {
    let atlas = atlas(&["app"]);
    let played = Played::against(&atlas).await;
    let mut instance = Some(played.created(&base()).await);
    let config = with(
        &base(),
        &json!({ "months_until_expiration": 6, "pkcs12_password_wo": "secret", "pkcs12_password_wo_version": 1 }),
    );
    let outcome = played.apply(&mut instance, &config).await.ok().unwrap();
    assert_eq!(outcome.plan.planned["issue_reason"], "validity_changed");
    let state = &instance.as_ref().unwrap().state;
    assert!(state["pkcs12_base64"].as_str().is_some());
    assert_eq!(posts(&atlas), 2);
    assert_eq!(played.plan(instance.as_ref(), &config).await.action, Action::NoOp);
}

/// Plans, applies, and finds nothing left to do.
async fn adopt(
    played: &Played,
    instance: &mut Option<ResourceInstance>,
    config: &Json,
    what: &str,
) -> Outcome {
    let outcome = played.apply(instance, config).await;
    assert!(!outcome.diagnostics.has_errors(), "{what}:{}", outcome.diagnostics);
    assert!(
        matches!(outcome.action, Action::Update | Action::NoOp),
        "{what}: {:?}",
        outcome.action
    );
    assert!(!is_unknown(&outcome.plan.planned["certificate_id"]), "{what}");
    let again = played.plan(instance.as_ref(), config).await;
    assert_eq!(
        again.action,
        Action::NoOp,
        "{what}: {:?}",
        changed_attributes(&again.planned, &again.prior.unwrap().state)
    );
    outcome
}

/// The same certificate, as it may have come into state.
async fn origins(atlas: &LocalAtlas, played: &Played) -> Vec<(&'static str, ResourceInstance)> {
    let created = played.created(&base()).await;
    let imported = played.import(&format!("{PROJECT}/app")).await;
    let state = json!({
        "id": "x",
        "project_id": PROJECT,
        "username": "app",
        "months_until_expiration": 3,
        "customer_x509_cas": "",
        "current_certificate": atlas.control().certificates(PROJECT, "app")[0].combined_pem(),
        "certificates": [],
    });
    let source = MoveSource {
        provider_address: "registry.terraform.io/mongodb/mongodbatlas".into(),
        type_name: "mongodbatlas_x509_authentication_database_user".into(),
        schema_version: 0,
        state,
        private: Vec::new(),
    };
    let moved = played.resource(CERTIFICATE).move_from(&source).await.unwrap();
    vec![
        ("created", created),
        ("imported", imported.instance.expect("an imported instance")),
        ("moved", moved.instance.expect("a moved instance")),
    ]
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

fn optional_arguments(played: &Played) -> BTreeSet<&str> {
    let block = &played.schema().resources[CERTIFICATE].block;
    let attributes = block
        .attributes
        .iter()
        // Adopting a key has tests of its own: it is refused for an object with a key.
        .filter(|(name, attribute)| attribute.optional && !name.starts_with("adopt_pem_wo"));
    attributes.map(|(name, _)| name.as_str()).collect()
}

fn base() -> Json {
    json!({ "project_id": PROJECT, "username": "app" })
}

fn with(config: &Json, more: &Json) -> Json {
    let mut config = config.clone();
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn names(argument: &Json) -> impl Iterator<Item = &str> {
    argument.as_object().unwrap().keys().map(String::as_str)
}
