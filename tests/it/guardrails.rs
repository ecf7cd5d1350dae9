//! Guardrails of the provider block: a plan or apply that would issue a certificate outside of them fails before the request, and nothing else does.

use std::time::Duration;

use local_atlas::{Endpoint, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, Core, Resource, ResourceInstance},
    value::unknown,
};

use crate::support::{
    age,
    atlas::{PROJECT, atlas},
    played::CERTIFICATE,
    plugin::{ScratchDir, started},
    terraform::workspace,
};

const OTHER_PROJECT: &str = "0123456789abcdef01234567";

/// One guardrail of the provider block, and the resource argument that it blames.
fn guards() -> [(&'static str, Json, &'static str); 3] {
    [
        ("allowed_project_ids", json!([OTHER_PROJECT]), "project_id"),
        ("max_months_until_expiration", json!(2), "months_until_expiration"),
        ("require_private_key_recipients", json!(true), "private_key_recipients"),
    ]
}

/// A way to a certificate request: the configuration that was applied before, if any, and the one that issues.
struct Issuance {
    name: &'static str,
    before: Option<Json>,
    config: Json,
}

fn issuances() -> Vec<Issuance> {
    let of = |name, before: Option<Json>, change: Json| Issuance {
        name,
        config: with(&before.clone().unwrap_or_else(|| config(name)), &change),
        before,
    };
    let sealed = json!({ "private_key_recipients": [age::pair().recipient] });
    vec![
        of("create", None, json!({})),
        of("renewal", Some(config("renewal")), json!({})),
        of("months", Some(config("months")), json!({ "months_until_expiration": 4 })),
        of(
            "trigger",
            Some(with(&config("trigger"), &json!({ "rotate_when_changed": { "a": "1" } }))),
            json!({ "rotate_when_changed": { "a": "2" } }),
        ),
        of(
            "recipients",
            Some(with(&config("recipients"), &sealed)),
            json!({ "private_key_recipients": null }),
        ),
        of("replacement", Some(config("replacement")), json!({ "username": "create" })),
    ]
}

fn config(user: &str) -> Json {
    json!({ "project_id": PROJECT, "username": user })
}

fn with(config: &Json, change: &Json) -> Json {
    let mut config = config.clone();
    for (name, value) in change.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

/// A provider that is configured again before each command.
struct Guarded {
    atlas: LocalAtlas,
    core: Core,
    _temporary: ScratchDir,
}

impl Guarded {
    async fn start() -> Self {
        let temporary = ScratchDir::new();
        Self {
            atlas: atlas(&["create", "renewal", "months", "trigger", "recipients", "replacement"]),
            core: started(temporary.options()).await,
            _temporary: temporary,
        }
    }

    /// Begins a command with these guardrails.
    async fn command(&self, guards: &[(&str, Json)]) -> Resource {
        let token = self.atlas.control().credentials().access_token;
        let mut block = json!({ "base_url": self.atlas.base_url(), "access_token": token });
        for (name, value) in guards {
            block[name] = value.clone();
        }
        self.core.configure(block).await.unwrap().ok().unwrap();
        self.core.resource(CERTIFICATE)
    }

    /// The instances that exist before each way to a certificate request, issued without guardrails. The renewal is due.
    async fn prepared(&self) -> Vec<(Issuance, Option<ResourceInstance>)> {
        let mut prepared = Vec::new();
        for issuance in issuances() {
            let mut instance = None;
            if let Some(config) = &issuance.before {
                let config = with(
                    config,
                    &json!({ "renew_before_days": if issuance.name == "renewal" { 42 } else { 0 } }),
                );
                let outcome = self.command(&[]).await.apply_config(&mut instance, config).await;
                outcome.unwrap().ok().unwrap();
            }
            prepared.push((issuance, instance));
        }
        self.atlas.control().advance(Duration::from_secs(60 * 86_400));
        prepared
    }

    fn posts(&self) -> usize {
        self.atlas.control().request_count(Endpoint::IssueCertificate)
    }
}

impl Issuance {
    /// The configuration that issues; its window is that of the existing certificate.
    fn config(&self) -> Json {
        let days = if self.name == "renewal" { 42 } else { 0 };
        with(&self.config, &json!({ "renew_before_days": days }))
    }
}

#[tokio::test]
async fn a_plan_that_issues_outside_of_a_guardrail_fails_at_the_argument() {
    let guarded = Guarded::start().await;
    let prepared = guarded.prepared().await;
    let posts = guarded.posts();
    for (guard, value, path) in guards() {
        for (issuance, instance) in &prepared {
            let resource = guarded.command(&[(guard, value.clone())]).await;
            let plan = resource.plan(instance.as_ref(), issuance.config()).await.unwrap();
            let refusal = plan.diagnostics.0.iter().find(|it| it.is_error && it.path == path);
            let refusal = refusal
                .unwrap_or_else(|| panic!("{guard}, {}: {:?}", issuance.name, plan.diagnostics));
            assert!(refusal.contains(guard), "{refusal:?}");
        }
    }
    assert_eq!(guarded.posts(), posts);
}

#[tokio::test]
async fn a_guardrail_that_is_unknown_in_plan_refuses_in_apply() {
    let guarded = Guarded::start().await;
    let prepared = guarded.prepared().await;
    let posts = guarded.posts();
    for (guard, value, _) in guards() {
        for (issuance, instance) in &prepared {
            let unknown_block = guarded.command(&[(guard, unknown())]).await;
            let plan = unknown_block.plan(instance.as_ref(), issuance.config()).await.unwrap();
            assert_ne!(
                plan.action,
                Action::Failed,
                "{guard}, {}: {:?}",
                issuance.name,
                plan.diagnostics
            );
            let known_block = guarded.command(&[(guard, value.clone())]).await;
            let mut applied = instance.clone();
            let outcome = known_block.apply(&mut applied, plan, issuance.config()).await.unwrap();
            let errors: Vec<_> =
                outcome.apply_diagnostics.0.iter().filter(|it| it.is_error).collect();
            assert!(
                errors.iter().any(|it| it.contains(guard)),
                "{guard}, {}: {errors:?}",
                issuance.name
            );
        }
    }
    assert_eq!(guarded.posts(), posts);
}

#[tokio::test]
async fn an_argument_that_is_unknown_in_plan_is_checked_in_apply() {
    let guarded = Guarded::start().await;
    for (guard, value, path) in guards() {
        let late = with(&config("create"), &json!({ "project_id": PROJECT }));
        let early = with(&late, &json!({ path: unknown() }));
        let resource = guarded.command(&[(guard, value)]).await;
        let plan = resource.plan(None, early).await.unwrap();
        assert_eq!(plan.action, Action::Create, "{guard}: {:?}", plan.diagnostics);
        let late =
            if path == "months_until_expiration" { with(&late, &json!({ path: 3 })) } else { late };
        let mut instance = None;
        let outcome = resource.apply(&mut instance, plan, late).await.unwrap();
        assert!(
            outcome.diagnostics.0.iter().any(|it| it.is_error && it.path == path),
            "{guard}: {outcome:?}"
        );
        assert_eq!(instance, None);
    }
    assert_eq!(guarded.posts(), 0);
}

#[tokio::test]
async fn operations_that_issue_nothing_are_allowed_under_every_guardrail() {
    let guarded = Guarded::start().await;
    let mut instance = None;
    let resource = guarded.command(&[]).await;
    resource.apply_config(&mut instance, config("create")).await.unwrap().ok().unwrap();
    let guards: Vec<_> = guards().into_iter().map(|(guard, value, _)| (guard, value)).collect();
    let resource = guarded.command(&guards).await;
    let refreshed = resource.refresh(&mut instance).await.unwrap();
    assert!(!refreshed.diagnostics.has_errors(), "{:?}", refreshed.diagnostics);
    let imported = resource.import(&format!("{PROJECT}/create")).await.unwrap();
    assert!(!imported.diagnostics.has_errors(), "{:?}", imported.diagnostics);
    for change in [
        json!({ "renew_before_days": 10 }),
        json!({ "private_key_recipients": [age::pair().recipient] }),
    ] {
        let config = with(&config("create"), &change);
        let outcome = resource.apply_config(&mut instance, config).await.unwrap().ok().unwrap();
        assert_eq!(outcome.action, Action::Update);
    }
    resource.destroy(&mut instance).await.unwrap().ok().unwrap();
    assert_eq!(instance, None);
    assert_eq!(guarded.posts(), 1);
}

#[test]
fn two_aliases_have_guardrails_of_their_own() {
    let atlas = atlas(&["a", "b"]);
    let configuration = |months| {
        format!(
            r#"
provider "atlas" {{
  alias                       = "strict"
  max_months_until_expiration = 1
}}

resource "atlas_user_certificate" "a" {{
  project_id = "{PROJECT}"
  username   = "a"
}}

resource "atlas_user_certificate" "b" {{
  provider                = atlas.strict
  project_id              = "{PROJECT}"
  username                = "b"
  months_until_expiration = {months}
}}
"#
        )
    };
    let workspace = workspace(&atlas, &configuration(2));
    let printed = workspace.plan(&[]).failure().text();
    assert!(printed.contains("Validity not allowed by the provider configuration"), "{printed}");
    assert_eq!(printed.matches("Error: ").count(), 1, "{printed}");
    assert_eq!(atlas.control().issued_count(), 0);
    let text = std::fs::read_to_string(workspace.path().join("main.tf")).unwrap();
    workspace
        .write(
            "main.tf",
            &text.replace("months_until_expiration = 2", "months_until_expiration = 1"),
        )
        .unwrap();
    workspace.apply(&[]).success();
    assert_eq!(atlas.control().issued_count(), 2);
}
