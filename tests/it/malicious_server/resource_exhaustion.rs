//! Responses without end, of enormous size, or extremely slow.

use std::time::Duration;

use local_atlas::{Answer, Endpoint, Fault, Rewrite};
use serde_json::json;
use tf_harness::core::Core;

use super::{Scene, text};
use crate::support::in_process::{config, with};

#[tokio::test]
async fn an_endless_response_is_cut_off_and_costs_little_memory() {
    flooded(Fault::endless).await;
}

#[tokio::test]
async fn a_compressed_bomb_costs_little_memory() {
    flooded(|fault| fault.rewrite(Rewrite::GzipBomb { mebibytes: 256 })).await;
}

/// Runs every operation while one kind of request gets this response. What was issued is in state or named.
async fn flooded(flood: fn(Fault) -> Fault) {
    for endpoint in [
        Endpoint::IssueToken,
        Endpoint::ReadUser,
        Endpoint::IssueCertificate,
        Endpoint::ListCertificates,
    ] {
        let scene = Scene::new(5).await;
        let before = peak(&scene.host);
        scene.fault(endpoint, flood);
        let refreshed = scene.refresh().await;
        let read = matches!(endpoint, Endpoint::IssueToken | Endpoint::ListCertificates);
        assert_eq!(refreshed.diagnostics.has_errors(), read, "{}", refreshed.diagnostics);
        scene.host.plan(None, &config("app")).await;
        let changed = with(&config("app"), json!({ "months_until_expiration": 5 }));
        let mut resource = scene.host.command().await;
        resource.no_refresh = true;
        let mut instance = scene.instance.clone();
        let outcome = resource.apply_config(&mut instance, changed).await.unwrap();
        let known = instance.expect("the object stays").to_json().to_string();
        let known = known + &text(&outcome.diagnostics);
        for issued in scene.atlas.control().all_certificates() {
            assert!(known.contains(&issued.id.to_string()), "{endpoint:?}");
        }
        let grown = peak(&scene.host) - before;
        assert!(grown < 48 << 10, "{endpoint:?} took {grown} KiB");
    }
}

#[tokio::test]
async fn a_response_in_drips_ends_with_the_timeout() {
    let mut scene = Scene::new(5).await;
    let config = with(&config("app"), json!({ "timeouts": { "read": "1s" } }));
    scene.host.apply(&mut scene.instance, &config).await.ok().unwrap();
    for endpoint in [Endpoint::ListCertificates, Endpoint::IssueToken] {
        scene.fault(endpoint, |fault| fault.drip(1, Duration::from_millis(200)));
        let refreshed = scene.refresh().await;
        assert!(refreshed.diagnostics.has_errors() && refreshed.changed.is_empty());
        scene.atlas.control().clear_faults();
    }
}

#[tokio::test]
async fn no_list_harms_the_object() {
    let scene = Scene::new(5).await;
    let entry = |id: &str, created: &str| {
        format!(
            "{{\"_id\":{id},\"createdAt\":\"{created}\",\"notAfter\":\"9000-12-31T23:59:59Z\",\"subject\":\"CN=app\"}}"
        )
    };
    let page = |entries: &str, links: &str| {
        format!("{{\"links\":[{links}],\"results\":[{entries}],\"totalCount\":-1}}")
    };
    let at = |id: &str| page(&entry(id, "2026-01-01T00:00:00Z"), "");
    let next = "{\"rel\":\"next\",\"href\":\"x\"}";
    let before = scene.instance.clone().expect("an object").to_json();
    // Within ten minutes of its issue, an unlisted certificate counts as active.
    scene.atlas.control().advance(Duration::from_secs(11 * 60));
    for body in [
        "[".repeat(100_000),
        "{\"results\":".repeat(100_000),
        page(&"[".repeat(100_000), ""),
        at("1e999999999"),
        at(&"9".repeat(1_000_000)),
        at("null"),
        at("0.5"),
        page(&entry("-1", "-9999-01-01T00:00:00Z"), ""),
        page(&entry("1", "2026-02-30T25:61:61Z"), ""),
        page(&vec![entry("1", "2026-01-01T00:00:00Z"); 20_000].join(","), ""),
        // A next page without end.
        page(&entry("1", "2026-01-01T00:00:00Z"), next),
        "null".to_owned(),
        "{}".to_owned(),
    ] {
        let answer = Answer::text(200, "application/json", &body);
        scene.fault(Endpoint::ListCertificates, |fault| fault.refuse(answer));
        let mut after = scene.instance.clone();
        let refreshed = scene.host.refresh(&mut after).await;
        let body = &body[..body.len().min(200)];
        assert!(!refreshed.removed, "{body}");
        let mut after = after.expect("the object stays").to_json();
        // A list without our certificate may mean that it is missing. Everything else stays.
        if !refreshed.diagnostics.has_errors() {
            assert_eq!(refreshed.changed, ["status"], "{body}");
            after["attributes"]["status"] = before["attributes"]["status"].clone();
        }
        assert_eq!(after, before, "{body}");
        scene.atlas.control().clear_faults();
    }
    assert_eq!(scene.atlas.control().issued_count(), 1);
}

/// The peak memory of the provider in KiB; 0 on systems other than Linux, which do not report it.
fn peak(core: &Core) -> u64 {
    if !cfg!(target_os = "linux") {
        return 0;
    }
    let process = core.provider.process().expect("a process");
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid));
    let status = status.expect("the status of the process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    peak.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
