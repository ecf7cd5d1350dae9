//! State as JSON, read under a type. Absent attributes become null, superfluous ones are dropped.

use serde_json::Value as Json;

use super::{msgpack::normalise, value_path::ValuePath};
use crate::terraform::{Dynamic, Number, Path, Type, Value};

/// Where stored JSON does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} is required")]
pub(crate) struct Mismatch {
    /// Where in the object.
    pub(crate) path: Path,
    wanted: &'static str,
}

/// Reads stored JSON. Bools, numbers and strings are taken from each other's text, as hosts do.
pub(crate) fn decode(json: &Json, ty: &Type) -> Result<Value, Mismatch> {
    read(json, ty, &ValuePath::Root)
}

fn read(json: &Json, ty: &Type, at: &ValuePath<'_>) -> Result<Value, Mismatch> {
    let mismatch = |wanted| Mismatch {
        path: at.path(),
        wanted,
    };
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::String, Json::String(text)) => Ok(Value::String(normalise(text).into_owned())),
        (Type::String, Json::Bool(truth)) => Ok(Value::String(truth.to_string())),
        (Type::String, Json::Number(number)) => Ok(Value::String(number.to_string())),
        (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Type::Bool, Json::String(text)) if text == "true" => Ok(Value::Bool(true)),
        (Type::Bool, Json::String(text)) if text == "false" => Ok(Value::Bool(false)),
        (Type::Number, Json::Number(number)) => Number::parse(&number.to_string())
            .map(Value::Number)
            .map_err(|_| mismatch("a number")),
        (Type::Number, Json::String(text)) => Number::parse(text)
            .map(Value::Number)
            .map_err(|_| mismatch("a number")),
        (Type::List(element), Json::Array(elements)) => elements
            .iter()
            .enumerate()
            .map(|(index, json)| read(json, element, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Set(element), Json::Array(elements)) => elements
            .iter()
            .map(|json| read(json, element, &ValuePath::SetElement(at)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Tuple(types), Json::Array(elements)) if types.len() == elements.len() => types
            .iter()
            .zip(elements)
            .enumerate()
            .map(|(index, (ty, json))| read(json, ty, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Map(element), Json::Object(entries)) => entries
            .iter()
            .map(|(key, json)| {
                Ok((
                    normalise(key).into_owned(),
                    read(json, element, &ValuePath::Key(at, key))?,
                ))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(attributes), Json::Object(entries)) => attributes
            .iter()
            .map(|(name, ty)| {
                let json = entries.get(name).unwrap_or(&Json::Null);
                Ok((
                    name.clone(),
                    read(json, ty, &ValuePath::Attribute(at, name))?,
                ))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Dynamic, Json::Object(entries)) => {
            let ty = entries
                .get("type")
                .and_then(|ty| Type::from_json(ty).ok())
                .ok_or_else(|| mismatch("a value with its type"))?;
            let value = read(entries.get("value").unwrap_or(&Json::Null), &ty, at)?;
            Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
        }
        _ => Err(mismatch(wanted(ty))),
    }
}

fn wanted(ty: &Type) -> &'static str {
    match ty {
        Type::String => "a string",
        Type::Number => "a number",
        Type::Bool => "a bool",
        Type::Dynamic => "a value with its type",
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => "a list",
        Type::Map(_) | Type::Object(_) => "an object",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(text: &str, ty: &Type) -> Result<Value, Mismatch> {
        decode(&serde_json::from_str(text).unwrap(), ty)
    }

    #[test]
    fn state_of_an_older_or_newer_build_is_read_under_the_present_schema() {
        let ty = Type::object([("name", Type::String), ("months", Type::Number)]);
        let read = parse(r#"{"name":"x","dropped":[1]}"#, &ty);
        assert_eq!(
            read,
            Ok(Value::object([
                ("name", "x".into()),
                ("months", Value::Null)
            ]))
        );
    }

    #[test]
    fn numbers_keep_every_digit() {
        let read = parse("12345678901234567890.5", &Type::Number).unwrap();
        assert_eq!(
            read.as_number().unwrap().to_string(),
            "12345678901234567890.5"
        );
    }

    #[test]
    fn scalars_are_taken_from_each_others_text() {
        assert_eq!(parse("\"7\"", &Type::Number), Ok(7.into()));
        assert_eq!(parse("7", &Type::String), Ok("7".into()));
        assert_eq!(parse("\"true\"", &Type::Bool), Ok(true.into()));
        assert_eq!(parse("true", &Type::String), Ok("true".into()));
    }

    #[test]
    fn a_dynamic_value_brings_its_type() {
        let read = parse(
            r#"{"value":["a"],"type":["list","string"]}"#,
            &Type::Dynamic,
        )
        .unwrap();
        let Value::Dynamic(dynamic) = read else {
            panic!("not dynamic")
        };
        assert_eq!(dynamic.ty, Type::list(Type::String));
    }

    #[test]
    fn a_mismatch_names_its_place() {
        let ty = Type::object([("a", Type::list(Type::Bool))]);
        let error = parse(r#"{"a":[true,{}]}"#, &ty).unwrap_err();
        assert_eq!(
            (error.path.to_string().as_str(), error.to_string().as_str()),
            ("a[1]", "a bool is required")
        );
    }
}
