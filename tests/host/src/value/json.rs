//! Values from and to JSON, with markers for what JSON lacks.

use serde_json::{Map, Value as Json, json};

use super::{Number, Refinement, Value};

/// The marker that becomes an unknown: `json!({ "username": unknown() })`.
pub fn unknown() -> Json {
    json!({ UNKNOWN: {} })
}

/// The marker that becomes an unknown string beginning with `prefix` and never null, as
/// `"prefix-${unknown}"` is.
pub fn refined(prefix: &str) -> Json {
    json!({ UNKNOWN: { "not_null": true, "prefix": prefix } })
}

impl Value {
    /// The JSON that a state file holds. An unknown becomes the marker of [`unknown`].
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Unknown => unknown(),
            Self::Refined(refinement) => json!({ UNKNOWN: {
                "not_null": refinement.not_null,
                "prefix": refinement.prefix,
            } }),
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => serde_json::from_str(number.as_str()).unwrap_or(Json::Null),
            Self::String(text) => Json::String(text.clone()),
            Self::List(elements) | Self::Set(elements) => {
                Json::Array(elements.iter().map(Value::to_json).collect())
            }
            Self::Map(entries) | Self::Object(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_json()))
                    .collect(),
            ),
        }
    }
}

/// Arrays become lists and objects become objects; [`crate::schema`] turns them into what the
/// schema says.
impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => {
                Number::parse(&number.to_string()).map_or(Self::Null, Self::Number)
            }
            Json::String(text) => Self::String(text),
            Json::Array(elements) => Self::List(elements.into_iter().map(Self::from).collect()),
            Json::Object(entries) => match entries.get(UNKNOWN) {
                Some(Json::Object(limits)) if entries.len() == 1 => unknown_within(limits),
                _ => Self::object(entries.into_iter().map(|(key, value)| (key, value.into()))),
            },
        }
    }
}

/// Compares what was meant: a list with a set, a map with an object.
impl PartialEq<Json> for Value {
    fn eq(&self, json: &Json) -> bool {
        loose(self) == loose(&Self::from(json.clone()))
    }
}

fn unknown_within(limits: &Map<String, Json>) -> Value {
    let refinement = Refinement {
        not_null: limits
            .get("not_null")
            .and_then(Json::as_bool)
            .unwrap_or(false),
        prefix: limits
            .get("prefix")
            .and_then(Json::as_str)
            .map(str::to_owned),
        ..Refinement::default()
    };
    if refinement.is_empty() {
        Value::Unknown
    } else {
        Value::Refined(Box::new(refinement))
    }
}

fn loose(value: &Value) -> Value {
    match value {
        Value::List(elements) | Value::Set(elements) => {
            Value::List(elements.iter().map(loose).collect())
        }
        Value::Map(entries) | Value::Object(entries) => Value::object(
            entries
                .iter()
                .map(|(key, value)| (key.as_str(), loose(value))),
        ),
        leaf => leaf.clone(),
    }
}

const UNKNOWN: &str = "<unknown>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_become_unknowns() {
        let value = Value::from(json!({ "a": unknown(), "b": refined("pre-") }));
        assert_eq!(value["a"], Value::Unknown);
        assert!(matches!(&value["b"], Value::Refined(r) if r.prefix.as_deref() == Some("pre-")));
    }

    #[test]
    fn long_numbers_survive_json() {
        let text = r#"{"n":12345678901234567890.123}"#;
        let json: Json = serde_json::from_str(text).unwrap_or_default();
        let value = Value::from(json);
        assert_eq!(value.to_json().to_string(), text);
    }

    #[test]
    fn json_compares_with_sets_and_maps_by_content() {
        let value = Value::object([("s", Value::set(["a".into()]))]);
        assert_eq!(value, json!({ "s": ["a"] }));
        assert_ne!(value, json!({ "s": ["b"] }));
    }
}
