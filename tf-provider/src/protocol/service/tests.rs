//! Calls of a small provider through the generated service trait.

mod malformed;
mod shop;

use tokio_stream::StreamExt as _;

use self::shop::{Items, Shop, item};
use super::{pb::provider_server::Provider as Rpcs, *};
use crate::{
    protocol::{msgpack, pb::DynamicValue},
    terraform::{ListResource as _, Type, Value},
};

fn shop() -> Service {
    serving(Shop)
}

fn serving(provider: impl Provider) -> Service {
    let calls = Arc::new(Calls::new());
    Service { provider: Arc::new(provider), calls, registry: Arc::default() }
}

fn has_errors(diagnostics: &[pb::Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity() == pb::diagnostic::Severity::Error)
}

fn raw(value: &Value) -> Option<DynamicValue> {
    encode::value(value)
}

#[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
fn raw_identity(name: impl Into<Value>) -> Option<pb::ResourceIdentityData> {
    let identity = Value::object([("name", name.into())]);
    Some(pb::ResourceIdentityData { identity_data: encode::value(&identity) })
}

fn identity_type() -> Type {
    Type::object([("name", Type::String)])
}

/// The name in an identity of a response.
fn name_in(identity: Option<pb::ResourceIdentityData>) -> Option<String> {
    let data = identity?.identity_data?;
    let identity = msgpack::decode(&data.msgpack, &identity_type()).unwrap();
    identity.get("name").as_str().map(str::to_owned)
}

async fn read(type_name: &str, name: &str) -> pb::read_resource::Response {
    let request = pb::read_resource::Request {
        type_name: type_name.to_owned(),
        current_state: raw(&item(name)),
        private: b"old".to_vec(),
        current_identity: raw_identity("another"),
        ..Default::default()
    };
    let response = shop().read_resource(Request::new(request)).await;
    response.unwrap().into_inner()
}

#[tokio::test]
async fn read_returns_the_identity_of_the_object_and_never_that_of_the_request() {
    assert_eq!(name_in(read("shop_item", "app").await.new_identity).as_deref(), Some("app"));
    let gone = read("shop_item", "gone").await;
    assert_eq!((gone.new_identity, gone.diagnostics), (None, vec![]));
    assert_eq!(read("shop_anonymous", "app").await.new_identity, None);
}

#[tokio::test]
async fn read_that_fails_or_panics_returns_state_and_private_data_unchanged() {
    for name in ["fails", "panic"] {
        let response = read("shop_item", name).await;
        assert_eq!(response.new_state, raw(&item(name)), "{name}");
        assert_eq!(response.private, b"old", "{name}");
        assert_eq!(response.diagnostics.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn plan_omits_an_identity_that_is_not_known_or_not_complete() {
    for (name, expected) in
        [("app".into(), Some("app".to_owned())), (Value::Unknown, None), (Value::Null, None)]
    {
        let request = pb::plan_resource_change::Request {
            type_name: "shop_item".to_owned(),
            proposed_new_state: raw(&item(name.clone())),
            config: raw(&item(name)),
            ..Default::default()
        };
        let response = shop().plan_resource_change(Request::new(request)).await;
        let response = response.unwrap().into_inner();
        assert_eq!(response.diagnostics, []);
        assert_eq!(name_in(response.planned_identity), expected);
    }
}

#[tokio::test]
async fn create_may_return_an_object_with_an_error_and_delete_gets_the_planned_private_data() {
    let mut request = pb::apply_resource_change::Request {
        type_name: "shop_item".to_owned(),
        planned_state: raw(&item("app")),
        config: raw(&item("app")),
        ..Default::default()
    };
    let response = shop().apply_resource_change(Request::new(request.clone())).await;
    let response = response.unwrap().into_inner();
    assert_eq!(response.new_state, raw(&item("app")));
    assert_eq!(name_in(response.new_identity).as_deref(), Some("app"));
    assert!(has_errors(&response.diagnostics));

    (request.prior_state, request.planned_state) = (request.planned_state, None);
    request.planned_private = b"planned".to_vec();
    let response = shop().apply_resource_change(Request::new(request)).await;
    let response = response.unwrap().into_inner();
    assert_eq!((response.new_identity, response.diagnostics), (None, vec![]));
}

#[tokio::test]
async fn import_prefers_an_identity_to_an_id_and_returns_the_identity_of_the_object() {
    for (identity, expected) in [(None, ""), (raw_identity("a/b %"), "Some(\"a/b %\")")] {
        let request = pb::import_resource_state::Request {
            type_name: "shop_item".to_owned(),
            identity,
            ..Default::default()
        };
        let response = shop().import_resource_state(Request::new(request)).await;
        let mut imported = response.unwrap().into_inner().imported_resources;
        let identity = imported.remove(0).identity;
        assert_eq!(name_in(identity).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn move_returns_the_identity_of_the_object() {
    let request = pb::move_resource_state::Request {
        target_type_name: "shop_item".to_owned(),
        source_type_name: "other".to_owned(),
        source_state: Some(pb::RawState { json: b"{}".to_vec(), ..Default::default() }),
        ..Default::default()
    };
    let response = shop().move_resource_state(Request::new(request)).await;
    let identity = response.unwrap().into_inner().target_identity;
    assert_eq!(name_in(identity).as_deref(), Some("other"));
}

#[tokio::test]
async fn upgrade_identity_reads_the_current_version_and_refuses_others() {
    for (version, json, expected, error) in [
        (1, r#"{"name":"app","dropped":1}"#, Some("app"), ""),
        (1, "", None, ""),
        (9, r#"{"name":"app"}"#, None, "Identity of an unknown version"),
        (1, r#"{"name":["hunter2"]}"#, None, "Value does not fit the schema"),
        (1, "hunter2", None, "Malformed request"),
    ] {
        let request = pb::upgrade_resource_identity::Request {
            type_name: "shop_item".to_owned(),
            version,
            raw_identity: Some(pb::RawState { json: json.into(), ..Default::default() }),
        };
        let response = shop().upgrade_resource_identity(Request::new(request)).await;
        let response = response.unwrap().into_inner();
        let errors = response.diagnostics.iter().map(|it| it.summary.as_str());
        assert_eq!(errors.collect::<String>(), error, "{json}");
        assert!(!format!("{:?}", response.diagnostics).contains("hunter2"));
        assert_eq!(name_in(response.upgraded_identity).as_deref(), expected, "{json}");
    }
}

#[tokio::test]
async fn import_move_and_upgrade_are_refused_by_a_resource_that_does_not_implement_them() {
    let type_name = || "shop_anonymous".to_owned();
    let import =
        pb::import_resource_state::Request { type_name: type_name(), ..Default::default() };
    let import = shop().import_resource_state(Request::new(import)).await;
    let raw_state = Some(pb::RawState { json: b"{}".to_vec(), ..Default::default() });
    let move_from = pb::move_resource_state::Request {
        target_type_name: type_name(),
        source_state: raw_state.clone(),
        ..Default::default()
    };
    let move_from = shop().move_resource_state(Request::new(move_from)).await;
    let upgrade =
        pb::upgrade_resource_state::Request { type_name: type_name(), version: 9, raw_state };
    let upgrade = shop().upgrade_resource_state(Request::new(upgrade)).await;
    for (diagnostics, title) in [
        (import.unwrap().into_inner().diagnostics, "Resource cannot be imported"),
        (move_from.unwrap().into_inner().diagnostics, "Resource cannot be moved"),
        (upgrade.unwrap().into_inner().diagnostics, "State of an unknown version"),
    ] {
        assert_eq!(diagnostics[0].summary, title);
        assert!(diagnostics[0].detail.contains("shop_anonymous"), "{diagnostics:?}");
    }
}

#[tokio::test]
async fn schemas_contain_identities_and_list_resources() {
    let identities = shop()
        .get_resource_identity_schemas(Request::new(pb::get_resource_identity_schemas::Request {}))
        .await;
    let identities = identities.unwrap().into_inner().identity_schemas;
    assert_eq!(identities.len(), 1);
    let schema = &identities["shop_item"];
    assert_eq!(schema.version, 1);
    assert!(schema.identity_attributes[0].required_for_import);
    assert!(!schema.identity_attributes[0].optional_for_import);
    assert_eq!(schema.identity_attributes[0].r#type, b"\"string\"");

    let schemas = shop()
        .get_schema(Request::new(pb::get_provider_schema::Request {}))
        .await
        .unwrap()
        .into_inner();
    assert!(schemas.list_resource_schemas.contains_key("shop_item"));
    assert!(schemas.server_capabilities.unwrap().generate_resource_config);
}

#[tokio::test]
async fn generated_configuration_contains_the_arguments_only() {
    let mut state = item("app");
    state.set("secret", "hunter2");
    let request = pb::generate_resource_config::Request {
        type_name: "shop_item".to_owned(),
        state: raw(&state),
    };
    let response = shop().generate_resource_config(Request::new(request)).await;
    let mut expected = item("app");
    expected.set("id", Value::Null);
    assert_eq!(response.unwrap().into_inner().config, raw(&expected));
}

async fn list(
    limit: i64,
    include_resource_object: bool,
    config: &[(&'static str, Value)],
) -> Vec<pb::list_resource::Event> {
    let mut arguments = Items.schema().block.empty();
    for (name, value) in config {
        arguments.set(*name, value.clone());
    }
    let request = pb::list_resource::Request {
        type_name: "shop_item".to_owned(),
        config: if config.is_empty() { None } else { encode::value(&arguments) },
        include_resource_object,
        limit,
    };
    let events = shop().list_resource(Request::new(request)).await.unwrap();
    events.into_inner().map(Result::unwrap).collect().await
}

#[tokio::test]
async fn list_returns_warnings_and_identities_and_objects_on_request() {
    let events = list(100, false, &[]).await;
    assert_eq!(events[0].diagnostic[0].summary, "Incomplete");
    assert_eq!(events[0].identity, None);
    let names: Vec<_> = events[1..].iter().map(|e| name_in(e.identity.clone())).collect();
    assert_eq!(names, [Some("item 0".to_owned()), Some("item 1".to_owned())]);
    assert_eq!(events[1].display_name, "Item 0");
    assert_eq!(events[1].resource_object, None);

    let events = list(100, true, &[]).await;
    assert_eq!(events[2].resource_object, raw(&item("item 1")));
}

#[tokio::test]
async fn list_ends_at_the_limit() {
    let config = [("count", Value::from(100))];
    assert_eq!(list(0, false, &config).await, []);
    for limit in [1, 50] {
        let events = list(limit, false, &config).await;
        let found = events.iter().filter(|event| event.identity.is_some()).count();
        assert_eq!(i64::try_from(found).unwrap(), limit);
        assert!(!events.iter().any(|event| has_errors(&event.diagnostic)));
    }
}

#[tokio::test]
async fn list_that_fails_ends_with_an_error() {
    let events = list(100, false, &[("fails", true.into())]).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].diagnostic[0].summary, "Refused");
}

#[tokio::test]
async fn list_configuration_is_validated_by_the_handler() {
    for (count, errors) in [(-1, 1), (1, 0)] {
        let mut config = Items.schema().block.empty();
        config.set("count", count);
        let request = pb::validate_list_resource_config::Request {
            type_name: "shop_item".to_owned(),
            config: encode::value(&config),
            ..Default::default()
        };
        let response = shop().validate_list_resource_config(Request::new(request)).await;
        assert_eq!(response.unwrap().into_inner().diagnostics.len(), errors);
    }
}
