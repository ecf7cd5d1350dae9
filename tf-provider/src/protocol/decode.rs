//! Wire to vocabulary. Every refusal of malformed input lives here.

use serde_json::Value as Json;

use super::{
    catalog::Shape,
    json, msgpack,
    pb::{self, DynamicValue, RawState},
};
use crate::terraform::{
    Diagnostic, Diagnostics, FunctionError, MoveRequest, Path, Signature, Type, Value,
};

/// Reads one value. Absent and empty both mean null.
pub(super) fn value(
    raw: Option<DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Value, Diagnostics> {
    let raw = raw.unwrap_or_default();
    if !raw.msgpack.is_empty() {
        return msgpack::decode(&raw.msgpack, ty)
            .map_err(|error| unreadable(what, &error, error.path.clone()).into());
    }
    if !raw.json.is_empty() {
        return json::decode(&parse(&raw.json, what)?, ty)
            .map_err(|error| unreadable(what, &error, error.path.clone()).into());
    }
    Ok(Value::Null)
}

/// Reads a value that must be there.
pub(super) fn object(
    raw: Option<DynamicValue>,
    shape: &Shape,
    what: &str,
) -> Result<Value, Diagnostics> {
    match value(raw, &shape.ty, what)? {
        Value::Map(attributes) => Ok(Value::Map(attributes)),
        _ => Err(malformed(format!("The host sent no {what}.")).into()),
    }
}

/// Reads state under the schema; `json` is of the present version.
pub(super) fn state(json: &Json, shape: &Shape) -> Result<Value, Diagnostic> {
    match json::decode(json, &shape.ty) {
        Ok(Value::Map(mut attributes)) => {
            // The value of a block that never stands is empty, not null, in some nestings.
            for nested in &shape.schema.block.blocks {
                let stored = attributes.entry(nested.name.clone()).or_insert(Value::Null);
                if stored.is_null() {
                    *stored = nested.absent();
                }
            }
            Ok(Value::Map(attributes))
        }
        Ok(_) => Err(malformed("The stored state holds no object.".to_owned())),
        Err(error) => Err(unreadable("stored state", &error, error.path.clone())),
    }
}

/// Reads stored JSON before any schema is applied.
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

/// Reads the arguments of a function.
pub(super) fn arguments(
    raw: Vec<DynamicValue>,
    signature: &Signature,
) -> Result<Vec<Value>, FunctionError> {
    let positional = signature.parameters.len();
    if raw.len() < positional || (raw.len() > positional && signature.variadic.is_none()) {
        return Err(FunctionError {
            text: format!(
                "{positional} arguments are required, {} were given",
                raw.len()
            ),
            argument: None,
        });
    }
    let parameters = signature
        .parameters
        .iter()
        .chain(signature.variadic.iter().cycle());
    (0..)
        .zip(parameters.zip(raw))
        .map(|(position, (parameter, raw))| {
            value(Some(raw), &parameter.ty, parameter.name).map_err(|_| {
                FunctionError::at(position, "the value does not fit the type of the parameter")
            })
        })
        .collect()
}

/// Reads another resource's object.
pub(super) fn move_request(
    raw: pb::move_resource_state::Request,
) -> Result<MoveRequest, Diagnostics> {
    Ok(MoveRequest {
        source_state: raw_state(raw.source_state)?,
        source_provider: raw.source_provider_address,
        source_type: raw.source_type_name,
        source_version: raw.source_schema_version,
    })
}

fn parse(bytes: &[u8], what: &str) -> Result<Json, Diagnostics> {
    // The parser's own words may quote the text, which may hold a secret: only its position is told.
    serde_json::from_slice(bytes).map_err(|error| {
        malformed(format!(
            "The {what} is not JSON (line {}, column {}).",
            error.line(),
            error.column()
        ))
        .into()
    })
}

fn unreadable(what: &str, problem: &dyn std::error::Error, path: Path) -> Diagnostic {
    let place = if path.steps().is_empty() {
        String::new()
    } else {
        format!(" at {path}")
    };
    let diagnostic = Diagnostic::error(
        "Value does not fit the schema",
        format!(
            "The {what} cannot be read{place}: {problem}. This is a mismatch between the provider's schema and what Terraform \
             sent or stored."
        ),
    );
    if path.steps().is_empty() {
        diagnostic
    } else {
        diagnostic.at(path)
    }
}

fn malformed(detail: String) -> Diagnostic {
    Diagnostic::error("Malformed request", detail)
}
