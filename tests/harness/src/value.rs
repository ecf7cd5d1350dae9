//! Values: JSON with one marker for unknown values, and their encoding under a type.

use std::collections::{BTreeMap, BTreeSet};

use rmpv::Value as Msgpack;
use serde_json::{Map, Number, Value as Json, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::{error::Problem, pb::tfplugin5::DynamicValue};

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
}

impl Type {
    /// Parses a type constraint as schemas spell it, such as `["list","string"]`.
    ///
    /// # Panics
    /// If this harness does not implement the type.
    pub(crate) fn parse(constraint: &[u8]) -> Self {
        Self::read(&serde_json::from_slice(constraint).unwrap_or_default())
    }

    fn read(constraint: &Json) -> Self {
        match (constraint.as_str(), &constraint[0], &constraint[1]) {
            (Some("string"), ..) => Self::String,
            (Some("number"), ..) => Self::Number,
            (Some("bool"), ..) => Self::Bool,
            (_, kind, element) if kind == "list" => Self::List(Self::read(element).into()),
            (_, kind, element) if kind == "map" => Self::Map(Self::read(element).into()),
            (_, kind, Json::Object(attributes)) if kind == "object" => Self::Object(
                attributes.iter().map(|(name, ty)| (name.clone(), Self::read(ty))).collect(),
            ),
            _ => panic!("type {constraint} is not implemented"),
        }
    }
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
    value.get(UNKNOWN).is_some()
}

/// Whether no part of the value is unknown.
pub(crate) fn is_wholly_known(value: &Json) -> bool {
    unknown_places(value).is_empty()
}

/// The paths of the parts of a value that are unknown.
pub(crate) fn unknown_places(value: &Json) -> Vec<String> {
    fn add(value: &Json, path: String, places: &mut Vec<String>) {
        match value {
            unknown if is_unknown(unknown) => places.push(path),
            Json::Array(elements) => elements
                .iter()
                .enumerate()
                .for_each(|(index, element)| add(element, format!("{path}[{index}]"), places)),
            Json::Object(entries) => entries
                .iter()
                .for_each(|(name, element)| add(element, attribute_path(&path, name), places)),
            _ => {}
        }
    }
    let mut places = Vec::new();
    add(value, String::new(), &mut places);
    places
}

/// A copy with null in place of each unknown value.
pub(crate) fn unknown_as_null(value: &Json) -> Json {
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
    let names: BTreeSet<&String> = entries.flat_map(Map::keys).collect();
    let changed = names.into_iter().filter(|name| before[*name] != after[*name]);
    changed.cloned().collect()
}

/// Converts a value to a type as core does: scalars into each other's text form, strings to NFC, absent attributes to
/// null. Attributes that the type does not have are refused.
pub(crate) fn convert(value: Json, ty: &Type) -> Result<Json, Problem> {
    read(value, ty, "", true)
}

/// Encodes a value as core does.
///
/// # Panics
/// If the value is not of the type.
pub fn encode(value: &Json, ty: &Type) -> DynamicValue {
    if let Err(problem) = read(value.clone(), ty, "", false) {
        panic!("{value} cannot be encoded: {problem}");
    }
    DynamicValue { msgpack: bytes(&to_msgpack(value)), json: Vec::new() }
}

/// Decodes a value as core does: msgpack if there is any, else JSON, else null.
pub fn decode(given: Option<&DynamicValue>, ty: &Type) -> Result<Json, Problem> {
    let given = given.cloned().unwrap_or_default();
    if !given.msgpack.is_empty() {
        let mut rest = given.msgpack.as_slice();
        let value = rmpv::decode::read_value(&mut rest).map_err(|error| error.to_string());
        let json = value.and_then(from_msgpack).map_err(|problem| Problem::new("", problem))?;
        if !rest.is_empty() {
            return Err(Problem::new("", "bytes after the end of the value"));
        }
        return read(json, ty, "", false);
    }
    if given.json.is_empty() {
        return Ok(Json::Null);
    }
    let json = serde_json::from_slice(&given.json);
    convert(json.map_err(|error| Problem::new("", error.to_string()))?, ty)
}

/// Removes the attributes that an object type does not have, as core does before it sends a state of the current schema
/// version to the provider.
pub(crate) fn strip(json: Json, ty: &Type) -> Json {
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

/// Reads a value under a type. Lenient, as in a configuration, is with conversions, and null for absent attributes.
fn read(value: Json, ty: &Type, path: &str, lenient: bool) -> Result<Json, Problem> {
    if value.is_null() || is_unknown(&value) {
        return Ok(value);
    }
    Ok(match (ty, value) {
        (Type::Bool, value @ Json::Bool(_)) | (Type::Number, value @ Json::Number(_)) => value,
        (Type::String, Json::String(text)) => nfc(text).into(),
        // On the wire, too, where it is not a whole number.
        (Type::Number, Json::String(text)) => match text.parse::<Number>() {
            Ok(number) => number.into(),
            Err(_) => return Err(Problem::new(path, "a number is required")),
        },
        (Type::Bool, Json::String(text)) if lenient && text == "true" => true.into(),
        (Type::Bool, Json::String(text)) if lenient && text == "false" => false.into(),
        (Type::String, Json::Number(number)) if lenient => number.to_string().into(),
        (Type::String, Json::Bool(value)) if lenient => value.to_string().into(),
        (Type::List(ty), Json::Array(elements)) => elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| read(element, ty, &format!("{path}[{index}]"), lenient))
            .collect::<Result<_, _>>()?,
        (Type::Map(ty), Json::Object(entries)) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = read(value, ty, &format!("{path}[{key:?}]"), lenient)?;
                Ok((nfc(key), value))
            })
            .collect::<Result<Map<_, _>, _>>()?
            .into(),
        (Type::Object(types), Json::Object(mut entries)) => {
            let mut object = Map::new();
            for (name, ty) in types {
                let path = attribute_path(path, name);
                let value = match entries.remove(name) {
                    None if !lenient => return Err(Problem::new(&path, "missing attribute")),
                    value => value.unwrap_or_default(),
                };
                object.insert(name.clone(), read(value, ty, &path, lenient)?);
            }
            if let Some(name) = entries.keys().next() {
                let path = attribute_path(path, name);
                return Err(Problem::new(&path, "unsupported argument"));
            }
            object.into()
        }
        (ty, other) => {
            return Err(Problem::new(path, format!("{ty:?} required, not {other}")));
        }
    })
}

/// The text in normalization form C. Nearly every text is ASCII, which has it already.
fn nfc(text: String) -> String {
    if text.is_ascii() { text } else { text.nfc().collect() }
}

fn to_msgpack(value: &Json) -> Msgpack {
    match value {
        unknown if is_unknown(unknown) => match unknown[UNKNOWN]["prefix"].as_str() {
            None => Msgpack::Ext(0, vec![0]),
            Some(prefix) => {
                let limits = vec![(1.into(), false.into()), (2.into(), prefix.into())];
                Msgpack::Ext(12, bytes(&Msgpack::Map(limits)))
            }
        },
        Json::Null => Msgpack::Nil,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.to_string().into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(elements) => Msgpack::Array(elements.iter().map(to_msgpack).collect()),
        Json::Object(entries) => {
            let entries = entries.iter();
            Msgpack::Map(entries.map(|(key, it)| (key.as_str().into(), to_msgpack(it))).collect())
        }
    }
}

fn from_msgpack(value: Msgpack) -> Result<Json, String> {
    let text = |value: Msgpack| match value {
        Msgpack::String(text) => text.into_str().ok_or("a string that is not UTF-8".to_owned()),
        other => Err(format!("{other} where a string is required")),
    };
    Ok(match value {
        Msgpack::Nil => Json::Null,
        Msgpack::Ext(..) => unknown(),
        Msgpack::Boolean(value) => value.into(),
        Msgpack::Integer(whole) => match whole.to_string().parse::<Number>() {
            Ok(number) => number.into(),
            Err(error) => return Err(error.to_string()),
        },
        Msgpack::F64(value) if value.is_finite() => value.into(),
        value @ Msgpack::String(_) => text(value)?.into(),
        Msgpack::Array(elements) => {
            elements.into_iter().map(from_msgpack).collect::<Result<_, _>>()?
        }
        Msgpack::Map(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = text(key)?;
                if object.insert(key.clone(), from_msgpack(value)?).is_some() {
                    return Err(format!("{key:?} occurs twice"));
                }
            }
            object.into()
        }
        other => return Err(format!("{other} is not a value")),
    })
}

fn bytes(value: &Msgpack) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = rmpv::encode::write_value(&mut bytes, value);
    debug_assert!(written.is_ok(), "writing to memory does not fail");
    bytes
}

/// The only key of the marker object.
const UNKNOWN: &str = "(unknown)";
