//! Values and diagnostics become messages. Nothing here can fail.

use super::{
    msgpack,
    pb::{self, DynamicValue, ResourceIdentityData, attribute_path::step::Selector},
    schemas::Registered,
};
use crate::terraform::{
    Diagnostic, Diagnostics, FunctionError, Path, Resource, Schema, Severity, Step, Value,
};

#[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
pub(super) fn value(value: &Value) -> Option<DynamicValue> {
    Some(DynamicValue { msgpack: msgpack::encode(value), json: Vec::new() })
}

/// Encodes an object without its write-only arguments: core rejects plans and state that contain one.
pub(super) fn stored(mut object: Value, schema: &Schema) -> Option<DynamicValue> {
    schema.block.clear(&mut object, |attribute| attribute.write_only);
    value(&object)
}

/// The identity of an object; `None` if it has none.
pub(super) fn identity_of(
    object: &Value,
    resource: &Registered<dyn Resource>,
) -> Option<ResourceIdentityData> {
    if object.is_null() { None } else { identity(&resource.handler.identity(object)?, resource) }
}

/// `None` for an identity that is not wholly known, which `OpenTofu` rejects in a plan, or lacks a required attribute.
pub(super) fn identity(
    identity: &Value,
    resource: &Registered<dyn Resource>,
) -> Option<ResourceIdentityData> {
    let problems = resource.identity_schema.as_ref()?.block.check(identity, false);
    let complete = identity.is_wholly_known() && identity.as_map().is_some() && problems.is_empty();
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

pub(super) fn diagnostics(diagnostics: Diagnostics) -> Vec<pb::Diagnostic> {
    let encoded = |Diagnostic { severity, summary, detail, path }| {
        let severity = match severity {
            Severity::Error => pb::diagnostic::Severity::Error,
            Severity::Warning => pb::diagnostic::Severity::Warning,
        };
        let attribute = path.as_ref().map(attribute_path);
        pb::Diagnostic { severity: severity.into(), summary, detail, attribute }
    };
    diagnostics.into_iter().map(encoded).collect()
}

pub(super) fn attribute_path(path: &Path) -> pb::AttributePath {
    let steps = path.steps().iter().map(|step| {
        let selector = Some(match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(i64::from(*index)),
        });
        pb::attribute_path::Step { selector }
    });
    pb::AttributePath { steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Attribute, Block, Type};

    #[test]
    fn stored_objects_contain_no_write_only_value() {
        let schema = Schema::new(Block {
            attributes: vec![
                Attribute::new("name", Type::String, "").required(),
                Attribute::new("password", Type::String, "").write_only(),
            ],
            ..Block::default()
        });
        let object = Value::object([("name", "app".into()), ("password", "hunter2".into())]);
        let encoded = stored(object, &schema).unwrap();
        let decoded = msgpack::decode(&encoded.msgpack, &schema.ty).unwrap();
        assert_eq!(*decoded.get("name"), "app".into());
        assert!(decoded.get("password").is_null());
    }
}
