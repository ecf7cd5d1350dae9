//! The provider's log: lines that hosts can parse, at the level that they request.

use std::collections::BTreeSet;

use local_atlas::{Answer, Endpoint, Fault};
use serde_json::{Map, Value as Json, json};
use tf_harness::{core::Core, plugin::SpawnOptions};

use crate::support::{
    atlas::atlas,
    fixture::TYPE,
    in_process::{config, with},
    plugin::{ScratchDir, configured},
};

#[tokio::test]
async fn every_line_is_a_record_that_hosts_understand() {
    let mut rpcs = BTreeSet::new();
    for line in lines(|options| options.env("TF_LOG", "TRACE")).await {
        let record = record(&line).unwrap_or_else(|| panic!("not a record: {line}"));
        assert!(record.contains_key("@module"), "{line}");
        rpcs.extend(record.get("tf_rpc").and_then(Json::as_str).map(str::to_owned));
    }
    for rpc in ["Configure", "PlanResourceChange", "ApplyResourceChange", "ReadResource"] {
        assert!(rpcs.contains(rpc), "{rpc} is not among {rpcs:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_unless_it_is_requested() {
    let settings: [fn(SpawnOptions) -> SpawnOptions; 4] = [
        |options| options,
        |options| options.env("TF_LOG", "OFF"),
        |options| options.env("TF_LOG", "ERROR"),
        // The provider's own variable has precedence.
        |options| options.env("TF_LOG", "TRACE").env("TF_LOG_PROVIDER_ATLAS", "OFF"),
    ];
    for set in settings {
        assert_eq!(lines(set).await, Vec::<String>::new());
    }
}

/// The log of a certificate that is issued, refused, refreshed and destroyed.
async fn lines(set: fn(SpawnOptions) -> SpawnOptions) -> Vec<String> {
    let (scratch, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, set(scratch.options())).await;
    let months = |months| with(&config("app"), json!({ "months_until_expiration": months }));
    let mut instance = None;
    let resource = core.resource(TYPE);
    resource.apply_config(&mut instance, months(3)).await.unwrap().ok().unwrap();
    let refusal = Answer::api_error(403, "FORBIDDEN", "no");
    atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(refusal));
    let refused = resource.apply_config(&mut instance, months(6)).await.unwrap();
    assert!(refused.diagnostics.has_errors());
    assert!(resource.plan(None, months(25)).await.is_ok());
    resource.refresh(&mut instance).await.unwrap();
    resource.destroy(&mut instance).await.unwrap();
    core.provider.shutdown().await;
    core.provider.log_lines()
}

#[tokio::test]
async fn every_line_of_two_parallel_applies_names_its_request() {
    let (scratch, atlas) = (ScratchDir::new(), atlas(&["one", "two"]));
    let core = configured(&atlas, scratch.options().env("TF_LOG", "TRACE")).await;
    let apply = async |core: &Core, user| {
        core.resource(TYPE).apply_config(&mut None, config(user)).await.unwrap().ok().unwrap()
    };
    tokio::join!(apply(&core, "one"), apply(&core, "two"));
    core.provider.shutdown().await;
    let lines = core.provider.log_lines();
    let records: Vec<Json> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_apply = |record: &Json| record["tf_rpc"] == "ApplyResourceChange";
    let first = records.iter().position(is_apply).unwrap();
    let last = records.iter().rposition(is_apply).unwrap();

    let (mut requests, mut posts) = (BTreeSet::new(), BTreeSet::new());
    for record in &records[first..=last] {
        let id = record["tf_req_id"].as_str();
        let id = id.unwrap_or_else(|| panic!("no tf_req_id in {record}"));
        assert_eq!(record["tf_resource_type"], TYPE);
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

/// A line as a host parses it: an object of at most 64 KiB with a known level, a message, and a time in RFC 3339 with six
/// fraction digits. A host shows any other line as it is; a message that is not a string crashes it.
fn record(line: &str) -> Option<Map<String, Json>> {
    let record: Map<String, Json> = serde_json::from_str(line).ok()?;
    let text = |key| record.get(key)?.as_str();
    let digit = |it: char| if it.is_ascii_digit() { '0' } else { it };
    let is_valid = ["trace", "debug", "info", "warn", "error"].contains(&text("@level")?)
        && text("@timestamp")?.chars().map(digit).eq("0000-00-00T00:00:00.000000Z".chars())
        && line.len() <= 64 * 1024;
    text("@message").filter(|_| is_valid)?;
    Some(record)
}
