//! Calls for a type that does not exist, in an unusual order, and of unusual size.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use tf_harness::{
    pb::tfplugin5::{self as pb, DynamicValue},
    value::{decode, encode, is_unknown, refined, unknown, with},
};

use super::{TYPE, Unconfigured, one_error};
use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{ScratchDir, configured},
};

#[tokio::test]
async fn large_messages_pass_both_ways_and_are_not_repeated_in_errors() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider().client();
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    let large = "x".repeat(20 << 20);
    let config = with(config(), "rotate_when_changed", json!({ "k": large }));
    let plan = core.plan_config(TYPE, None, config).await.unwrap();
    assert_eq!(plan.planned["rotate_when_changed"]["k"], large);

    let block = json!({ "ca_bundle_pem": large });
    let diagnostics = provider.core.validate_provider(block).await.unwrap();
    assert!(diagnostics.at("ca_bundle_pem").is_some_and(|it| it.detail.len() < 1000));
    let huge = DynamicValue { msgpack: vec![b'['; 64 << 20], json: Vec::new() };
    assert!(provider.refusal(huge).await.detail.len() < 1000);
    let read = pb::read_resource::Request { type_name: large, ..Default::default() };
    let response = client.read_resource(read).await.unwrap().into_inner();
    assert!(one_error(&response.diagnostics).detail.len() < 1000);
}

#[tokio::test]
async fn unknown_type_or_function_is_refused_by_name() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider().client();
    let type_name = || "atlas_nonsense".to_owned();
    macro_rules! refusals {
        ($($method:ident { $field:ident } ),* $(,)?) => {
            vec![$((stringify!($method), {
                let request = pb::$method::Request { $field: type_name(), ..Default::default() };
                client.$method(request).await.expect("a response").into_inner().diagnostics
            })),*]
        };
    }
    let refusals = refusals!(
        validate_resource_type_config { type_name },
        upgrade_resource_state { type_name },
        read_resource { type_name },
        plan_resource_change { type_name },
        apply_resource_change { type_name },
        import_resource_state { type_name },
        move_resource_state { target_type_name },
        validate_data_source_config { type_name },
        read_data_source { type_name },
        validate_ephemeral_resource_config { type_name },
        open_ephemeral_resource { type_name },
        renew_ephemeral_resource { type_name },
        close_ephemeral_resource { type_name },
    );
    for (method, diagnostics) in refusals {
        let error = one_error(&diagnostics);
        assert!(error.detail.contains("atlas_nonsense"), "{method}: {error:#?}");
    }
    let request = pb::call_function::Request { name: type_name(), arguments: Vec::new() };
    let response = client.call_function(request).await.unwrap().into_inner();
    let error = response.error.expect("an error");
    assert!(error.text.contains("atlas_nonsense"), "{error:?}");
}

#[tokio::test]
async fn functions_are_those_of_the_schema() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider().client();
    let schema = provider.core.schema();
    assert!(schema.capabilities.plan_destroy && schema.capabilities.get_provider_schema_optional);
    assert!(schema.capabilities.move_resource_state);
    let request = pb::get_functions::Request {};
    let functions = client.get_functions(request).await.unwrap().into_inner().functions;
    assert_eq!(functions.keys().collect::<BTreeSet<_>>(), schema.functions.keys().collect());
}

#[tokio::test]
async fn unconfigured_process_validates_and_refuses_the_rest() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider().client();
    let config = provider.encoded(config());
    assert_eq!(provider.validate(config.clone()).await, []);
    let null = || Some(encode(&Json::Null, &provider.ty()));
    let plan = pb::plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: null(),
        proposed_new_state: Some(config.clone()),
        config: Some(config.clone()),
        ..Default::default()
    };
    let planned = client.plan_resource_change(plan).await.unwrap().into_inner();
    assert!(one_error(&planned.diagnostics).summary.contains("not configured"), "{planned:#?}");
    let apply = pb::apply_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: null(),
        planned_state: Some(config.clone()),
        config: Some(config),
        ..Default::default()
    };
    let applied = client.apply_resource_change(apply).await.unwrap().into_inner();
    one_error(&applied.diagnostics);
    assert_eq!(decode(applied.new_state.as_ref(), &provider.ty()), Ok(Json::Null));

    let state = with(provider.object(self::config()), "certificate_id", "1");
    let read = pb::read_resource::Request {
        type_name: TYPE.to_owned(),
        current_state: Some(encode(&state, &provider.ty())),
        private: b"ours".to_vec(),
        ..Default::default()
    };
    let read = client.read_resource(read).await.unwrap().into_inner();
    one_error(&read.diagnostics);
    assert_eq!(decode(read.new_state.as_ref(), &provider.ty()), Ok(state));
    assert_eq!(read.private, b"ours");
}

#[tokio::test]
async fn latest_accepted_configuration_counts() {
    let (temporary, before, after) = (ScratchDir::new(), atlas(&["app"]), atlas(&["app"]));
    let core = configured(&before, temporary.options()).await;
    let token = after.control().credentials().access_token;
    let block = json!({ "base_url": after.base_url(), "access_token": token });
    core.configure(block).await.unwrap().ok().unwrap();
    let refused = core.configure(json!({ "base_url": "http://example.com" })).await.unwrap();
    assert!(refused.has_errors());
    let created = core.apply_config(TYPE, &mut None, config()).await.unwrap();
    created.ok().unwrap();
    let issued = [before, after].map(|atlas| atlas.control().issued_count());
    assert_eq!(issued, [0, 1]);
}

#[tokio::test]
async fn unknown_values_are_neither_refused_nor_replaced() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    let config = json!({ "project_id": PROJECT, "username": refined("app-"), "months_until_expiration": unknown() });
    let validated = core.resource(TYPE).validate(config.clone()).await.unwrap();
    assert!(validated.is_empty(), "{validated}");
    let plan = core.plan_config(TYPE, None, config).await.unwrap();
    assert!(is_unknown(&plan.planned["username"]) && is_unknown(&plan.planned["id"]));
}

fn config() -> Json {
    json!({ "project_id": PROJECT, "username": "app" })
}
