//! Random operations under random guardrails: no certificate request is outside of those of its apply.

use fastrand::Rng;
use local_atlas::{Endpoint, LocalAtlas, X509Type};
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, ResourceInstance},
    value::unknown,
};

use super::choice;
use crate::support::{
    age,
    atlas::{PROJECT, atlas, unlist_all},
    fixture::days,
    in_process::{InProcess, config, with},
};

const OTHER_PROJECT: &str = "0123456789abcdef01234567";

#[tokio::test]
async fn no_sequence_of_operations_requests_a_certificate_outside_of_the_guardrails() {
    let (mut posts, mut refusals) = (0, 0);
    for seed in 1..=3 {
        let atlas = atlas(&["app", "other"]);
        for user in ["app", "other"] {
            atlas.control().add_user(OTHER_PROJECT, user, X509Type::Managed);
        }
        let host = InProcess::new(&atlas, json!({})).await;
        let (mut rng, mut instance) = (Rng::with_seed(seed), None);
        let recipients = [age::pair().recipient, age::pair().recipient];
        for step in 0..100 {
            atlas.control().advance(days(rng.u64(0..30)));
            atlas.control().clear_requests();
            let guards = guards(&mut rng);
            let config = random_config(&mut rng, &recipients);
            let refused = operate(&atlas, &host, &mut rng, &mut instance, &guards, &config).await;
            refusals += usize::from(refused);
            for post in atlas.control().requests_to(Endpoint::IssueCertificate) {
                posts += 1;
                let what = format!("seed {seed}, step {step}: {guards} {config} {post:?}");
                let allowed = guards["allowed_project_ids"].as_array();
                let is_allowed =
                    |allowed: &Vec<Json>| allowed.contains(&json!(post.project.as_str()));
                assert!(allowed.is_none_or(is_allowed), "{what}");
                let body: Json = serde_json::from_str(&post.body).unwrap();
                let max = guards["max_months_until_expiration"].as_u64().unwrap_or(24);
                assert!(body["monthsUntilExpiration"].as_u64().unwrap() <= max, "{what}");
                let sealed = !config["private_key_recipients"].is_null();
                assert!(guards["require_private_key_recipients"] != true || sealed, "{what}");
            }
        }
    }
    assert!(posts > 30 && refusals > 30, "{posts} requests, {refusals} refusals");
}

/// One operation. Returns whether a guardrail refused it.
async fn operate(
    atlas: &LocalAtlas,
    host: &InProcess,
    rng: &mut Rng,
    instance: &mut Option<ResourceInstance>,
    guards: &Json,
    config: &Json,
) -> bool {
    let resource = host.command_with(guards.clone()).await;
    match rng.u8(0..12) {
        0 => assert!(!resource.refresh(instance).await.unwrap().diagnostics.has_errors()),
        1 => _ = resource.destroy(instance).await.unwrap().ok().unwrap(),
        2 => instance.iter_mut().for_each(|it| it.tainted = true),
        3 if instance.is_none() => {
            *instance = resource.import(&format!("{PROJECT}/app"), None).await.unwrap().instance;
        }
        4 => unlist_all(atlas),
        number => {
            // The plan may know other guardrails, or not know them yet.
            let early = match number {
                5 => json!({ "allowed_project_ids": unknown() }),
                6 => json!({ "max_months_until_expiration": unknown() }),
                7 => self::guards(rng),
                _ => guards.clone(),
            };
            let mut planning = host.command_with(early).await;
            if number == 8 {
                planning.replace = true;
            }
            let plan = planning.plan(instance.as_ref(), config.clone()).await.unwrap();
            let is_guardrail = |text: &str| text.contains("by the provider configuration");
            if plan.action == Action::Failed {
                return plan.diagnostics.errors().any(|it| is_guardrail(&it.summary));
            }
            let resource = host.command_with(guards.clone()).await;
            let outcome = resource.apply(instance, plan, config.clone()).await.unwrap();
            return outcome.diagnostics.errors().any(|it| is_guardrail(&it.summary));
        }
    }
    false
}

fn guards(rng: &mut Rng) -> Json {
    json!({
        "allowed_project_ids": rng.bool().then(|| json!([PROJECT])),
        "max_months_until_expiration": choice(rng, &[None, Some(1), Some(3)]),
        "require_private_key_recipients": choice(rng, &[None, Some(true), Some(false)]),
    })
}

fn random_config(rng: &mut Rng, recipients: &[String; 2]) -> Json {
    let sealed = rng.bool().then(|| vec![&recipients[rng.usize(0..2)]]);
    let changes = json!({
        "project_id": choice(rng, &[PROJECT, PROJECT, PROJECT, OTHER_PROJECT]),
        "months_until_expiration": choice(rng, &[None, Some(1), Some(3), Some(6)]),
        "rotate_when_changed": { "value": choice(rng, &["a", "b"]) },
        "private_key_recipients": sealed,
    });
    with(&config(choice(rng, &["app", "app", "app", "other"])), changes)
}
