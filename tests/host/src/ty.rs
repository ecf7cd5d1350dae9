//! Types, their JSON spelling, and whether a value is of one.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value as Json, json};

use crate::path::Path;
use crate::value::Value;

/// A type constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// Text.
    String,
    /// Any type, told with each value.
    Dynamic,
    /// A list of one type.
    List(Box<Type>),
    /// A set of one type.
    Set(Box<Type>),
    /// A map to one type.
    Map(Box<Type>),
    /// An object with exactly these attributes.
    Object(BTreeMap<String, Type>),
    /// A sequence with one type for each place.
    Tuple(Vec<Type>),
}

impl Type {
    /// An object type.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    /// Reads `"string"`, `["list","string"]` and the like. `None` for anything core would crash on.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::from_json(&serde_json::from_slice(text).ok()?)
    }

    /// The JSON spelling.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()))
                    .collect();
                json!(["object", attributes])
            }
            Self::Tuple(elements) => {
                json!([
                    "tuple",
                    elements.iter().map(Type::to_json).collect::<Vec<_>>()
                ])
            }
        }
    }

    /// The type that a value has by itself; what a dynamic place is sent with.
    pub fn of(value: &Value) -> Self {
        let element = |first: Option<&Value>| Box::new(first.map_or(Self::Dynamic, Self::of));
        match value {
            Value::Null | Value::Unknown | Value::Refined(_) => Self::Dynamic,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::List(elements) => Self::Tuple(elements.iter().map(Self::of).collect()),
            Value::Set(elements) => Self::Set(element(elements.first())),
            Value::Map(entries) => Self::Map(element(entries.values().next())),
            Value::Object(entries) => Self::object(
                entries
                    .iter()
                    .map(|(name, value)| (name.as_str(), Self::of(value))),
            ),
        }
    }

    /// Every place at which the value is not of this type. Nulls and unknowns are of every type.
    pub fn mismatches(&self, value: &Value) -> Vec<(Path, String)> {
        let mut found = Vec::new();
        self.collect_mismatches(value, &Path::root(), &mut found);
        found
    }

    /// Whether this type, or one inside it, is dynamic.
    pub fn is_dynamic_anywhere(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => {
                element.is_dynamic_anywhere()
            }
            Self::Object(attributes) => attributes.values().any(Type::is_dynamic_anywhere),
            Self::Tuple(elements) => elements.iter().any(Type::is_dynamic_anywhere),
        }
    }

    fn from_json(json: &Json) -> Option<Self> {
        if let Some(name) = json.as_str() {
            return match name {
                "bool" => Some(Self::Bool),
                "number" => Some(Self::Number),
                "string" => Some(Self::String),
                "dynamic" => Some(Self::Dynamic),
                _ => None,
            };
        }
        let [kind, argument] = json.as_array()?.as_slice() else {
            return None;
        };
        let boxed = || Self::from_json(argument).map(Box::new);
        match kind.as_str()? {
            "list" => boxed().map(Self::List),
            "set" => boxed().map(Self::Set),
            "map" => boxed().map(Self::Map),
            "object" => argument
                .as_object()?
                .iter()
                .map(|(name, ty)| Some((name.clone(), Self::from_json(ty)?)))
                .collect::<Option<_>>()
                .map(Self::Object),
            "tuple" => argument
                .as_array()?
                .iter()
                .map(Self::from_json)
                .collect::<Option<_>>()
                .map(Self::Tuple),
            _ => None,
        }
    }

    fn collect_mismatches(&self, value: &Value, path: &Path, found: &mut Vec<(Path, String)>) {
        match (self, value) {
            (_, Value::Null | Value::Unknown | Value::Refined(_))
            | (Self::Dynamic, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::String, Value::String(_)) => {}
            (Self::List(ty), Value::List(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    ty.collect_mismatches(element, &path.index(index), found);
                }
            }
            (Self::Set(ty), Value::Set(elements)) => {
                for element in elements {
                    ty.collect_mismatches(element, path, found);
                }
            }
            (Self::Tuple(types), Value::List(elements)) if types.len() == elements.len() => {
                for (index, (ty, element)) in types.iter().zip(elements).enumerate() {
                    ty.collect_mismatches(element, &path.index(index), found);
                }
            }
            (Self::Map(ty), Value::Map(entries)) => {
                for (key, element) in entries {
                    ty.collect_mismatches(element, &path.key(key), found);
                }
            }
            (Self::Object(types), Value::Object(entries)) if types.keys().eq(entries.keys()) => {
                for (name, ty) in types {
                    ty.collect_mismatches(&entries[name], &path.attribute(name), found);
                }
            }
            _ => found.push((path.clone(), format!("{self} required"))),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(attributes) => write!(f, "an object with {} attributes", attributes.len()),
            other => write!(f, "{}", other.to_json()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives_its_spelling() {
        for text in [
            r#""string""#,
            r#""dynamic""#,
            r#"["list","number"]"#,
            r#"["set",["map","bool"]]"#,
            r#"["object",{"a":"string","b":["tuple",["string","number"]]}]"#,
        ] {
            assert_eq!(
                Type::parse(text.as_bytes()).unwrap().to_json().to_string(),
                text
            );
        }
        for junk in [
            "",
            "string",
            r#""text""#,
            r#"["list"]"#,
            r#"["list","string","x"]"#,
            "{}",
        ] {
            assert_eq!(Type::parse(junk.as_bytes()), None, "{junk}");
        }
    }

    #[test]
    fn a_mismatch_is_named_by_its_place() {
        let ty = Type::object([("a", Type::List(Box::new(Type::String)))]);
        let value = Value::object([("a", Value::List(vec!["x".into(), 1.into()]))]);
        let found = ty.mismatches(&value);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "a[1]");
        assert_eq!(found[0].1, "\"string\" required");
        assert_eq!(ty.mismatches(&Value::object([("b", Value::Null)])).len(), 1);
        assert!(ty.mismatches(&Value::Unknown).is_empty());
    }
}
