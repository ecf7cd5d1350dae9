//! Values on the wire and in state files, always under a type that both sides know.

pub mod msgpack;
mod read;
pub mod state;
mod write;

use thiserror::Error;

use crate::path::Path;
use crate::pb::tfplugin5::DynamicValue;
use crate::ty::Type;
use crate::value::Value;

/// Bytes that core could not read as a value of the type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a value of the type at {path:?}: {problem}")]
pub struct Undecodable {
    /// Where in the value.
    pub path: Path,
    /// What stands there instead.
    pub problem: String,
}

/// Encodes as core does: msgpack, whatever the type.
pub fn encode(value: &Value, ty: &Type) -> DynamicValue {
    DynamicValue {
        msgpack: msgpack::encode(value, ty),
        json: Vec::new(),
    }
}

/// Decodes as core does: msgpack first, else JSON, else null.
pub fn decode(given: Option<&DynamicValue>, ty: &Type) -> Result<Value, Undecodable> {
    match given {
        Some(given) if !given.msgpack.is_empty() => msgpack::decode(&given.msgpack, ty),
        Some(given) if !given.json.is_empty() => {
            let json = serde_json::from_slice(&given.json).map_err(|error| Undecodable {
                path: Path::root(),
                problem: error.to_string(),
            })?;
            state::decode(json, ty)
        }
        _ => Ok(Value::Null),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_all_is_null() {
        assert_eq!(decode(None, &Type::String), Ok(Value::Null));
        assert_eq!(
            decode(Some(&DynamicValue::default()), &Type::String),
            Ok(Value::Null)
        );
    }

    #[test]
    fn json_counts_where_msgpack_is_empty() {
        let given = DynamicValue {
            msgpack: Vec::new(),
            json: br#""x""#.to_vec(),
        };
        assert_eq!(decode(Some(&given), &Type::String).unwrap(), "x");
    }
}
