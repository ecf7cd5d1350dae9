//! Type constraints.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// A type constraint. The types `dynamic` and `tuple` of Terraform are not supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A decimal number.
    Number,
    /// True or false.
    Bool,
    /// Elements of one type, in order.
    List(Box<Type>),
    /// Elements of one type, without order or repetition.
    Set(Box<Type>),
    /// Entries of one type under text keys.
    Map(Box<Type>),
    /// Named attributes, each of its own type.
    Object(BTreeMap<&'static str, Type>),
}

impl Type {
    /// A list of this type.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A map to this type.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    pub fn object(attributes: impl IntoIterator<Item = (&'static str, Type)>) -> Self {
        Self::Object(attributes.into_iter().collect())
    }

    /// The JSON form, such as `["list","string"]`.
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, ty)| ((*name).to_owned(), ty.to_json()))
                    .collect();
                json!(["object", attributes])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_json_form() {
        for (ty, expected) in [
            (Type::String, r#""string""#),
            (Type::list(Type::Bool), r#"["list","bool"]"#),
            (Type::Set(Box::new(Type::Number)), r#"["set","number"]"#),
            (Type::map(Type::String), r#"["map","string"]"#),
            (Type::object([("a", Type::String)]), r#"["object",{"a":"string"}]"#),
        ] {
            assert_eq!(ty.to_json().to_string(), expected);
        }
    }
}
