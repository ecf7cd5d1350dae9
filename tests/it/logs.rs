//! What the provider writes to its log: what hosts understand, as much as they ask for.

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas};
use serde_json::json;
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
