//! Guardrails of the provider block: a plan or apply that would issue a certificate outside of them fails before the request, and nothing else does.

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, ResourceInstance},
    value::unknown,
};

use crate::support::{
    age,
    atlas::PROJECT,
    fixture::{Fixture, days, posts, resource},
    in_process::{InProcess, config, in_process, with},
};

const OTHER_PROJECT: &str = "0123456789abcdef01234567";
const USERS: [&str; 6] = ["create", "renewal", "months", "trigger", "recipients", "replacement"];

/// A guardrail of the provider block, the title of its refusal, and the resource argument to blame.
struct Guard {
    block: Json,
    name: &'static str,
    title: &'static str,
    path: &'static str,
}

fn guards() -> [Guard; 3] {
    let guard = |name: &'static str, value: Json, title, path| Guard {
        block: json!({ name: value }),
        name,
        title,
        path,
    };
    [
        guard(
            "allowed_project_ids",
            json!([OTHER_PROJECT]),
            "Project not allowed by the provider configuration",
            "project_id",
        ),
        guard(
            "max_months_until_expiration",
            json!(2),
            "Validity not allowed by the provider configuration",
            "months_until_expiration",
        ),
        guard(
            "require_private_key_recipients",
            json!(true),
            "Private key recipients required by the provider configuration",
            "private_key_recipients",
        ),
    ]
}

/// A way to a certificate request: what exists, and the configuration that issues.
struct Issuance {
    name: &'static str,
    instance: Option<ResourceInstance>,
    config: Json,
}

/// Every way to a certificate request. The renewal is due.
async fn issuances(atlas: &LocalAtlas, host: &InProcess) -> Vec<Issuance> {
    let sealed = json!({ "private_key_recipients": [age::pair().recipient] });
    let mut issuances = Vec::new();
    for (name, before, change) in [
        ("create", None, json!({})),
        ("renewal", Some(json!({ "renew_before_days": 42 })), json!({})),
        ("months", Some(json!({})), json!({ "months_until_expiration": 4 })),
        (
            "trigger",
            Some(json!({ "rotate_when_changed": { "a": "1" } })),
            json!({ "rotate_when_changed": { "a": "2" } }),
        ),
        ("recipients", Some(sealed), json!({ "private_key_recipients": null })),
        ("replacement", Some(json!({})), json!({ "username": "create" })),
    ] {
        let mut config = with(&config(name), json!({ "renew_before_days": 0 }));
        let mut instance = None;
        if let Some(before) = before {
            config = with(&config, before);
            instance = Some(host.created(&config).await);
        }
        issuances.push(Issuance { name, instance, config: with(&config, change) });
    }
    atlas.control().advance(days(60));
    issuances
}

#[tokio::test]
async fn a_plan_that_issues_outside_of_a_guardrail_fails_at_the_argument() {
    let (atlas, host) = in_process(&USERS).await;
    let issuances = issuances(&atlas, &host).await;
    let before = posts(&atlas);
    for guard in guards() {
        for Issuance { name, instance, config } in &issuances {
            let resource = host.command_with(guard.block.clone()).await;
            let plan = resource.plan(instance.as_ref(), config.clone()).await.unwrap();
            let refusal = plan.diagnostics.errors().find(|it| it.path == guard.path);
            let refusal = refusal.unwrap_or_else(|| panic!("{name}: {}", plan.diagnostics));
            assert_eq!(refusal.summary, guard.title, "{name}");
            assert!(refusal.contains(guard.name), "{refusal:?}");
        }
    }
    assert_eq!(posts(&atlas), before);
}

#[tokio::test]
async fn a_guardrail_that_is_unknown_in_plan_refuses_in_apply() {
    let (atlas, host) = in_process(&USERS).await;
    let issuances = issuances(&atlas, &host).await;
    let before = posts(&atlas);
    for guard in guards() {
        for Issuance { name, instance, config } in &issuances {
            let unknown_block = host.command_with(json!({ guard.name: unknown() })).await;
            let plan = unknown_block.plan(instance.as_ref(), config.clone()).await.unwrap();
            assert_ne!(plan.action, Action::Failed, "{name}: {}", plan.diagnostics);
            let known_block = host.command_with(guard.block.clone()).await;
            let outcome = known_block.apply(&mut instance.clone(), plan, config.clone()).await;
            let diagnostics = outcome.unwrap().apply_diagnostics;
            let refused = diagnostics.errors().any(|it| it.contains(guard.name));
            assert!(refused, "{}, {name}: {diagnostics}", guard.name);
        }
    }
    assert_eq!(posts(&atlas), before);
}

#[tokio::test]
async fn an_argument_that_is_unknown_in_plan_is_checked_in_apply() {
    let (atlas, host) = in_process(&USERS).await;
    for guard in guards() {
        let resource = host.command_with(guard.block.clone()).await;
        let early = with(&config("create"), json!({ guard.path: unknown() }));
        let plan = resource.plan(None, early).await.unwrap();
        assert_eq!(plan.action, Action::Create, "{}: {}", guard.name, plan.diagnostics);
        let mut late = config("create");
        if guard.path == "months_until_expiration" {
            late = with(&late, json!({ guard.path: 3 }));
        }
        let mut instance = None;
        let outcome = resource.apply(&mut instance, plan, late).await.unwrap();
        assert!(outcome.diagnostics.errors().any(|it| it.path == guard.path), "{outcome:?}");
        assert_eq!((instance, posts(&atlas)), (None, 0));
    }
}

#[tokio::test]
async fn operations_that_issue_nothing_are_allowed_under_every_guardrail() {
    let (atlas, host) = in_process(&USERS).await;
    let mut instance = Some(host.created(&config("create")).await);
    let all = guards().into_iter().fold(json!({}), |all, guard| with(&all, guard.block));
    let resource = host.command_with(all).await;
    let refreshed = resource.refresh(&mut instance).await.unwrap();
    assert!(!refreshed.diagnostics.has_errors(), "{}", refreshed.diagnostics);
    let imported = resource.import(&format!("{PROJECT}/create"), None).await.unwrap();
    assert!(!imported.diagnostics.has_errors(), "{}", imported.diagnostics);
    for change in [
        json!({ "renew_before_days": 10 }),
        json!({ "private_key_recipients": [age::pair().recipient] }),
    ] {
        let config = with(&config("create"), change);
        let outcome = resource.apply_config(&mut instance, config).await.unwrap().ok().unwrap();
        assert_eq!(outcome.action, Action::Update);
    }
    resource.destroy(&mut instance).await.unwrap().ok().unwrap();
    assert_eq!((instance, posts(&atlas)), (None, 1));
}

#[test]
fn two_aliases_have_guardrails_of_their_own() {
    let strict =
        "provider \"atlas\" {\n  alias = \"strict\"\n  max_months_until_expiration = 1\n}\n";
    let configuration = |months: u32| {
        let b = format!(
            "provider = atlas.strict\n  username = \"b\"\n  months_until_expiration = {months}"
        );
        format!("{strict}{}{}", resource("a", "username = \"a\""), resource("b", &b))
    };
    let t = Fixture::of(&["a", "b"], &configuration(2));
    let printed = t.workspace.plan(&[]).failure().text();
    assert!(printed.contains("Validity not allowed by the provider configuration"), "{printed}");
    assert_eq!(printed.matches("Error: ").count(), 1, "{printed}");
    assert_eq!(t.posts(), 0);
    t.set_config(&configuration(1));
    t.workspace.apply(&[]).success();
    assert_eq!(t.posts(), 2);
}
