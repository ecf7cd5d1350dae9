//! Values and diagnostics become messages. Nothing here can fail.

use super::{
    msgpack,
    pb::{self, DynamicValue, ResourceIdentityData, attribute_path::step::Selector},
    schemas::TypedSchema,
};
use crate::terraform::{
    Diagnostic, Diagnostics, FunctionError, Path, Resource, Severity, Step, Value,
};

#[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
pub(super) fn value(value: &Value) -> Option<DynamicValue> {
    Some(DynamicValue { msgpack: msgpack::encode(value), json: Vec::new() })
}

/// Encodes an object without its write-only arguments: core rejects plans and state that contain one.
pub(super) fn stored(mut object: Value, schema: &TypedSchema) -> Option<DynamicValue> {
    schema.block.clear_write_only(&mut object);
    value(&object)
}

/// The identity of an object; `None` if it has none.
pub(super) fn identity_of(object: &Value, resource: &dyn Resource) -> Option<ResourceIdentityData> {
    if object.is_null() { None } else { identity(&resource.identity(object)?, resource) }
}

/// `None` for an identity that is not wholly known: `OpenTofu` rejects that in a plan.
pub(super) fn identity(identity: &Value, resource: &dyn Resource) -> Option<ResourceIdentityData> {
    let complete = resource.identity_schema()?.is_complete(identity);
    complete.then(|| ResourceIdentityData { identity_data: value(identity) })
}

impl From<Result<Value, FunctionError>> for pb::call_function::Response {
    fn from(result: Result<Value, FunctionError>) -> Self {
        match result {
            Ok(result) => Self { result: value(&result), error: None },
            Err(FunctionError { text, argument }) => {
                let function_argument = argument.map(i64::from);
                Self { result: None, error: Some(pb::FunctionError { text, function_argument }) }
            }
        }
    }
}

/// Functions have no diagnostics but one error text.
impl From<Diagnostics> for pb::call_function::Response {
    fn from(diagnostics: Diagnostics) -> Self {
        let details: Vec<_> = diagnostics.into_iter().map(|d| d.detail).collect();
        Err(FunctionError { text: details.join(" "), argument: None }).into()
    }
}

impl From<Diagnostics> for pb::read_resource::Response {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { diagnostics: diagnostics.into(), ..Default::default() }
    }
}

impl From<Diagnostics> for pb::list_resource::Event {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { diagnostic: diagnostics.into(), ..Default::default() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Attribute, Block, Schema, Type};

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
        let encoded = stored(object, &schema).unwrap();
        let decoded = msgpack::decode(&encoded.msgpack, &schema.ty).unwrap();
        assert_eq!(*decoded.get("name"), "app".into());
        assert!(decoded.get("password").is_null());
    }
}
