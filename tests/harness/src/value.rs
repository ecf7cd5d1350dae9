//! Values: JSON with one marker for unknown values, and their encoding under a type.

use std::collections::BTreeMap;

use rmpv::Value as Msgpack;
use serde_json::{Map, Number, Value as Json, json};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

use crate::pb::tfplugin5::DynamicValue;

/// A type constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    String,
    Number,
    Bool,
    List(Box<Type>),
    /// A map; the keys are data.
    Map(Box<Type>),
    /// An object; the keys are attribute names.
    Object(BTreeMap<String, Type>),
    /// A type that this harness does not implement. Its only value is null.
    Unsupported(String),
}

impl Type {
    /// Parses a type constraint as schemas spell it, such as `["list","string"]`.
    pub fn parse(constraint: &Json) -> Self {
        let parts = constraint.as_array().map(Vec::as_slice);
        match (constraint.as_str(), parts) {
            (Some("string"), _) => Self::String,
            (Some("number"), _) => Self::Number,
            (Some("bool"), _) => Self::Bool,
            (_, Some([kind, element])) if kind == "list" => Self::List(Self::parse(element).into()),
            (_, Some([kind, element])) if kind == "map" => Self::Map(Self::parse(element).into()),
            (_, Some([kind, Json::Object(attributes)])) if kind == "object" => Self::Object(
                attributes.iter().map(|(name, ty)| (name.clone(), Self::parse(ty))).collect(),
            ),
            _ => Self::Unsupported(constraint.to_string()),
        }
    }
}

/// A value that is not of the type under which it is read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {problem}")]
pub struct Mismatch {
    /// The path of the part that does not fit; empty for the whole value.
    pub path: String,
    pub problem: String,
}

/// The marker for an unknown value: `json!({ "username": unknown() })`.
pub fn unknown() -> Json {
    json!({ UNKNOWN: {} })
}

/// The marker for an unknown string with a known prefix, as `"prefix-${unknown}"` is.
pub fn refined(prefix: &str) -> Json {
    json!({ UNKNOWN: { "prefix": prefix } })
}

/// Whether the value itself is unknown.
pub fn is_unknown(value: &Json) -> bool {
    refinement(value).is_some()
}

/// Whether no part of the value is unknown.
pub fn is_wholly_known(value: &Json) -> bool {
    !is_unknown(value)
        && match value {
            Json::Array(elements) => elements.iter().all(is_wholly_known),
            Json::Object(entries) => entries.values().all(is_wholly_known),
            _ => true,
        }
}

/// A copy with null in place of each unknown value.
pub fn unknown_as_null(value: &Json) -> Json {
    match value {
        unknown if is_unknown(unknown) => Json::Null,
        Json::Array(elements) => elements.iter().map(unknown_as_null).collect(),
        Json::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), unknown_as_null(value))).collect()
        }
        leaf => leaf.clone(),
    }
}

/// A copy of an object in which one attribute has another value.
pub fn with(mut object: Json, name: &str, value: impl Into<Json>) -> Json {
    object[name] = value.into();
    object
}

/// The names of the top-level attributes in which two objects differ, in order.
pub fn changed_attributes(before: &Json, after: &Json) -> Vec<String> {
    let entries = [before, after].into_iter().filter_map(Json::as_object);
    let mut names: Vec<_> = entries
        .flat_map(Map::keys)
        .filter(|name| before[name.as_str()] != after[name.as_str()])
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Converts a value to a type as core does: scalars into each other's text form, strings to NFC, absent attributes to
/// null. Attributes that the type does not have are refused.
pub fn convert(value: Json, ty: &Type) -> Result<Json, Mismatch> {
    convert_at(value, ty, "")
}

/// Encodes a value as core does.
///
/// # Panics
/// If the value is not of the type: [`convert`] it first.
pub fn encode(value: &Json, ty: &Type) -> DynamicValue {
    DynamicValue { msgpack: bytes(&to_msgpack(value, ty)), json: Vec::new() }
}

/// Decodes a value as core does: msgpack if there is any, else JSON, else null.
pub fn decode(given: Option<&DynamicValue>, ty: &Type) -> Result<Json, Mismatch> {
    match given {
        Some(given) if !given.msgpack.is_empty() => {
            let mut rest = given.msgpack.as_slice();
            match rmpv::decode::read_value(&mut rest) {
                Ok(value) if rest.is_empty() => from_msgpack(value, ty, ""),
                Ok(_) => mismatch("", "bytes after the end of the value"),
                Err(error) => mismatch("", error.to_string()),
            }
        }
        Some(given) if !given.json.is_empty() => match serde_json::from_slice(&given.json) {
            Ok(json) => convert(json, ty),
            Err(error) => mismatch("", error.to_string()),
        },
        _ => Ok(Json::Null),
    }
}

/// Removes the attributes that an object type does not have, as core does before it sends a state of the current schema
/// version to the provider.
pub fn strip(json: Json, ty: &Type) -> Json {
    match (json, ty) {
        (Json::Object(entries), Type::Object(types)) => entries
            .into_iter()
            .filter_map(|(name, value)| Some((name.clone(), strip(value, types.get(&name)?))))
            .collect(),
        (Json::Array(elements), Type::List(ty)) => {
            elements.into_iter().map(|element| strip(element, ty)).collect()
        }
        (other, _) => other,
    }
}

/// The path of an attribute of the object at `path`.
pub(crate) fn attribute_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

pub(crate) fn convert_at(value: Json, ty: &Type, path: &str) -> Result<Json, Mismatch> {
    if value.is_null() || is_unknown(&value) {
        return Ok(value);
    }
    Ok(match (ty, value) {
        (Type::Bool, value @ Json::Bool(_)) | (Type::Number, value @ Json::Number(_)) => value,
        (Type::Bool, Json::String(text)) if text == "true" => true.into(),
        (Type::Bool, Json::String(text)) if text == "false" => false.into(),
        (Type::Number, Json::String(text)) => number(&text, path)?,
        (Type::String, Json::String(text)) => text.nfc().collect::<String>().into(),
        (Type::String, Json::Number(number)) => number.to_string().into(),
        (Type::String, Json::Bool(value)) => value.to_string().into(),
        (Type::List(ty), Json::Array(elements)) => elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| convert_at(element, ty, &format!("{path}[{index}]")))
            .collect::<Result<_, _>>()?,
        (Type::Map(ty), Json::Object(entries)) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = convert_at(value, ty, &format!("{path}[{key:?}]"))?;
                Ok((key.nfc().collect(), value))
            })
            .collect::<Result<Map<_, _>, _>>()?
            .into(),
        (Type::Object(types), Json::Object(mut entries)) => {
            let mut object = Map::new();
            for (name, ty) in types {
                let value = entries.remove(name).unwrap_or_default();
                object.insert(name.clone(), convert_at(value, ty, &attribute_path(path, name))?);
            }
            if let Some(name) = entries.keys().next() {
                return mismatch(&attribute_path(path, name), "unsupported argument");
            }
            object.into()
        }
        (ty, other) => return mismatch(path, format!("{ty:?} required, not {other}")),
    })
}

fn to_msgpack(value: &Json, ty: &Type) -> Msgpack {
    if let Some(refinement) = refinement(value) {
        let Some(prefix) = refinement["prefix"].as_str() else {
            return Msgpack::Ext(0, vec![0]);
        };
        let limits = vec![(1.into(), false.into()), (2.into(), prefix.into())];
        return Msgpack::Ext(12, bytes(&Msgpack::Map(limits)));
    }
    match (ty, value) {
        (_, Json::Null) => Msgpack::Nil,
        (Type::Bool, Json::Bool(value)) => (*value).into(),
        (Type::Number, Json::Number(number)) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.to_string().into(),
        },
        (Type::String, Json::String(text)) => text.as_str().into(),
        (Type::List(ty), Json::Array(elements)) => {
            Msgpack::Array(elements.iter().map(|element| to_msgpack(element, ty)).collect())
        }
        (Type::Map(ty), Json::Object(entries)) => Msgpack::Map(
            entries
                .iter()
                .map(|(key, value)| (key.as_str().into(), to_msgpack(value, ty)))
                .collect(),
        ),
        (Type::Object(types), Json::Object(entries))
            if types.len() == entries.len() && types.keys().all(|it| entries.contains_key(it)) =>
        {
            Msgpack::Map(
                types
                    .iter()
                    .map(|(name, ty)| (name.as_str().into(), to_msgpack(&entries[name], ty)))
                    .collect(),
            )
        }
        (ty, value) => panic!("{value} is not of type {ty:?}"),
    }
}

fn from_msgpack(value: Msgpack, ty: &Type, path: &str) -> Result<Json, Mismatch> {
    Ok(match (ty, value) {
        (_, Msgpack::Nil) => Json::Null,
        (_, Msgpack::Ext(..)) => unknown(),
        (Type::Bool, Msgpack::Boolean(value)) => value.into(),
        (Type::Number, Msgpack::Integer(whole)) => number(&whole.to_string(), path)?,
        (Type::Number, Msgpack::F64(value)) if value.is_finite() => value.into(),
        (Type::Number, Msgpack::String(text)) => number(text.as_str().unwrap_or_default(), path)?,
        (Type::String, Msgpack::String(text)) => match text.as_str() {
            Some(text) => text.nfc().collect::<String>().into(),
            None => return mismatch(path, "a string that is not UTF-8"),
        },
        (Type::List(ty), Msgpack::Array(elements)) => elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| from_msgpack(element, ty, &format!("{path}[{index}]")))
            .collect::<Result<_, _>>()?,
        (Type::Map(ty), Msgpack::Map(entries)) => entries
            .into_iter()
            .map(|(key, value)| {
                let key = key.as_str().unwrap_or_default().to_owned();
                let value = from_msgpack(value, ty, &format!("{path}[{key:?}]"))?;
                Ok((key, value))
            })
            .collect::<Result<Map<_, _>, _>>()?
            .into(),
        (Type::Object(types), Msgpack::Map(entries)) => {
            let count = entries.len();
            let mut object = Map::new();
            for (name, value) in entries {
                let name = name.as_str().unwrap_or_default();
                if let Some(ty) = types.get(name) {
                    let value = from_msgpack(value, ty, &attribute_path(path, name))?;
                    object.insert(name.to_owned(), value);
                }
            }
            if object.len() != types.len() || count != types.len() {
                let required = types.len();
                return mismatch(path, format!("an object with {required} attributes is required"));
            }
            object.into()
        }
        (ty, other) => return mismatch(path, format!("{ty:?} required, not {other}")),
    })
}

fn number(text: &str, path: &str) -> Result<Json, Mismatch> {
    match text.parse::<Number>() {
        Ok(number) => Ok(number.into()),
        Err(_) => mismatch(path, "a number is required"),
    }
}

fn bytes(value: &Msgpack) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = rmpv::encode::write_value(&mut bytes, value);
    debug_assert!(written.is_ok(), "writing to memory does not fail");
    bytes
}

fn refinement(value: &Json) -> Option<&Json> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    entries.get(UNKNOWN)
}

pub(crate) fn mismatch<T>(path: &str, problem: impl Into<String>) -> Result<T, Mismatch> {
    Err(Mismatch { path: path.to_owned(), problem: problem.into() })
}

/// The only key of the marker object.
const UNKNOWN: &str = "(unknown)";
