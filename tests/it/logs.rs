//! What the provider writes to its log: what hosts understand, as much as they ask for.

use std::collections::BTreeSet;

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas};
use serde_json::{Map, Value as Json, json};
use tf_harness::{core::Core, plugin::SpawnOptions};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{ScratchDir, configured},
};

#[tokio::test]
async fn every_line_is_a_record_that_hosts_understand() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options().log("TRACE")).await;
    walk(&core, &atlas).await;
    core.provider().shutdown().await;
    let mut rpcs = Vec::new();
    for line in core.provider().log_lines() {
        let record = record(&line).unwrap_or_else(|| panic!("not a record: {line}"));
        assert!(record.contains_key("@module"), "{line}");
        let rpc = record.get("tf_rpc").and_then(Json::as_str);
        rpcs.extend(rpc.map(str::to_owned));
    }
    for rpc in ["Configure", "PlanResourceChange", "ApplyResourceChange", "ReadResource"] {
        assert!(rpcs.iter().any(|seen| seen == rpc), "{rpc} is not among {rpcs:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_unless_it_is_asked_for() {
    for level in [None, Some("OFF"), Some("ERROR")] {
        let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
        let options = level.into_iter().fold(temporary.options(), SpawnOptions::log);
        let core = configured(&atlas, options).await;
        walk(&core, &atlas).await;
        core.provider().shutdown().await;
        assert_eq!(core.provider().log_lines(), Vec::<String>::new(), "{level:?}");
    }
}

#[tokio::test]
async fn the_providers_own_variable_decides_how_much() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let options = temporary.options().log("TRACE").env("TF_LOG_PROVIDER_ATLAS", "OFF");
    let core = configured(&atlas, options).await;
    walk(&core, &atlas).await;
    core.provider().shutdown().await;
    assert_eq!(core.provider().log_lines(), Vec::<String>::new());
}

#[tokio::test]
async fn every_line_of_two_parallel_applies_names_its_request() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["one", "two"]));
    let core = configured(&atlas, temporary.options().log("TRACE")).await;
    let apply = async |username: &str| {
        let config = json!({ "project_id": PROJECT, "username": username });
        let mut instance = None;
        let resource = core.resource("atlas_user_certificate");
        let applied = resource.apply_config(&mut instance, config).await;
        applied.unwrap().ok().unwrap();
    };
    tokio::join!(apply("one"), apply("two"));
    core.provider().shutdown().await;
    let lines = core.provider().log_lines();
    let records: Vec<Json> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_apply = |record: &Json| record["tf_rpc"] == "ApplyResourceChange";
    let first = records.iter().position(is_apply).unwrap();
    let last = records.iter().rposition(is_apply).unwrap();

    let mut requests = BTreeSet::new();
    let mut posts = BTreeSet::new();
    for record in &records[first..=last] {
        let id = record["tf_req_id"].as_str();
        let id = id.unwrap_or_else(|| panic!("no tf_req_id in {record}"));
        assert_eq!(record["tf_resource_type"], "atlas_user_certificate");
        if is_apply(record) {
            requests.insert(id);
            if record["http.method"] == "POST" && !record["http.status"].is_null() {
                posts.insert(id);
            }
        }
    }
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(posts, requests, "each certificate request names its apply");
}

/// A certificate issued, refused, refreshed and destroyed.
async fn walk(core: &Core, atlas: &LocalAtlas) {
    let config = |months| json!({ "project_id": PROJECT, "username": "app", "months_until_expiration": months });
    let mut instance = None;
    let resource = core.resource("atlas_user_certificate");
    resource.apply_config(&mut instance, config(3)).await.unwrap().ok().unwrap();
    atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(Answer::api_error(
        403,
        "FORBIDDEN",
        "no",
    )));
    let refused = resource.apply_config(&mut instance, config(6)).await.unwrap();
    assert!(refused.diagnostics.has_errors());
    assert!(core.plan_config("atlas_user_certificate", None, config(25)).await.is_ok());
    resource.refresh(&mut instance).await.unwrap();
    resource.destroy(&mut instance).await.unwrap();
}

/// A line as a host parses it: an object of at most 64 KiB with a known level, a message, and a time in RFC 3339 with six
/// fraction digits. A host shows any other line as it is; a message that is not a string crashes it.
fn record(line: &str) -> Option<Map<String, Json>> {
    let record: Map<String, Json> = serde_json::from_str(line).ok()?;
    let text = |key| record.get(key)?.as_str();
    let time = text("@timestamp")?;
    let (time, zone) = time.split_at_checked(26)?;
    let digits: String =
        time.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    let sound = ["trace", "debug", "info", "warn", "error"].contains(&text("@level")?)
        && digits == "0000-00-00T00:00:00.000000"
        && zone == "Z"
        && line.len() <= 64 * 1024;
    text("@message").filter(|_| sound)?;
    Some(record)
}
