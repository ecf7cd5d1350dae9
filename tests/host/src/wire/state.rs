//! Values in a state file's JSON, and in JSON answers.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use super::Undecodable;
use crate::path::Path;
use crate::ty::Type;
use crate::value::{Number, Value};

/// Reads JSON under a type: absent attributes are null, extra ones refused.
pub fn decode(json: Json, ty: &Type) -> Result<Value, Undecodable> {
    decode_at(json, ty, &Path::root())
}

/// Removes the attributes that an object type does not name, at every depth, as core does before it
/// hands a state of the current version to the provider.
pub fn strip(json: Json, ty: &Type) -> Json {
    match (json, ty) {
        (Json::Object(entries), Type::Object(types)) => entries
            .into_iter()
            .filter_map(|(name, value)| Some((name.clone(), strip(value, types.get(&name)?))))
            .collect(),
        (Json::Object(entries), Type::Map(ty)) => entries
            .into_iter()
            .map(|(key, value)| (key, strip(value, ty)))
            .collect(),
        (Json::Array(elements), Type::List(ty) | Type::Set(ty)) => elements
            .into_iter()
            .map(|element| strip(element, ty))
            .collect(),
        (other, _) => other,
    }
}

fn decode_at(json: Json, ty: &Type, path: &Path) -> Result<Value, Undecodable> {
    Ok(match (ty, json) {
        (_, Json::Null) => Value::Null,
        (Type::Dynamic, Json::Object(mut pair)) => {
            let spelling = pair.remove("type").unwrap_or_default().to_string();
            match (Type::parse(spelling.as_bytes()), pair.remove("value")) {
                (Some(ty), Some(value)) => decode_at(value, &ty, path)?,
                _ => return refuse(path, "a dynamic value is a pair of type and value"),
            }
        }
        (Type::Bool, Json::Bool(value)) => Value::Bool(value),
        (Type::Bool, Json::String(text)) if text == "true" || text == "false" => {
            Value::Bool(text == "true")
        }
        (Type::Number, Json::Number(number)) => number_at(&number.to_string(), path)?,
        (Type::Number, Json::String(text)) => number_at(&text, path)?,
        (Type::String, Json::String(text)) => Value::String(text.nfc().collect()),
        (Type::String, Json::Number(number)) => Value::String(number.to_string()),
        (Type::String, Json::Bool(value)) => Value::String(value.to_string()),
        (Type::List(ty), Json::Array(elements)) => Value::List(each(elements, |_| ty, path)?),
        (Type::Set(ty), Json::Array(elements)) => Value::set(each(elements, |_| ty, path)?),
        (Type::Tuple(types), Json::Array(elements)) if types.len() == elements.len() => {
            Value::List(each(elements, |index| &types[index], path)?)
        }
        (Type::Map(ty), Json::Object(entries)) => entries
            .into_iter()
            .map(|(key, value)| Ok((key.nfc().collect(), decode_at(value, ty, &path.key(&key))?)))
            .collect::<Result<_, _>>()
            .map(Value::Map)?,
        (Type::Object(types), Json::Object(mut entries)) => {
            let mut object = BTreeMap::new();
            for (name, ty) in types {
                let value = entries.remove(name).unwrap_or_default();
                object.insert(name.clone(), decode_at(value, ty, &path.attribute(name))?);
            }
            if let Some(name) = entries.keys().next() {
                return refuse(path, format!("unsupported attribute {name:?}"));
            }
            Value::Object(object)
        }
        (ty, other) => return refuse(path, format!("{ty} required, not {other}")),
    })
}

fn each<'t>(
    elements: Vec<Json>,
    ty: impl Fn(usize) -> &'t Type,
    path: &Path,
) -> Result<Vec<Value>, Undecodable> {
    elements
        .into_iter()
        .enumerate()
        .map(|(index, element)| decode_at(element, ty(index), &path.index(index)))
        .collect()
}

fn number_at(text: &str, path: &Path) -> Result<Value, Undecodable> {
    Number::parse(text).map_or_else(
        || refuse(path, "a number is required"),
        |n| Ok(Value::Number(n)),
    )
}

fn refuse<T>(path: &Path, problem: impl Into<String>) -> Result<T, Undecodable> {
    Err(Undecodable {
        path: path.clone(),
        problem: problem.into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn ty() -> Type {
        Type::object([
            ("name", Type::String),
            ("size", Type::Number),
            ("tags", Type::Set(Box::new(Type::String))),
        ])
    }

    #[test]
    fn state_is_read_with_long_numbers_and_absent_attributes() {
        let json =
            serde_json::from_str(r#"{"size":12345678901234567890.5,"tags":["b","a"]}"#).unwrap();
        let value = decode(json, &ty()).unwrap();
        assert_eq!(
            value["size"],
            Value::Number(Number::parse("12345678901234567890.5").unwrap())
        );
        assert_eq!(value["name"], Value::Null);
        assert_eq!(value["tags"], json!(["a", "b"]));
    }

    #[test]
    fn extra_attributes_are_refused_unless_stripped() {
        let json = json!({ "name": "x", "gone": 1 });
        assert!(decode(json.clone(), &ty()).is_err());
        assert_eq!(strip(json, &ty()), json!({ "name": "x" }));
    }

    #[test]
    fn primitives_stand_for_each_other_as_text() {
        let value = decode(json!({ "name": 5, "size": "7" }), &ty()).unwrap();
        assert_eq!(value["name"], "5");
        assert_eq!(value["size"], 7);
    }
}
