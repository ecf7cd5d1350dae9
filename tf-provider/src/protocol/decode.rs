//! Messages become values. Malformed input is rejected here.

use serde_json::Value as Json;

use super::{
    calls::Outcome,
    msgpack::{self, DecodeError},
    pb::{DynamicValue, RawState},
};
use crate::terraform::{Diagnostic, FunctionError, Schema, Signature, Type, Value};

/// Decodes a value. An absent or empty one is null.
pub(super) fn value(raw: Option<DynamicValue>, ty: &Type, what: &str) -> Outcome<Value> {
    let raw = raw.unwrap_or_default();
    if !raw.msgpack.is_empty() {
        return msgpack::decode(&raw.msgpack, ty).map_err(|error| mismatch(what, error).into());
    }
    if raw.json.is_empty() { Ok(Value::Null) } else { stored(&raw.json, ty, what) }
}

/// Decodes a value that must be an object.
pub(super) fn object(raw: Option<DynamicValue>, schema: &Schema, what: &str) -> Outcome<Value> {
    match value(raw, &schema.ty, what)? {
        Value::Map(attributes) => Ok(Value::Map(attributes)),
        _ => Err(malformed(format!("The host sent no {what}.")).into()),
    }
}

pub(super) fn stored(text: &[u8], ty: &Type, what: &str) -> Outcome<Value> {
    msgpack::from_json(&parse(text, what)?, ty).map_err(|error| mismatch(what, error).into())
}

impl Schema {
    /// Decodes an object that was stored under this schema: absent attributes are null, unknown ones are ignored.
    ///
    /// # Errors
    /// A value that does not fit the type of its attribute.
    pub fn read_state(&self, stored: &Json) -> Result<Value, Diagnostic> {
        match msgpack::from_json(stored, &self.ty) {
            Ok(Value::Map(attributes)) => Ok(Value::Map(attributes)),
            Ok(_) => Err(malformed("The stored state holds no object.".to_owned())),
            Err(error) => Err(mismatch("stored state", error)),
        }
    }
}

/// Parses stored JSON without a schema.
pub(super) fn raw_state(raw: Option<RawState>) -> Outcome<Json> {
    let raw = raw.unwrap_or_default();
    if !raw.flatmap.is_empty() {
        let detail = "The state was written in a format that ended with Terraform 0.12. Upgrade it with Terraform 0.12 or \
                      0.13 first.";
        return Err(Diagnostic::error("State of Terraform 0.11 or older", detail).into());
    }
    parse(&raw.json, "stored state")
}

/// Decodes the arguments of a function.
pub(super) fn arguments(
    raw: Vec<DynamicValue>,
    signature: &Signature,
) -> Result<Vec<Value>, FunctionError> {
    let expected = signature.parameters.len();
    if raw.len() != expected {
        let text = format!("{expected} arguments are required, {} were given", raw.len());
        return Err(FunctionError { text, argument: None });
    }
    (0..)
        .zip(signature.parameters.iter().zip(raw))
        .map(|(position, (parameter, raw))| {
            value(Some(raw), &parameter.ty, parameter.name).map_err(|_| {
                FunctionError::at(position, "the value does not fit the type of the parameter")
            })
        })
        .collect()
}

/// The parser's message may quote the text, which may contain a secret: the error contains only the position.
fn parse(text: &[u8], what: &str) -> Outcome<Json> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(format!("The {what} is not JSON (line {line}, column {column}).")).into()
    })
}

fn mismatch(what: &str, DecodeError { path, problem }: DecodeError) -> Diagnostic {
    let at_root = path.steps().is_empty();
    let place = if at_root { String::new() } else { format!(" at {path}") };
    let detail = format!(
        "The {what} cannot be read{place}: {problem}. This is a mismatch between the provider's schema and what Terraform \
         sent or stored."
    );
    let path = Some(path).filter(|_| !at_root);
    Diagnostic { path, ..Diagnostic::error("Value does not fit the schema", detail) }
}

fn malformed(detail: String) -> Diagnostic {
    Diagnostic::error("Malformed request", detail)
}
