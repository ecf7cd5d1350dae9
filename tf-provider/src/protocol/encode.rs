//! Responses of handlers become messages. Nothing here can fail.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    msgpack,
    pb::{self, attribute_path::step::Selector},
    schemas::{Registered, TypedSchema},
};
use crate::terraform::{
    ApplyResponse, Diagnostic, Diagnostics, FunctionError, ImportResponse, ListedResource,
    MoveResponse, OpenResponse, Path, PlanResponse, ReadDataResponse, ReadResponse, RenewResponse,
    Resource, Severity, Step, Type, Value,
};

pub(super) fn value(value: &Value, ty: &Type) -> pb::DynamicValue {
    pb::DynamicValue { msgpack: msgpack::encode(value, ty), json: Vec::new() }
}

/// Encodes an object without its write-only arguments: core rejects plans and state that contain one.
pub(super) fn stored(mut object: Value, schema: &TypedSchema) -> pb::DynamicValue {
    schema.schema.block.clear_write_only(&mut object);
    value(&object, &schema.ty)
}

/// The identity of an object. `None` if it has none, or if it is not wholly known: `OpenTofu` rejects that in a plan.
fn identity(
    object: &Value,
    resource: &Registered<dyn Resource>,
) -> Option<pb::ResourceIdentityData> {
    if object.is_null() {
        return None;
    }
    identity_data(&resource.handler.identity(object)?, resource)
}

fn identity_data(
    identity: &Value,
    resource: &Registered<dyn Resource>,
) -> Option<pb::ResourceIdentityData> {
    let typed = resource.identity.as_ref()?;
    typed
        .schema
        .is_complete(identity)
        .then(|| pb::ResourceIdentityData { identity_data: Some(value(identity, &typed.ty)) })
}

pub(super) fn read(
    response: ReadResponse,
    resource: &Registered<dyn Resource>,
) -> pb::read_resource::Response {
    pb::read_resource::Response {
        new_identity: identity(&response.state, resource),
        new_state: Some(stored(response.state, &resource.schema)),
        diagnostics: response.diagnostics.into(),
        private: response.private,
        deferred: None,
    }
}

pub(super) fn plan(
    response: PlanResponse,
    resource: &Registered<dyn Resource>,
) -> pb::plan_resource_change::Response {
    pb::plan_resource_change::Response {
        planned_identity: identity(&response.planned, resource),
        planned_state: Some(stored(response.planned, &resource.schema)),
        requires_replace: response.requires_replace.iter().map(Into::into).collect(),
        planned_private: response.private,
        diagnostics: response.diagnostics.into(),
        ..Default::default()
    }
}

pub(super) fn apply(
    response: ApplyResponse,
    resource: &Registered<dyn Resource>,
) -> pb::apply_resource_change::Response {
    pb::apply_resource_change::Response {
        new_identity: identity(&response.state, resource),
        new_state: Some(stored(response.state, &resource.schema)),
        private: response.private,
        diagnostics: response.diagnostics.into(),
        ..Default::default()
    }
}

pub(super) fn import(
    response: ImportResponse,
    type_name: String,
    resource: &Registered<dyn Resource>,
) -> pb::import_resource_state::Response {
    pb::import_resource_state::Response {
        imported_resources: vec![pb::import_resource_state::ImportedResource {
            type_name,
            identity: identity(&response.state, resource),
            state: Some(stored(response.state, &resource.schema)),
            private: response.private,
        }],
        diagnostics: response.diagnostics.into(),
        deferred: None,
    }
}

pub(super) fn moved(
    response: MoveResponse,
    resource: &Registered<dyn Resource>,
) -> pb::move_resource_state::Response {
    pb::move_resource_state::Response {
        target_identity: identity(&response.state, resource),
        target_state: Some(stored(response.state, &resource.schema)),
        diagnostics: response.diagnostics.into(),
        target_private: Vec::new(),
    }
}

pub(super) fn upgraded_identity(
    identity: &Value,
    resource: &Registered<dyn Resource>,
) -> pb::upgrade_resource_identity::Response {
    pb::upgrade_resource_identity::Response {
        upgraded_identity: identity_data(identity, resource),
        diagnostics: Vec::new(),
    }
}

pub(super) fn listed(
    found: ListedResource,
    resource: &Registered<dyn Resource>,
) -> pb::list_resource::Event {
    pb::list_resource::Event {
        identity: identity_data(&found.identity, resource),
        display_name: found.display_name,
        resource_object: found.object.map(|object| stored(object, &resource.schema)),
        diagnostic: Vec::new(),
    }
}

pub(super) fn data_source(
    response: ReadDataResponse,
    schema: &TypedSchema,
) -> pb::read_data_source::Response {
    pb::read_data_source::Response {
        state: Some(value(&response.state, &schema.ty)),
        diagnostics: response.diagnostics.into(),
        deferred: None,
    }
}

pub(super) fn open_ephemeral(
    response: OpenResponse,
    schema: &TypedSchema,
) -> pb::open_ephemeral_resource::Response {
    pb::open_ephemeral_resource::Response {
        diagnostics: response.diagnostics.into(),
        renew_at: response.renew_at.map(timestamp),
        result: Some(value(&response.result, &schema.ty)),
        private: Some(response.private),
        deferred: None,
    }
}

pub(super) fn renew_ephemeral(response: RenewResponse) -> pb::renew_ephemeral_resource::Response {
    pb::renew_ephemeral_resource::Response {
        diagnostics: response.diagnostics.into(),
        renew_at: response.renew_at.map(timestamp),
        private: Some(response.private),
    }
}

pub(super) fn call_function(
    result: Result<Value, FunctionError>,
    returns: &Type,
) -> pb::call_function::Response {
    let (result, error) = match result {
        Ok(result) => (Some(value(&result, returns)), None),
        Err(error) => (None, Some(error.into())),
    };
    pb::call_function::Response { result, error }
}

impl From<FunctionError> for pb::FunctionError {
    fn from(error: FunctionError) -> Self {
        Self { text: error.text, function_argument: error.argument.map(i64::from) }
    }
}

impl From<Diagnostics> for Vec<pb::Diagnostic> {
    fn from(diagnostics: Diagnostics) -> Self {
        diagnostics.into_iter().map(Into::into).collect()
    }
}

impl From<Diagnostic> for pb::Diagnostic {
    fn from(diagnostic: Diagnostic) -> Self {
        let severity = match diagnostic.severity {
            Severity::Error => pb::diagnostic::Severity::Error,
            Severity::Warning => pb::diagnostic::Severity::Warning,
        };
        Self {
            severity: severity.into(),
            summary: diagnostic.summary,
            detail: diagnostic.detail,
            attribute: diagnostic.path.as_ref().map(Into::into),
        }
    }
}

impl From<&Path> for pb::AttributePath {
    fn from(path: &Path) -> Self {
        let steps = path.steps().iter().map(|step| {
            let selector = Some(match step {
                Step::Attribute(name) => Selector::AttributeName(name.clone()),
                Step::Key(key) => Selector::ElementKeyString(key.clone()),
                Step::Index(index) => Selector::ElementKeyInt(i64::from(*index)),
            });
            pb::attribute_path::Step { selector }
        });
        Self { steps: steps.collect() }
    }
}

fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    prost_types::Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 }
}

/// A response that contains nothing but diagnostics.
macro_rules! from_diagnostics {
    ($($message:ident),* $(,)?) => {$(
        impl From<Diagnostics> for pb::$message::Response {
            #[allow(clippy::needless_update, reason = "some responses have no other field")]
            fn from(diagnostics: Diagnostics) -> Self {
                Self { diagnostics: diagnostics.into(), ..Default::default() }
            }
        }
    )*};
}

from_diagnostics!(
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    prepare_provider_config,
    configure,
    validate_resource_type_config,
    upgrade_resource_state,
    upgrade_resource_identity,
    read_resource,
    plan_resource_change,
    apply_resource_change,
    import_resource_state,
    move_resource_state,
    generate_resource_config,
    validate_data_source_config,
    read_data_source,
    validate_ephemeral_resource_config,
    open_ephemeral_resource,
    renew_ephemeral_resource,
    close_ephemeral_resource,
    validate_list_resource_config,
    get_functions,
);

impl From<Diagnostics> for pb::list_resource::Event {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { diagnostic: diagnostics.into(), ..Default::default() }
    }
}

/// Functions have no diagnostics but one error text.
impl From<Diagnostics> for pb::call_function::Response {
    fn from(diagnostics: Diagnostics) -> Self {
        let details: Vec<_> = diagnostics.into_iter().map(|d| d.detail).collect();
        let error = FunctionError { text: details.join(" "), argument: None };
        call_function(Err(error), &Type::Dynamic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Attribute, Block, Schema};

    #[test]
    fn stored_objects_contain_no_write_only_value() {
        let schema = TypedSchema::new(Schema::new(Block {
            attributes: vec![
                Attribute::new("name", Type::String, "").required(),
                Attribute::new("password", Type::String, "").write_only(),
            ],
            ..Block::default()
        }));
        let object = Value::object([("name", "app".into()), ("password", "hunter2".into())]);
        let encoded = stored(object, &schema);
        let decoded = msgpack::decode(&encoded.msgpack, &schema.ty).unwrap();
        assert_eq!(*decoded.get("name"), "app".into());
        assert!(decoded.get("password").is_null());
    }
}
