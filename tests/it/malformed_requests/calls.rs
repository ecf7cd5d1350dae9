//! Calls in an unusual order, and of unusual size.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use tf_harness::{
    pb::tfplugin5::{self as pb, DynamicValue},
    value::{decode, encode, is_unknown, refined, unknown},
};

use super::{Unconfigured, one_error};
use crate::support::{
    atlas::atlas,
    fixture::TYPE,
    in_process::{config, in_process, with},
};

#[tokio::test]
async fn large_messages_pass_both_ways_and_are_not_repeated_in_errors() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider.client();
    let (_atlas, host) = in_process(&["app"]).await;
    let large = "x".repeat(20 << 20);
    let config = with(&config("app"), json!({ "rotate_when_changed": { "k": large } }));
    let plan = host.plan(None, &config).await;
    assert_eq!(plan.planned["rotate_when_changed"]["k"], large);

    let block = json!({ "ca_bundle_pem": large });
    let diagnostics = provider.core.validate_provider(block).await.unwrap();
    assert!(diagnostics.at("ca_bundle_pem").is_some_and(|it| it.detail.len() < 1000));
    let huge = DynamicValue { msgpack: vec![b'['; 64 << 20], json: Vec::new() };
    assert!(one_error(&provider.validate(huge).await).detail.len() < 1000);
    let read = pb::read_resource::Request { type_name: large, ..Default::default() };
    let response = client.read_resource(read).await.unwrap().into_inner();
    assert!(one_error(&response.diagnostics).detail.len() < 1000);
}

#[tokio::test]
async fn functions_are_those_of_the_schema() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider.client();
    let schema = provider.core.schema;
    assert!(schema.capabilities.plan_destroy && schema.capabilities.get_provider_schema_optional);
    assert!(schema.capabilities.move_resource_state);
    let request = pb::get_functions::Request {};
    let functions = client.get_functions(request).await.unwrap().into_inner().functions;
    assert_eq!(functions.keys().collect::<BTreeSet<_>>(), schema.functions.keys().collect());
}

#[tokio::test]
async fn unconfigured_process_validates_and_refuses_the_rest() {
    let provider = Unconfigured::start().await;
    let ty = provider.ty();
    let mut client = provider.core.provider.client();
    let config = provider.encoded(config("app"));
    assert_eq!(provider.validate(config.clone()).await, []);
    let (type_name, config) = (TYPE.to_owned(), Some(config));
    let plan = pb::plan_resource_change::Request {
        type_name: type_name.clone(),
        proposed_new_state: config.clone(),
        config: config.clone(),
        ..Default::default()
    };
    let planned = client.plan_resource_change(plan).await.unwrap().into_inner();
    assert_eq!(one_error(&planned.diagnostics).summary, "Provider not configured");
    let apply = pb::apply_resource_change::Request {
        type_name: type_name.clone(),
        planned_state: config.clone(),
        config,
        ..Default::default()
    };
    let applied = client.apply_resource_change(apply).await.unwrap().into_inner();
    one_error(&applied.diagnostics);
    assert_eq!(decode(applied.new_state.as_ref(), &ty), Ok(Json::Null));
    let private = b"ours".to_vec();
    for (changes, title) in [
        (json!({ "certificate_id": "1" }), "Provider not configured"),
        (json!({ "status": "of another version" }), "Stored object cannot be read"),
    ] {
        let state = with(&provider.object(self::config("app")), changes);
        let current_state = Some(encode(&state, &ty));
        let (type_name, private) = (type_name.clone(), private.clone());
        let read =
            pb::read_resource::Request { type_name, current_state, private, ..Default::default() };
        let read = client.read_resource(read).await.unwrap().into_inner();
        assert_eq!(one_error(&read.diagnostics).summary, title);
        assert_eq!(decode(read.new_state.as_ref(), &ty), Ok(state));
        assert_eq!(read.private, b"ours");
    }
}

#[tokio::test]
async fn latest_accepted_configuration_counts() {
    let ((before, host), after) = (in_process(&["app"]).await, atlas(&["app"]));
    let token = after.control().credentials().access_token;
    let block = json!({ "base_url": after.base_url(), "access_token": token });
    host.configure(block).await.unwrap().ok().unwrap();
    let refused = host.configure(json!({ "base_url": "http://example.com" })).await.unwrap();
    assert!(refused.has_errors());
    host.resource(TYPE).apply_config(&mut None, config("app")).await.unwrap().ok().unwrap();
    let issued = [before, after].map(|atlas| atlas.control().issued_count());
    assert_eq!(issued, [0, 1]);
}

#[tokio::test]
async fn unknown_values_are_neither_refused_nor_replaced() {
    let (_atlas, host) = in_process(&["app"]).await;
    let unknowns = json!({ "username": refined("app-"), "months_until_expiration": unknown() });
    let config = with(&config("app"), unknowns);
    let validated = host.resource(TYPE).validate(config.clone()).await.unwrap();
    assert!(validated.is_empty(), "{validated}");
    let plan = host.plan(None, &config).await;
    assert!(is_unknown(&plan.planned["username"]) && is_unknown(&plan.planned["id"]));
}
