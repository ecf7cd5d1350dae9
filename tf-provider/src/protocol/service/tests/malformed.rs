//! Requests that no correct host sends: each gets a diagnostic, and no part of a value is repeated in it.

use super::*;
use crate::terraform::{
    ApplyRequest, Attribute, Block, NestedBlock, ObjectResponse, PlanRequest, PlanResponse,
    ReadRequest, Resource, Schema,
};

struct Forms;

impl Provider for Forms {
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Form)]
    }
}

/// A resource with an attribute of every type.
struct Form;

#[async_trait]
impl Resource for Form {
    fn type_name(&self) -> &'static str {
        "form"
    }

    fn schema(&self) -> Schema {
        Schema::new(Block {
            attributes: vec![
                Attribute::new("name", Type::String, "").required(),
                Attribute::new("months", Type::Number, "").optional(),
                Attribute::new("renew", Type::Bool, "").optional(),
                Attribute::new("list", Type::list(Type::String), "").optional(),
                Attribute::new("map", Type::map(Type::String), "").optional(),
                Attribute::new("id", Type::String, ""),
            ],
            blocks: vec![NestedBlock { name: "timeouts", block: timeouts() }],
            ..Block::default()
        })
    }

    async fn read(&self, request: ReadRequest) -> ObjectResponse {
        let ReadRequest { state, private, .. } = request;
        ObjectResponse { state, private, diagnostics: Diagnostics::new() }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        request.proposed.unwrap_or(request.prior).into()
    }

    async fn create(&self, request: ApplyRequest) -> ObjectResponse {
        request.planned.into()
    }

    async fn update(&self, request: ApplyRequest) -> ObjectResponse {
        request.planned.into()
    }

    async fn delete(&self, _request: ApplyRequest) -> ObjectResponse {
        Value::Null.into()
    }
}

fn timeouts() -> Block {
    let attributes = vec![Attribute::new("create", Type::String, "").optional()];
    Block { attributes, ..Block::default() }
}

fn forms() -> Service {
    serving(Forms)
}

fn encoded(value: &Value) -> DynamicValue {
    encode::value(value).unwrap()
}

/// A configuration with one more value.
fn config(name: &'static str, value: impl Into<Value>) -> Value {
    let mut config = Form.schema().block.empty();
    config.set("name", "app");
    config.set(name, value);
    config
}

fn msgpack_value(bytes: &[u8]) -> DynamicValue {
    DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() }
}

fn json_value(text: &str) -> DynamicValue {
    DynamicValue { msgpack: Vec::new(), json: text.into() }
}

async fn validate(config: DynamicValue) -> Vec<pb::Diagnostic> {
    let request = pb::validate_resource_type_config::Request {
        type_name: "form".to_owned(),
        config: Some(config),
        client_capabilities: None,
    };
    let response = forms().validate_resource_type_config(Request::new(request)).await;
    response.unwrap().into_inner().diagnostics
}

/// Title and place of the only diagnostic, which is an error.
async fn refusal(config: DynamicValue) -> (String, String) {
    only(&validate(config).await)
}

fn only(diagnostics: &[pb::Diagnostic]) -> (String, String) {
    use pb::attribute_path::step::Selector;
    let [only] = diagnostics else { panic!("not one diagnostic: {diagnostics:#?}") };
    assert!(has_errors(diagnostics) && !only.detail.is_empty());
    assert!(only.detail.len() < 1000 && !only.detail.contains("hunter2"), "{only:?}");
    let steps = only.attribute.iter().flat_map(|path| &path.steps);
    let selectors = steps.filter_map(|step| step.selector.as_ref());
    let place = selectors.map(|selector| match selector {
        Selector::AttributeName(name) => name.clone(),
        Selector::ElementKeyString(key) => format!("[{key:?}]"),
        Selector::ElementKeyInt(index) => format!("[{index}]"),
    });
    (only.summary.clone(), place.collect())
}

const MISFIT: &str = "Value does not fit the schema";
const MALFORMED: &str = "Malformed request";

#[tokio::test]
async fn value_of_another_type_is_refused_at_its_path() {
    let strings = Value::List(vec!["app".into()]);
    for (name, value, at) in [
        ("months", true.into(), "months"),
        ("renew", 1.into(), "renew"),
        ("name", strings, "name"),
        ("list", Value::List(vec![1.into()]), "list[0]"),
        ("map", Value::object([("k", true.into())]), "map[\"k\"]"),
        ("timeouts", Value::object([("create", true.into())]), "timeoutscreate"),
        // An attribute that the schema does not have.
        ("extra", "x".into(), ""),
    ] {
        let (title, place) = refusal(encoded(&config(name, value))).await;
        assert_eq!(title, MISFIT, "{name}");
        assert!(place.starts_with(at), "{name}: {place}");
    }
}

#[tokio::test]
async fn truncated_extended_and_deeply_nested_values_are_refused() {
    let whole = encoded(&config("months", 3));
    assert_eq!(validate(whole.clone()).await, []);
    for length in 0..whole.msgpack.len() {
        refusal(msgpack_value(&whole.msgpack[..length])).await;
    }
    refusal(msgpack_value(&[&whole.msgpack[..], b"\xc0"].concat())).await;
    for byte in [b"\x91", b"\x81", b"\xdc", b"\xdf"] {
        refusal(msgpack_value(&byte.repeat(1 << 20))).await;
    }
    refusal(json_value(&"[".repeat(1 << 20))).await;
}

#[tokio::test]
async fn null_in_a_required_and_a_value_in_a_computed_attribute_are_refused() {
    for (name, value) in [("name", Value::Null), ("id", "1".into())] {
        let (_, place) = refusal(encoded(&config(name, value))).await;
        assert_eq!(place, name);
    }
}

#[tokio::test]
async fn json_value_is_read_like_msgpack_and_not_repeated_in_an_error() {
    let whole = r#"{"name":"app","months":3,"renew":null,"list":null,"map":null,"id":null,"timeouts":null}"#;
    assert_eq!(validate(json_value(whole)).await, []);
    let (title, place) = refusal(json_value(&whole.replace(":3", ":{}"))).await;
    assert_eq!((title.as_str(), place.as_str()), (MISFIT, "months"));
    let (title, _) = refusal(json_value("{\"name\": \"hunter2hunter2")).await;
    assert_eq!(title, MALFORMED);
}

#[tokio::test]
async fn empty_value_is_null_and_no_object() {
    assert_eq!(refusal(DynamicValue::default()).await.0, MALFORMED);
    let request = pb::read_resource::Request { type_name: "form".to_owned(), ..Default::default() };
    let read = forms().read_resource(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(only(&read.diagnostics).0, MALFORMED);
    let request = pb::plan_resource_change::Request {
        type_name: "form".to_owned(),
        prior_state: Some(encoded(&config("months", 3))),
        proposed_new_state: Some(DynamicValue::default()),
        ..Default::default()
    };
    let planned = forms().plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(planned.diagnostics, [], "a destroy plan");
    assert_eq!(planned.planned_state, Some(encoded(&Value::Null)));
}

#[tokio::test]
async fn stored_state_is_read_with_missing_and_unknown_attributes_and_otherwise_refused() {
    let upgrade = async |raw_state: pb::RawState, version| {
        let request = pb::upgrade_resource_state::Request {
            type_name: "form".to_owned(),
            version,
            raw_state: Some(raw_state),
        };
        forms().upgrade_resource_state(Request::new(request)).await.unwrap().into_inner()
    };
    let raw = |json: &str| pb::RawState { json: json.into(), ..Default::default() };
    let response = upgrade(raw(r#"{"name":"app","from_the_future":1}"#), 0).await;
    assert_eq!(response.diagnostics, []);
    let expected = encoded(&config("months", Value::Null));
    assert_eq!(response.upgraded_state, Some(expected));

    let flat =
        pb::RawState { flatmap: [("id".to_owned(), "x".to_owned())].into(), ..Default::default() };
    for (raw, version, expected) in [
        (raw("null"), 0, MALFORMED),
        (raw(""), 0, MALFORMED),
        (raw("[]"), 0, MISFIT),
        (raw("{"), 0, MALFORMED),
        (raw("{}"), 7, "State of an unknown version"),
        (flat, 0, "State of Terraform 0.11 or older"),
    ] {
        let response = upgrade(raw.clone(), version).await;
        assert_eq!(only(&response.diagnostics).0, expected, "{raw:?}");
        assert_eq!(response.upgraded_state, None, "{raw:?}");
    }
}

#[tokio::test]
async fn unknown_type_or_function_is_refused_by_name() {
    let type_name = || "nonsense".to_owned();
    macro_rules! refusals {
        ($($method:ident { $field:ident }),* $(,)?) => {
            vec![$((stringify!($method), {
                let request = pb::$method::Request { $field: type_name(), ..Default::default() };
                let response = forms().$method(Request::new(request)).await;
                response.expect("a response").into_inner().diagnostics
            })),*]
        };
    }
    for (method, diagnostics) in refusals!(
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
    ) {
        only(&diagnostics);
        assert!(diagnostics[0].detail.contains("nonsense"), "{method}: {diagnostics:#?}");
    }
    let request = pb::call_function::Request { name: type_name(), arguments: Vec::new() };
    let response = forms().call_function(Request::new(request)).await.unwrap().into_inner();
    assert!(response.error.is_some_and(|error| error.text.contains("nonsense")));
}
