//! Type constraints.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// A type constraint, as in schemas and in dynamic values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A decimal number.
    Number,
    /// True or false.
    Bool,
    /// Any type: the value contains its own.
    Dynamic,
    /// Elements of one type, in order.
    List(Box<Type>),
    /// Elements of one type, without order or repetition.
    Set(Box<Type>),
    /// Entries of one type under text keys.
    Map(Box<Type>),
    /// Named attributes, each of its own type.
    Object(BTreeMap<String, Type>),
    /// Elements in order, each of its own type.
    Tuple(Vec<Type>),
}

impl Type {
    /// A list of this type.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of this type.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map to this type.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// The JSON form, such as `["list","string"]`.
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> =
                    attributes.iter().map(|(name, ty)| (name.clone(), ty.to_json())).collect();
                json!(["object", attributes])
            }
            Self::Tuple(elements) => {
                json!(["tuple", elements.iter().map(Self::to_json).collect::<Vec<_>>()])
            }
        }
    }

    /// Parses the JSON form.
    ///
    /// # Errors
    /// Anything that is not a type constraint. The optional attribute names that an object type may carry as a third
    /// element are ignored.
    pub fn from_json(json: &Json) -> Result<Self, InvalidType> {
        match json {
            Json::String(name) => match name.as_str() {
                "string" => Ok(Self::String),
                "number" => Ok(Self::Number),
                "bool" => Ok(Self::Bool),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(InvalidType),
            },
            Json::Array(parts) => Self::from_parts(parts),
            _ => Err(InvalidType),
        }
    }

    fn from_parts(parts: &[Json]) -> Result<Self, InvalidType> {
        let kind = parts.first().and_then(Json::as_str).ok_or(InvalidType)?;
        match (kind, &parts[1..]) {
            ("list", [element]) => Self::from_json(element).map(Self::list),
            ("set", [element]) => Self::from_json(element).map(Self::set),
            ("map", [element]) => Self::from_json(element).map(Self::map),
            ("tuple", [Json::Array(elements)]) => {
                elements.iter().map(Self::from_json).collect::<Result<_, _>>().map(Self::Tuple)
            }
            ("object", [Json::Object(attributes)] | [Json::Object(attributes), Json::Array(_)]) => {
                attributes
                    .iter()
                    .map(|(name, ty)| Ok((name.clone(), Self::from_json(ty)?)))
                    .collect::<Result<_, _>>()
                    .map(Self::Object)
            }
            _ => Err(InvalidType),
        }
    }
}

/// JSON that spells no type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a type constraint")]
pub struct InvalidType;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_back_from_its_spelling() {
        let types = [
            (Type::String, r#""string""#),
            (Type::list(Type::Bool), r#"["list","bool"]"#),
            (Type::set(Type::Number), r#"["set","number"]"#),
            (Type::map(Type::Dynamic), r#"["map","dynamic"]"#),
            (Type::object([("a", Type::String)]), r#"["object",{"a":"string"}]"#),
            (Type::Tuple(vec![Type::String, Type::Number]), r#"["tuple",["string","number"]]"#),
        ];
        for (ty, spelling) in types {
            assert_eq!(ty.to_json().to_string(), spelling);
            assert_eq!(Type::from_json(&serde_json::from_str(spelling).unwrap()).unwrap(), ty);
        }
    }

    #[test]
    fn json_that_is_not_a_type_is_rejected() {
        for text in ["1", "null", r#""text""#, r#"["list"]"#, "[]", r#"["object",["a"]]"#] {
            assert!(Type::from_json(&serde_json::from_str(text).unwrap()).is_err(), "{text}");
        }
    }
}
