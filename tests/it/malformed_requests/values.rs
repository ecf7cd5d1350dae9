//! Values that do not fit the schema, or are not values at all.

use serde_json::{Value as Json, json};
use tf_harness::{
    pb::tfplugin5::{self as pb, DynamicValue},
    value::{Type, decode, encode, with},
};

use super::{TYPE, Unconfigured, is_error, one_error, place};
use crate::support::atlas::PROJECT;

#[tokio::test]
async fn value_of_another_type_is_refused_at_its_path() {
    let provider = Unconfigured::start().await;
    let in_timeouts = Type::Object([("create".to_owned(), Type::Bool)].into());
    for (name, ty, value, at) in [
        ("months_until_expiration", Type::Bool, json!(true), "months_until_expiration"),
        ("auto_renew", Type::Number, json!(1), "auto_renew"),
        ("username", Type::List(Type::String.into()), json!(["app"]), "username"),
        (
            "private_key_recipients",
            Type::List(Type::Number.into()),
            json!([1]),
            "private_key_recipients[0]",
        ),
        (
            "rotate_when_changed",
            Type::Map(Type::Bool.into()),
            json!({ "k": true }),
            "rotate_when_changed[\"k\"]",
        ),
        ("timeouts", in_timeouts, json!({ "create": true }), "timeouts"),
        // An attribute that the schema does not have.
        ("extra", Type::String, json!("x"), ""),
    ] {
        let Type::Object(mut types) = provider.ty() else { unreachable!("a block is an object") };
        types.insert(name.to_owned(), ty);
        let object = with(provider.object(config()), name, value);
        let error = provider.refusal(encode(&object, &Type::Object(types))).await;
        assert!(place(&error).starts_with(at), "{name}: {error:#?}");
        assert!(error.detail.contains(at), "{name}: {error:#?}");
    }
}

#[tokio::test]
async fn truncated_and_extended_msgpack_is_refused() {
    let provider = Unconfigured::start().await;
    let whole = provider.encoded(config());
    assert_eq!(provider.validate(whole.clone()).await, []);
    let longer = [&whole.msgpack[..], b"\xc0"].concat();
    for length in 0..whole.msgpack.len() {
        provider.refusal(msgpack(&whole.msgpack[..length])).await;
    }
    provider.refusal(msgpack(&longer)).await;
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let provider = Unconfigured::start().await;
    for byte in [b"\x91", b"\x81", b"\xdc", b"\xdf"] {
        provider.refusal(msgpack(&byte.repeat(1 << 20))).await;
    }
    provider.refusal(json_value(&b"[".repeat(1 << 20))).await;
    assert_eq!(provider.validate(provider.encoded(config())).await, []);
}

#[tokio::test]
async fn null_in_a_required_and_a_value_in_a_computed_attribute_are_refused() {
    let provider = Unconfigured::start().await;
    let nulls = json!({ "project_id": null, "username": null, "months_until_expiration": 3 });
    let diagnostics = provider.validate(provider.encoded(nulls)).await;
    let errors = diagnostics.iter().filter(|it| is_error(it));
    let mut places: Vec<_> = errors.map(place).collect();
    places.sort();
    places.dedup();
    assert_eq!(places, ["project_id", "username"]);

    let object = with(provider.object(config()), "certificate_id", "1");
    let error = provider.refusal(encode(&object, &provider.ty())).await;
    assert_eq!(place(&error), "certificate_id");
}

#[tokio::test]
async fn value_outside_of_its_choices_is_refused_with_the_choices() {
    let provider = Unconfigured::start().await;
    let config = with(config(), "pkcs12_profile", "ancient");
    let error = provider.refusal(provider.encoded(config)).await;
    assert_eq!(place(&error), "pkcs12_profile");
    assert!(error.detail.contains("modern") && error.detail.contains("legacy"), "{error:?}");

    let block = json!({ "api_version": "v9", "access_token": "x" });
    let diagnostics = provider.core.configure(block).await.unwrap();
    let error = diagnostics.at("api_version").expect("an error at the argument");
    assert!(error.contains("v1.0") && error.contains("v2"), "{error:?}");
}

#[tokio::test]
async fn empty_dynamic_value_is_null() {
    let provider = Unconfigured::start().await;
    let mut client = provider.core.provider().client();
    provider.refusal(DynamicValue::default()).await;
    let read = pb::read_resource::Request { type_name: TYPE.to_owned(), ..Default::default() };
    one_error(&client.read_resource(read).await.unwrap().into_inner().diagnostics);

    let plan = pb::plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: Some(provider.encoded(config())),
        proposed_new_state: Some(DynamicValue::default()),
        ..Default::default()
    };
    let planned = client.plan_resource_change(plan).await.unwrap().into_inner();
    assert!(!planned.diagnostics.iter().any(is_error));
    let planned = decode(planned.planned_state.as_ref(), &provider.ty()).unwrap();
    assert!(planned.is_null(), "a destroy plan");
}

#[tokio::test]
async fn json_value_is_read_like_msgpack_and_not_repeated_in_an_error() {
    let provider = Unconfigured::start().await;
    let object = provider.object(config());
    let given = |object: &Json| json_value(object.to_string().as_bytes());
    assert_eq!(provider.validate(given(&object)).await, []);
    for months in [json!(25), json!({})] {
        let object = with(object.clone(), "months_until_expiration", months);
        let error = provider.refusal(given(&object)).await;
        assert_eq!(place(&error), "months_until_expiration");
    }
    let error = provider.refusal(json_value(b"{\"username\": \"hunter2hunter2")).await;
    assert!(!error.detail.contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn stored_state_is_read_with_missing_and_unknown_attributes_and_else_refused() {
    let provider = Unconfigured::start().await;
    let upgrade = async |raw_state: pb::RawState, version| {
        let request = pb::upgrade_resource_state::Request {
            type_name: TYPE.to_owned(),
            version,
            raw_state: Some(raw_state),
        };
        let mut client = provider.core.provider().client();
        client.upgrade_resource_state(request).await.unwrap().into_inner()
    };
    let raw = |json: &str| pb::RawState { json: json.as_bytes().to_vec(), ..Default::default() };
    let sparse = json!({ "project_id": PROJECT, "from_the_future": 1 });
    let response = upgrade(raw(&sparse.to_string()), 0).await;
    assert_eq!(response.diagnostics, []);
    let state = decode(response.upgraded_state.as_ref(), &provider.ty()).unwrap();
    assert_eq!((&state["project_id"], &state["combined_pem"]), (&json!(PROJECT), &Json::Null));

    let flat =
        pb::RawState { flatmap: [("id".to_owned(), "x".to_owned())].into(), ..Default::default() };
    let malformed = ["null", "", "[]", "{"].map(|text| (raw(text), 0));
    for (raw, version) in malformed.into_iter().chain([(raw("{}"), 7), (flat, 0)]) {
        let response = upgrade(raw.clone(), version).await;
        one_error(&response.diagnostics);
        assert_eq!(response.upgraded_state, None, "{raw:?}");
    }
}

fn config() -> Json {
    json!({ "project_id": PROJECT, "username": "app" })
}

fn msgpack(bytes: &[u8]) -> DynamicValue {
    DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() }
}

fn json_value(bytes: &[u8]) -> DynamicValue {
    DynamicValue { msgpack: Vec::new(), json: bytes.to_vec() }
}
