//! What the provider writes to its log: what hosts understand, as much as they ask for.

use std::collections::BTreeSet;

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas};
use serde_json::{Value, json};
use tf_host::{
    core::Core,
    process::{LogLine, SpawnOptions},
};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{Temporary, configured},
};

#[tokio::test]
async fn every_line_is_a_record_that_hosts_understand() {
    let (temporary, atlas) = (Temporary::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options().log("TRACE")).await;
    walk(&core, &atlas).await;
    core.provider().shutdown().await;
    let lines = core
        .provider()
        .process()
        .unwrap()
        .stderr
        .records()
        .expect("no malformed record");
    let mut rpcs = Vec::new();
    for line in lines {
        let LogLine::Record(record) = line else {
            panic!("not a record: {line:?}")
        };
        assert!(record.fields.contains_key("@module"), "{record:?}");
        rpcs.extend(
            record
                .fields
                .get("tf_rpc")
                .and_then(|rpc| rpc.as_str().map(str::to_owned)),
        );
    }
    for rpc in [
        "Configure",
        "PlanResourceChange",
        "ApplyResourceChange",
        "ReadResource",
    ] {
        assert!(
            rpcs.iter().any(|seen| seen == rpc),
            "{rpc} is not among {rpcs:?}"
        );
    }
}

#[tokio::test]
async fn nothing_is_written_unless_it_is_asked_for() {
    for level in [None, Some("OFF"), Some("ERROR")] {
        let (temporary, atlas) = (Temporary::new(), atlas(&["app"]));
        let options = level
            .into_iter()
            .fold(temporary.options(), SpawnOptions::log);
        let core = configured(&atlas, options).await;
        walk(&core, &atlas).await;
        core.provider().shutdown().await;
        assert_eq!(
            core.provider().log_lines(),
            Vec::<String>::new(),
            "{level:?}"
        );
    }
}

#[tokio::test]
async fn the_providers_own_variable_decides_how_much() {
    let (temporary, atlas) = (Temporary::new(), atlas(&["app"]));
    let options = temporary
        .options()
        .log("TRACE")
        .env("TF_LOG_PROVIDER_ATLAS", "OFF");
    let core = configured(&atlas, options).await;
    walk(&core, &atlas).await;
    core.provider().shutdown().await;
    assert_eq!(core.provider().log_lines(), Vec::<String>::new());
}

#[tokio::test]
async fn every_line_of_two_parallel_applies_names_its_request() {
    let (temporary, atlas) = (Temporary::new(), atlas(&["one", "two"]));
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
    let records: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let is_apply = |record: &Value| record["tf_rpc"] == "ApplyResourceChange";
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
    resource
        .apply_config(&mut instance, config(3))
        .await
        .unwrap()
        .ok()
        .unwrap();
    atlas.control().add_fault(
        Fault::on(Endpoint::IssueCertificate).refuse(Answer::api_error(403, "FORBIDDEN", "no")),
    );
    let refused = resource
        .apply_config(&mut instance, config(6))
        .await
        .unwrap();
    assert!(refused.diagnostics.has_errors());
    assert!(
        core.plan_config("atlas_user_certificate", None, config(25))
            .await
            .is_ok()
    );
    resource.refresh(&mut instance).await.unwrap();
    resource.destroy(&mut instance).await.unwrap();
}
