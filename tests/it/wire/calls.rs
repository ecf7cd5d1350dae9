//! Calls in any order, at any size and many at once.

use std::collections::BTreeSet;

use serde_json::json;
use tf_host::{
    pb::tfplugin5::{self as pb},
    value::{Value, refined, unknown},
    wire::{decode, encode},
};

use super::{TYPE, Wire, one_error};
use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{Temporary, configured},
};

#[tokio::test]
async fn what_this_provider_does_not_have_is_refused_by_name() {
    let wire = Wire::start().await;
    let provider = wire.provider();
    let type_name = || "atlas_nonsense".to_owned();
    macro_rules! refusals {
        ($($method:ident { $field:ident } ),* $(,)?) => {
            vec![$((stringify!($method), {
                let request = pb::$method::Request { $field: type_name(), ..Default::default() };
                provider.$method(request).await.expect("an answer").diagnostics
            })),*]
        };
    }
    let told = refusals!(
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
    for (method, diagnostics) in told {
        assert!(
            one_error(&diagnostics).detail.contains("atlas_nonsense"),
            "{method}: {diagnostics:#?}"
        );
    }
    let request = pb::call_function::Request {
        name: type_name(),
        arguments: Vec::new(),
    };
    let error = provider
        .call_function(request)
        .await
        .unwrap()
        .error
        .expect("an error");
    assert!(error.text.contains("atlas_nonsense"), "{error:?}");
}

#[tokio::test]
async fn every_way_to_ask_for_the_offer_gives_the_same_one() {
    let wire = Wire::start().await;
    let schema = wire.core.schema();
    assert!(schema.capabilities.plan_destroy && schema.capabilities.get_provider_schema_optional);
    assert!(schema.capabilities.move_resource_state);
    let metadata = wire
        .provider()
        .get_metadata(pb::get_metadata::Request {})
        .await
        .unwrap();
    let names: BTreeSet<_> = metadata
        .resources
        .iter()
        .map(|it| it.type_name.clone())
        .collect();
    assert_eq!(names, schema.resources.keys().cloned().collect());
    let names: BTreeSet<_> = metadata
        .data_sources
        .iter()
        .map(|it| it.type_name.clone())
        .collect();
    assert_eq!(names, schema.data_sources.keys().cloned().collect());
    let names: BTreeSet<_> = metadata
        .ephemeral_resources
        .iter()
        .map(|it| it.type_name.clone())
        .collect();
    assert_eq!(names, schema.ephemeral_resources.keys().cloned().collect());
    let names: BTreeSet<_> = metadata
        .functions
        .iter()
        .map(|it| it.name.clone())
        .collect();
    assert_eq!(names, schema.functions.keys().cloned().collect());
    let functions = wire
        .provider()
        .get_functions(pb::get_functions::Request {})
        .await
        .unwrap()
        .functions;
    assert_eq!(names, functions.into_keys().collect());
}

#[tokio::test]
async fn an_unconfigured_process_validates_and_plans_and_says_why_it_does_nothing_more() {
    let wire = Wire::start().await;
    let config = json!({ "project_id": PROJECT, "username": "app" });
    let plan = wire
        .core
        .plan_config(TYPE, None, config.clone())
        .await
        .unwrap();
    assert_eq!(plan.planned["status"], "active");

    let null = encode(&Value::Null, &wire.ty());
    let apply = pb::apply_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: Some(null.clone()),
        planned_state: Some(encode(&plan.planned, &wire.ty())),
        config: Some(wire.encoded(config.clone())),
        ..Default::default()
    };
    let applied = wire.provider().apply_resource_change(apply).await.unwrap();
    assert!(
        one_error(&applied.diagnostics)
            .summary
            .contains("not configured"),
        "{applied:#?}"
    );
    assert!(
        decode(applied.new_state.as_ref(), &wire.ty())
            .unwrap()
            .is_null(),
        "nothing was made"
    );

    let state = wire.object(config).with("certificate_id", "1");
    let read = pb::read_resource::Request {
        type_name: TYPE.to_owned(),
        current_state: Some(encode(&state, &wire.ty())),
        private: b"ours".to_vec(),
        ..Default::default()
    };
    let read = wire.provider().read_resource(read).await.unwrap();
    one_error(&read.diagnostics);
    assert_eq!(
        decode(read.new_state.as_ref(), &wire.ty()).unwrap(),
        state,
        "nothing was learned"
    );
    assert_eq!(read.private, b"ours");
}

#[tokio::test]
async fn the_last_configuration_counts() {
    let (temporary, before, after) = (Temporary::new(), atlas(&["app"]), atlas(&["app"]));
    let core = configured(&before, temporary.options()).await;
    let credentials = after.control().credentials();
    let block = json!({ "base_url": after.base_url(), "access_token": credentials.access_token });
    core.configure(block).await.unwrap().ok().unwrap();
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config(TYPE, &mut None, config)
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(
        (
            before.control().issued_count(),
            after.control().issued_count()
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn a_refused_configuration_leaves_the_one_before() {
    let (temporary, atlas) = (Temporary::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    let refused = core
        .configure(json!({ "base_url": "http://example.com" }))
        .await
        .unwrap();
    assert!(refused.has_errors());
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config(TYPE, &mut None, config)
        .await
        .unwrap()
        .ok()
        .unwrap();
}

#[tokio::test]
async fn what_is_unknown_is_neither_judged_nor_lost() {
    let wire = Wire::start().await;
    let config = json!({ "project_id": PROJECT, "username": refined("app-"), "months_until_expiration": unknown() });
    let diagnostics = wire.validate(wire.encoded(config.clone())).await;
    assert_eq!(diagnostics, []);
    let plan = wire.core.plan_config(TYPE, None, config).await.unwrap();
    assert!(plan.planned["username"].is_unknown() && plan.planned["id"].is_unknown());
}
