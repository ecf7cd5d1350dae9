//! Messages become values. Malformed input is rejected here.

use serde_json::Value as Json;

use super::{
    json,
    msgpack::{self, DecodeError},
    pb::{DynamicValue, RawState},
    schemas::TypedSchema,
};
use crate::terraform::{Diagnostic, Diagnostics, FunctionError, Signature, Type, Value};

/// Decodes a value. An absent or empty one is null.
pub(super) fn value(
    raw: Option<DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Value, Diagnostics> {
    let raw = raw.unwrap_or_default();
    if !raw.msgpack.is_empty() {
        return msgpack::decode(&raw.msgpack, ty).map_err(|error| mismatch(what, error).into());
    }
    if raw.json.is_empty() { Ok(Value::Null) } else { stored(&raw.json, ty, what) }
}

/// Decodes a value that must be an object.
pub(super) fn object(
    raw: Option<DynamicValue>,
    schema: &TypedSchema,
    what: &str,
) -> Result<Value, Diagnostics> {
    match value(raw, &schema.ty, what)? {
        Value::Map(attributes) => Ok(Value::Map(attributes)),
        _ => Err(malformed(format!("The host sent no {what}.")).into()),
    }
}

/// Decodes JSON text.
pub(super) fn stored(text: &[u8], ty: &Type, what: &str) -> Result<Value, Diagnostics> {
    json::decode(&parse(text, what)?, ty).map_err(|error| mismatch(what, error).into())
}

/// Decodes stored state of the current schema version: absent attributes are null, unknown ones are ignored.
pub(super) fn state(json: &Json, ty: &Type) -> Result<Value, Diagnostic> {
    match json::decode(json, ty) {
        Ok(Value::Map(attributes)) => Ok(Value::Map(attributes)),
        Ok(_) => Err(malformed("The stored state holds no object.".to_owned())),
        Err(error) => Err(mismatch("stored state", error)),
    }
}

/// Parses stored JSON without a schema.
pub(super) fn raw_state(raw: Option<RawState>) -> Result<Json, Diagnostics> {
    let raw = raw.unwrap_or_default();
    if !raw.flatmap.is_empty() {
        return Err(Diagnostic::error(
            "State of Terraform 0.11 or older",
            "The state was written in a format that ended with Terraform 0.12. Upgrade it with Terraform 0.12 or 0.13 first.",
        )
        .into());
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
fn parse(text: &[u8], what: &str) -> Result<Json, Diagnostics> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(format!("The {what} is not JSON (line {line}, column {column}).")).into()
    })
}

fn mismatch(what: &str, DecodeError { path, problem }: DecodeError) -> Diagnostic {
    let at_root = path.steps().is_empty();
    let place = if at_root { String::new() } else { format!(" at {path}") };
    let diagnostic = Diagnostic::error(
        "Value does not fit the schema",
        format!(
            "The {what} cannot be read{place}: {problem}. This is a mismatch between the provider's schema and what Terraform \
             sent or stored."
        ),
    );
    if at_root { diagnostic } else { diagnostic.at(path) }
}

fn malformed(detail: String) -> Diagnostic {
    Diagnostic::error("Malformed request", detail)
}
