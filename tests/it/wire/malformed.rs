//! Values that do not fit the schema, or are no values at all.

use serde_json::json;
use tf_host::{
    pb::tfplugin5::{self as pb, DynamicValue},
    ty::Type,
    value::Value,
    wire::encode,
};

use super::{TYPE, Wire, is_error, one_error, place};
use crate::support::atlas::PROJECT;

/// A configuration with the type of one attribute changed, and a value of that type.
fn twisted(wire: &Wire, name: &str, ty: Type, value: impl Into<Value>) -> DynamicValue {
    let Type::Object(mut attributes) = wire.ty() else {
        unreachable!("a block is an object")
    };
    attributes.insert(name.to_owned(), ty);
    let object = wire
        .object(json!({ "project_id": PROJECT, "username": "app" }))
        .with(name, value);
    encode(&object, &Type::Object(attributes))
}

#[tokio::test]
async fn a_value_of_another_type_is_refused_with_its_place() {
    let wire = Wire::start().await;
    let strings = |key: &str, ty| (Type::object([(key, ty)]), Value::Bool(true));
    let (in_timeouts, truth) = strings("create", Type::Bool);
    let cases = [
        (
            "months_until_expiration",
            Type::Bool,
            Value::Bool(true),
            "months_until_expiration",
        ),
        ("auto_renew", Type::Number, 1.into(), "auto_renew"),
        (
            "username",
            Type::List(Box::new(Type::String)),
            Value::List(vec!["app".into()]),
            "username",
        ),
        (
            "private_key_recipients",
            Type::List(Box::new(Type::Number)),
            Value::List(vec![1.into()]),
            "private_key_recipients[0]",
        ),
        (
            "rotate_when_changed",
            Type::Map(Box::new(Type::Bool)),
            Value::Map([("k".to_owned(), Value::Bool(true))].into()),
            "rotate_when_changed[\"k\"]",
        ),
        (
            "timeouts",
            in_timeouts,
            Value::object([("create", truth)]),
            "timeouts",
        ),
        // An object whose attributes are not those of the schema.
        ("extra", Type::String, "x".into(), ""),
    ];
    for (name, ty, value, at) in cases {
        let diagnostics = wire.validate(twisted(&wire, name, ty, value)).await;
        let error = one_error(&diagnostics);
        assert!(place(error).starts_with(at), "{name}: {error:#?}");
        assert!(error.detail.contains(at), "{name}: {error:#?}");
    }
}

#[tokio::test]
async fn bytes_cut_anywhere_are_refused() {
    let wire = Wire::start().await;
    let whole = wire
        .encoded(json!({ "project_id": PROJECT, "username": "app", "months_until_expiration": 3 }));
    assert_eq!(wire.validate(whole.clone()).await, []);
    for length in 0..whole.msgpack.len() {
        let cut = DynamicValue {
            msgpack: whole.msgpack[..length].to_vec(),
            json: Vec::new(),
        };
        one_error(&wire.validate(cut).await);
    }
    let longer = DynamicValue {
        msgpack: [&whole.msgpack[..], b"\xc0"].concat(),
        json: Vec::new(),
    };
    one_error(&wire.validate(longer).await);
}

#[tokio::test]
async fn nesting_without_end_is_refused() {
    let wire = Wire::start().await;
    for byte in [b"\x91", b"\x81", b"\xdc", b"\xdf"] {
        let deep = DynamicValue {
            msgpack: byte.repeat(1 << 20),
            json: Vec::new(),
        };
        one_error(&wire.validate(deep).await);
    }
    let deep = DynamicValue {
        msgpack: Vec::new(),
        json: b"[".repeat(1 << 20),
    };
    one_error(&wire.validate(deep).await);
    assert_eq!(
        wire.validate(wire.encoded(json!({ "project_id": PROJECT, "username": "app" })))
            .await,
        []
    );
}

#[tokio::test]
async fn what_core_does_not_check_is_checked() {
    let wire = Wire::start().await;
    let config =
        wire.encoded(json!({ "project_id": null, "username": null, "months_until_expiration": 3 }));
    let null = wire.validate(config).await;
    let mut places: Vec<_> = null.iter().filter(|d| is_error(d)).map(place).collect();
    places.sort();
    places.dedup();
    assert_eq!(places, ["project_id", "username"]);

    let object = wire
        .object(json!({ "project_id": PROJECT, "username": "app" }))
        .with("certificate_id", "1");
    let error = wire.validate(encode(&object, &wire.ty())).await;
    assert_eq!(place(one_error(&error)), "certificate_id");
}

#[tokio::test]
async fn a_value_outside_of_its_few_choices_is_refused_with_them() {
    let wire = Wire::start().await;
    let config = json!({ "project_id": PROJECT, "username": "app", "pkcs12_profile": "ancient" });
    let diagnostics = wire.validate(wire.encoded(config)).await;
    let error = one_error(&diagnostics);
    assert_eq!(place(error), "pkcs12_profile");
    assert!(
        error.detail.contains("modern") && error.detail.contains("legacy"),
        "{}",
        error.detail
    );

    let told = wire
        .core
        .configure(json!({ "api_version": "v9", "access_token": "x" }))
        .await
        .unwrap();
    let error = told.at("api_version").expect("an error at the argument");
    assert!(error.says("v1.0") && error.says("v2"), "{error:?}");
}

#[tokio::test]
async fn an_empty_value_is_null() {
    let wire = Wire::start().await;
    one_error(&wire.validate(DynamicValue::default()).await);
    let read = pb::read_resource::Request {
        type_name: TYPE.to_owned(),
        ..Default::default()
    };
    one_error(
        &wire
            .provider()
            .read_resource(read)
            .await
            .unwrap()
            .diagnostics,
    );

    let prior = wire.object(json!({ "project_id": PROJECT, "username": "app" }));
    let plan = pb::plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: Some(encode(&prior, &wire.ty())),
        proposed_new_state: Some(DynamicValue::default()),
        ..Default::default()
    };
    let planned = wire.provider().plan_resource_change(plan).await.unwrap();
    assert!(!planned.diagnostics.iter().any(is_error));
    let planned = tf_host::wire::decode(planned.planned_state.as_ref(), &wire.ty()).unwrap();
    assert!(planned.is_null(), "a destroy plan");
}

#[tokio::test]
async fn json_is_read_like_msgpack() {
    let wire = Wire::start().await;
    let given = |json: &[u8]| DynamicValue {
        msgpack: Vec::new(),
        json: json.to_vec(),
    };
    let config = wire
        .object(json!({ "project_id": PROJECT, "username": "app" }))
        .to_json();
    assert_eq!(
        wire.validate(given(config.to_string().as_bytes())).await,
        []
    );

    let mut bad = config;
    bad["months_until_expiration"] = json!(25);
    let diagnostics = wire.validate(given(bad.to_string().as_bytes())).await;
    assert_eq!(place(one_error(&diagnostics)), "months_until_expiration");
    bad["months_until_expiration"] = json!({});
    let diagnostics = wire.validate(given(bad.to_string().as_bytes())).await;
    assert_eq!(place(one_error(&diagnostics)), "months_until_expiration");
    let diagnostics = wire
        .validate(given(b"{\"username\": \"hunter2hunter2"))
        .await;
    assert!(
        !one_error(&diagnostics).detail.contains("hunter2"),
        "the text is not repeated"
    );
}

#[tokio::test]
async fn stored_state_is_read_whatever_is_missing_or_too_much() {
    let wire = Wire::start().await;
    let upgrade = async |raw: pb::RawState, version| {
        let request = pb::upgrade_resource_state::Request {
            type_name: TYPE.to_owned(),
            version,
            raw_state: Some(raw),
        };
        wire.provider()
            .upgrade_resource_state(request)
            .await
            .expect("an answer")
    };
    let raw = |json: &str| pb::RawState {
        json: json.as_bytes().to_vec(),
        ..Default::default()
    };

    let sparse = format!(r#"{{ "project_id": "{PROJECT}", "from_the_future": 1 }}"#);
    let answer = upgrade(raw(&sparse), 0).await;
    assert_eq!(answer.diagnostics, []);
    let state = tf_host::wire::decode(answer.upgraded_state.as_ref(), &wire.ty()).unwrap();
    assert_eq!(state["project_id"], PROJECT);
    assert!(state["combined_pem"].is_null());

    let flat = pb::RawState {
        flatmap: [("id".to_owned(), "x".to_owned())].into(),
        ..Default::default()
    };
    for (raw, version) in [
        (raw("null"), 0),
        (raw(""), 0),
        (raw("[]"), 0),
        (raw("{"), 0),
        (raw("{}"), 7),
        (flat, 0),
    ] {
        let answer = upgrade(raw.clone(), version).await;
        one_error(&answer.diagnostics);
        assert_eq!(answer.upgraded_state, None, "{raw:?}");
    }
}
