//! Stored state as JSON under a type. Absent attributes become null, unknown ones are ignored.

use serde_json::Value as Json;

use super::{
    msgpack::normalize,
    value_path::{DecodeError, ValuePath},
};
use crate::terraform::{Dynamic, Number, Type, Value};

/// Decodes stored JSON. Bools, numbers and strings are converted from each other's text, as hosts do.
pub(super) fn decode(json: &Json, ty: &Type) -> Result<Value, DecodeError> {
    read(json, ty, &ValuePath::Root)
}

fn read(json: &Json, ty: &Type, at: &ValuePath<'_>) -> Result<Value, DecodeError> {
    let number = |text: &str| Number::parse(text).map(Value::Number).map_err(|_| at.mismatch(ty));
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::String, Json::String(text)) => Ok(Value::String(normalize(text).into_owned())),
        (Type::String, Json::Bool(truth)) => Ok(Value::String(truth.to_string())),
        (Type::String, Json::Number(number)) => Ok(Value::String(number.to_string())),
        (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Type::Bool, Json::String(text)) if text == "true" => Ok(Value::Bool(true)),
        (Type::Bool, Json::String(text)) if text == "false" => Ok(Value::Bool(false)),
        (Type::Number, Json::Number(json)) => number(&json.to_string()),
        (Type::Number, Json::String(text)) => number(text),
        (Type::List(element), Json::Array(elements)) => (0..)
            .zip(elements)
            .map(|(index, json)| read(json, element, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Set(element), Json::Array(elements)) => elements
            .iter()
            .map(|json| read(json, element, &ValuePath::SetElement(at)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Tuple(types), Json::Array(elements)) if types.len() == elements.len() => (0..)
            .zip(types.iter().zip(elements))
            .map(|(index, (ty, json))| read(json, ty, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Map(element), Json::Object(entries)) => entries
            .iter()
            .map(|(key, json)| {
                let value = read(json, element, &ValuePath::Key(at, key))?;
                Ok((normalize(key).into_owned(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(attributes), Json::Object(entries)) => attributes
            .iter()
            .map(|(name, ty)| {
                let json = entries.get(name).unwrap_or(&Json::Null);
                let value = read(json, ty, &ValuePath::Attribute(at, name))?;
                Ok((name.clone(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Dynamic, Json::Object(entries)) => {
            let ty = entries.get("type").and_then(|ty| Type::from_json(ty).ok());
            let ty = ty.ok_or_else(|| at.mismatch(&Type::Dynamic))?;
            let value = read(entries.get("value").unwrap_or(&Json::Null), &ty, at)?;
            Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
        }
        _ => Err(at.mismatch(ty)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, ty: &Type) -> Result<Value, DecodeError> {
        decode(&serde_json::from_str(text).unwrap(), ty)
    }

    #[test]
    fn state_of_an_older_or_newer_build_is_read_under_the_present_schema() {
        let ty = Type::object([("name", Type::String), ("months", Type::Number)]);
        let read = parse(r#"{"name":"x","dropped":[1]}"#, &ty);
        assert_eq!(read, Ok(Value::object([("name", "x".into()), ("months", Value::Null)])));
    }

    #[test]
    fn numbers_keep_every_digit() {
        let read = parse("12345678901234567890.5", &Type::Number).unwrap();
        assert_eq!(read.as_number().unwrap().to_string(), "12345678901234567890.5");
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
        let read = parse(r#"{"value":["a"],"type":["list","string"]}"#, &Type::Dynamic).unwrap();
        let Value::Dynamic(dynamic) = read else { panic!("not dynamic") };
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
