//! Messages become values and requests. Malformed input is rejected here.

use serde_json::Value as Json;

use super::{
    json, msgpack,
    pb::{self, DynamicValue, RawState},
    schemas::{Registered, TypedIdentity, TypedSchema},
};
use crate::terraform::{
    Diagnostic, Diagnostics, FunctionError, ImportTarget, MoveRequest, Path, Resource, Signature,
    Type, Value,
};

/// Decodes a value. An absent or empty one is null.
pub(super) fn value(
    raw: Option<DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Value, Diagnostics> {
    let raw = raw.unwrap_or_default();
    if !raw.msgpack.is_empty() {
        return msgpack::decode(&raw.msgpack, ty)
            .map_err(|error| mismatch(what, &error, error.path.clone()).into());
    }
    if !raw.json.is_empty() {
        return json::decode(&parse(&raw.json, what)?, ty)
            .map_err(|error| mismatch(what, &error, error.path.clone()).into());
    }
    Ok(Value::Null)
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

/// Decodes stored state of the current schema version: absent attributes are null, unknown ones are ignored.
pub(super) fn state(json: &Json, schema: &TypedSchema) -> Result<Value, Diagnostic> {
    match json::decode(json, &schema.ty) {
        Ok(Value::Map(mut attributes)) => {
            // Without blocks, the value of some nesting modes is empty and not null.
            for nested in &schema.schema.block.blocks {
                let stored = attributes.entry(nested.name.clone()).or_insert(Value::Null);
                if stored.is_null() {
                    *stored = nested.default_value();
                }
            }
            Ok(Value::Map(attributes))
        }
        Ok(_) => Err(malformed("The stored state holds no object.".to_owned())),
        Err(error) => Err(mismatch("stored state", &error, error.path.clone())),
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

/// Decodes a stored identity of the current schema version. Null if the host stored none.
pub(super) fn stored_identity(
    request: pb::upgrade_resource_identity::Request,
    identity: &TypedIdentity,
) -> Result<Value, Diagnostics> {
    let raw = request.raw_identity.unwrap_or_default().json;
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    if request.version != identity.schema.version {
        return Err(Diagnostic::error(
            "Identity of an unknown version",
            format!(
                "The identity of this {} was written under identity schema version {}, which this provider cannot read. \
                 Use the provider version that wrote it, or a later one.",
                request.type_name, request.version
            ),
        )
        .into());
    }
    json::decode(&parse(&raw, "stored identity")?, &identity.ty)
        .map_err(|error| mismatch("stored identity", &error, error.path.clone()).into())
}

/// The object to import: by identity if the host sent one, otherwise by id.
pub(super) fn import_target(
    request: pb::import_resource_state::Request,
    resource: &Registered<dyn Resource>,
) -> Result<ImportTarget, Diagnostics> {
    let sent = request.identity.and_then(|identity| identity.identity_data);
    if let (Some(data), Some(identity)) = (sent, &resource.identity) {
        let identity = value(Some(data), &identity.ty, "identity")?;
        if !identity.is_null() {
            return Ok(ImportTarget::Identity(identity));
        }
    }
    Ok(ImportTarget::Id(request.id))
}

/// Decodes the arguments of a function.
pub(super) fn arguments(
    raw: Vec<DynamicValue>,
    signature: &Signature,
) -> Result<Vec<Value>, FunctionError> {
    let expected = signature.parameters.len();
    if raw.len() != expected {
        return Err(FunctionError {
            text: format!("{expected} arguments are required, {} were given", raw.len()),
            argument: None,
        });
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

/// Decodes the object of another resource type.
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

/// The parser's message may quote the text, which may contain a secret: the error contains only the position.
fn parse(bytes: &[u8], what: &str) -> Result<Json, Diagnostics> {
    serde_json::from_slice(bytes).map_err(|error| {
        malformed(format!(
            "The {what} is not JSON (line {}, column {}).",
            error.line(),
            error.column()
        ))
        .into()
    })
}

fn mismatch(what: &str, problem: &dyn std::error::Error, path: Path) -> Diagnostic {
    let place = if path.steps().is_empty() { String::new() } else { format!(" at {path}") };
    let diagnostic = Diagnostic::error(
        "Value does not fit the schema",
        format!(
            "The {what} cannot be read{place}: {problem}. This is a mismatch between the provider's schema and what Terraform \
             sent or stored."
        ),
    );
    if path.steps().is_empty() { diagnostic } else { diagnostic.at(path) }
}

fn malformed(detail: String) -> Diagnostic {
    Diagnostic::error("Malformed request", detail)
}
