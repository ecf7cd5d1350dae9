//! Stored state as JSON under a type.

use serde_json::Value as Json;

use super::msgpack::{DecodeError, Form, read};
use crate::terraform::{Type, Value};

/// Decodes stored JSON.
pub(super) fn decode(json: &Json, ty: &Type) -> Result<Value, DecodeError> {
    read(&parsed(json).as_ref(), ty, Form::Stored)
}

/// The JSON as msgpack represents it. Numbers become text, which keeps every digit.
fn parsed(json: &Json) -> rmpv::Value {
    match json {
        Json::Null => rmpv::Value::Nil,
        Json::Bool(truth) => (*truth).into(),
        Json::Number(number) => number.to_string().into(),
        Json::String(text) => text.as_str().into(),
        Json::Array(elements) => rmpv::Value::Array(elements.iter().map(parsed).collect()),
        Json::Object(entries) => rmpv::Value::Map(
            entries.iter().map(|(name, json)| (name.as_str().into(), parsed(json))).collect(),
        ),
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
    fn a_mismatch_names_its_place() {
        let ty = Type::object([("a", Type::list(Type::Bool))]);
        let error = parse(r#"{"a":[true,{}]}"#, &ty).unwrap_err();
        assert_eq!((&*error.path.to_string(), error.problem), ("a[1]", "a bool is required"));
    }
}
