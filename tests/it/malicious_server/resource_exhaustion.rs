//! Answers without end, without measure and without haste.

use std::time::Duration;

use local_atlas::{Answer, Endpoint, Fault, Rewrite};
use serde_json::json;
use tf_harness::core::Core;

use super::{Scene, TYPE, certificate, words};
use crate::support::atlas::PROJECT;

/// Every kind of request that an apply and a refresh make.
const ENDPOINTS: [Endpoint; 4] = [
    Endpoint::IssueToken,
    Endpoint::ReadUser,
    Endpoint::IssueCertificate,
    Endpoint::ListCertificates,
];

#[tokio::test]
async fn an_answer_without_end_is_cut_off_and_costs_little_memory() {
    flooded(|fault| fault.always().endless()).await;
}

#[tokio::test]
async fn a_compressed_bomb_does_not_go_off() {
    flooded(|fault| fault.always().rewrite(Rewrite::GzipBomb { mebibytes: 256 })).await;
}

/// Runs everything against this flood. What was issued in it is named or kept.
async fn flooded(flood: impl Fn(Fault) -> Fault) {
    for endpoint in ENDPOINTS {
        let (scene, mut instance) = Scene::with_certificate().await;
        scene.atlas.control().expire_tokens();
        let before = peak(&scene.core);
        scene.atlas.control().add_fault(flood(Fault::on(endpoint)));
        let refreshed = scene.refresh(instance.as_ref()).await;
        let read = matches!(endpoint, Endpoint::IssueToken | Endpoint::ListCertificates);
        assert_eq!(refreshed.diagnostics.has_errors(), read, "{}", refreshed.diagnostics);
        scene.core.plan_config(TYPE, None, certificate()).await.unwrap();
        let config =
            json!({ "project_id": PROJECT, "username": "app", "months_until_expiration": 5 });
        let resource = scene.core.resource(TYPE).without_refresh();
        let outcome = resource.apply_config(&mut instance, config).await.unwrap();
        let state = instance.expect("the object stays").to_json().to_string();
        for issued in scene.atlas.control().all_certificates() {
            let id = issued.id.to_string();
            assert!(
                state.contains(&id) || words(&outcome.diagnostics).contains(&id),
                "{endpoint:?}: {}",
                outcome.diagnostics
            );
        }
        let grown = peak(&scene.core) - before;
        assert!(grown < 48 << 10, "{endpoint:?} took {grown} KiB");
    }
}

#[tokio::test]
async fn an_answer_in_drips_ends_with_the_time_that_was_given() {
    let scene = Scene::set().await;
    let mut instance = None;
    let config = json!({ "project_id": PROJECT, "username": "app", "timeouts": { "read": "1s" } });
    scene.apply(&mut instance, config).await.ok().unwrap();
    let drip = |endpoint| Fault::on(endpoint).always().drip(1, Duration::from_millis(200));
    scene.atlas.control().add_fault(drip(Endpoint::ListCertificates));
    let refreshed = scene.refresh(instance.as_ref()).await;
    assert!(refreshed.diagnostics.has_errors() && refreshed.changed.is_empty());

    scene.atlas.control().clear_faults();
    scene.atlas.control().expire_tokens();
    scene.atlas.control().add_fault(drip(Endpoint::IssueToken));
    let refreshed = scene.refresh(instance.as_ref()).await;
    assert!(refreshed.diagnostics.has_errors() && refreshed.changed.is_empty());
}

#[tokio::test]
async fn nothing_that_a_list_can_say_harms_the_object() {
    let (scene, instance) = Scene::with_certificate().await;
    let entry = |id: &str, created: &str| {
        format!(
            "{{\"_id\":{id},\"createdAt\":\"{created}\",\"notAfter\":\"9000-12-31T23:59:59Z\",\"subject\":\"CN=app\"}}"
        )
    };
    let page = |entries: &str, links: &str| {
        format!("{{\"links\":[{links}],\"results\":[{entries}],\"totalCount\":-1}}")
    };
    let many = vec![entry("1", "2026-01-01T00:00:00Z"); 20_000].join(",");
    let bodies = [
        "[".repeat(100_000),
        "{\"results\":".repeat(100_000),
        page(&"[".repeat(100_000), ""),
        page(&entry("1e999999999", "2026-01-01T00:00:00Z"), ""),
        page(&entry(&"9".repeat(1_000_000), "2026-01-01T00:00:00Z"), ""),
        page(&entry("-1", "-9999-01-01T00:00:00Z"), ""),
        page(&entry("null", "2026-01-01T00:00:00Z"), ""),
        page(&entry("0.5", "2026-01-01T00:00:00Z"), ""),
        page(&entry("1", "2026-02-30T25:61:61Z"), ""),
        page(&many, ""),
        // A next page for ever.
        page(&entry("1", "2026-01-01T00:00:00Z"), "{\"rel\":\"next\",\"href\":\"x\"}"),
        "null".to_owned(),
        "{}".to_owned(),
    ];
    let before = instance.clone().expect("an object").to_json();
    // Within ten minutes of its issue, an unlisted certificate counts as active.
    scene.atlas.control().advance(std::time::Duration::from_secs(11 * 60));
    for body in bodies {
        let answer = Answer::text(200, "application/json", &body);
        scene
            .atlas
            .control()
            .add_fault(Fault::on(Endpoint::ListCertificates).always().refuse(answer));
        let mut after = instance.clone();
        let refreshed = scene.core.refresh(TYPE, &mut after).await.expect("a sound answer");
        assert!(!refreshed.removed, "{}", &body[..body.len().min(200)]);
        let mut after = after.expect("the object stays").to_json();
        // A list without our certificate may say that it is missing. Everything else stays.
        if !refreshed.diagnostics.has_errors() {
            assert_eq!(refreshed.changed, ["status"], "{}", &body[..body.len().min(200)]);
            set_status(&mut after, &before);
        }
        assert_eq!(after, before);
        scene.atlas.control().clear_faults();
    }
    assert_eq!(scene.atlas.control().issued_count(), 1);
}

#[tokio::test]
async fn a_wait_that_atlas_asks_for_is_never_longer_than_the_time_given() {
    let scene = Scene::set().await;
    // The other values of the header are in the unit tests of the client.
    for wait in ["99999999999999999999", "soon"] {
        let limited = Answer::rate_limited(None).header("retry-after", wait);
        scene
            .atlas
            .control()
            .add_fault(Fault::on(Endpoint::IssueCertificate).always().refuse(limited));
        let config =
            json!({ "project_id": PROJECT, "username": "app", "timeouts": { "create": "6s" } });
        let mut instance = None;
        let created = scene.apply(&mut instance, config);
        let outcome = tokio::time::timeout(Duration::from_secs(30), created).await.expect("an end");
        assert!(outcome.diagnostics.has_errors(), "{wait}");
        scene.atlas.control().clear_faults();
    }
    assert_eq!(scene.atlas.control().issued_count(), 0);
}

fn set_status(state: &mut serde_json::Value, like: &serde_json::Value) {
    state["attributes"]["status"] = like["attributes"]["status"].clone();
}

/// The peak memory of the provider in KiB; 0 on systems other than Linux, which do not report it.
fn peak(core: &Core) -> u64 {
    if !cfg!(target_os = "linux") {
        return 0;
    }
    let process = core.provider().process().expect("a process");
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid));
    let status = status.expect("the status of the process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.map(|peak| peak.trim().trim_end_matches("kB").trim().parse());
    peak.expect("VmHWM").expect("a number")
}
