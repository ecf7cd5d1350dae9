//! Values as msgpack under a type.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map},
};

use rmp::encode as put;
use rmpv::{ValueRef, decode::read_value_ref_with_max_depth};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::value_path::{DecodeError, ValuePath};
use crate::terraform::{Dynamic, Number, Type, Value};

/// Decodes one value and nothing after it. Errors contain the path of the value and never the value.
pub(super) fn decode(mut bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let root = ValuePath::Root;
    let value = read_value_ref_with_max_depth(&mut bytes, MAX_DEPTH)
        .map_err(|_| root.error("the value is not msgpack, is cut off or is nested too deeply"))?;
    if !bytes.is_empty() {
        return Err(root.error("bytes follow the value"));
    }
    read(&value, ty, &root)
}

/// Levels of nesting, counted twice for each array or map.
const MAX_DEPTH: usize = 256;

/// Encodes a value. Does not check the type: the host reports a mismatch with the path of the attribute.
pub(super) fn encode(value: &Value, ty: &Type) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing to a vector cannot fail.
    let _ = write(&mut out, value, ty);
    out
}

/// The text in the form in which Terraform stores it.
pub(super) fn normalize(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) { text.into() } else { text.nfc().collect() }
}

fn read(value: &ValueRef<'_>, ty: &Type, at: &ValuePath<'_>) -> Result<Value, DecodeError> {
    match (ty, value) {
        (_, ValueRef::Nil) => Ok(Value::Null),
        // Any extension is an unknown value; its data are refinements, which are ignored.
        (_, ValueRef::Ext(..)) => Ok(Value::Unknown),
        (Type::String, _) => Ok(Value::String(normalize(text(value, at)?).into_owned())),
        (Type::Bool, ValueRef::Boolean(truth)) => Ok(Value::Bool(*truth)),
        (Type::Number, _) => number(value, at).map(Value::Number),
        (Type::List(element), ValueRef::Array(elements)) => (0..)
            .zip(elements)
            .map(|(index, value)| read(value, element, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Set(element), ValueRef::Array(elements)) => elements
            .iter()
            .map(|value| read(value, element, &ValuePath::SetElement(at)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Tuple(types), ValueRef::Array(elements)) if types.len() == elements.len() => (0..)
            .zip(types.iter().zip(elements))
            .map(|(index, (ty, value))| read(value, ty, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Map(element), ValueRef::Map(entries)) => entries
            .iter()
            .map(|(key, value)| {
                let key = text(key, at)?;
                let value = read(value, element, &ValuePath::Key(at, key))?;
                Ok((normalize(key).into_owned(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(attributes), ValueRef::Map(entries)) => object(entries, attributes, at),
        (Type::Dynamic, ValueRef::Array(pair)) => dynamic(pair, at),
        _ => Err(at.mismatch(ty)),
    }
}

fn object(
    entries: &[(ValueRef<'_>, ValueRef<'_>)],
    attributes: &BTreeMap<String, Type>,
    at: &ValuePath<'_>,
) -> Result<Value, DecodeError> {
    let exactly = "an object with exactly the attributes of the schema is required";
    // Hosts write attributes in the order of their names, as the map has them.
    let mut types = EntryTypes::Named(attributes, attributes.iter());
    let mut object = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let name = text(name, at)?;
        let ty = types.next(name).ok_or_else(|| at.error(exactly))?;
        let value = read(value, ty, &ValuePath::Attribute(at, name))?;
        object.push((name.to_owned(), value));
    }
    let object: BTreeMap<_, _> = object.into_iter().collect();
    // Missing ones, or the same one twice.
    if object.len() != attributes.len() || entries.len() != attributes.len() {
        return Err(at.error(exactly));
    }
    Ok(Value::Map(object))
}

/// A pair of a type as JSON and a value of that type.
fn dynamic(pair: &[ValueRef<'_>], at: &ValuePath<'_>) -> Result<Value, DecodeError> {
    let [ty, value] = pair else {
        return Err(at.mismatch(&Type::Dynamic));
    };
    let json = match ty {
        ValueRef::Binary(json) => Some(*json),
        ValueRef::String(json) => Some(json.as_bytes()),
        _ => None,
    };
    let ty = json
        .and_then(|json| serde_json::from_slice(json).ok())
        .and_then(|json| Type::from_json(&json).ok())
        .ok_or_else(|| at.error("a type constraint is required"))?;
    let value = read(value, &ty, at)?;
    Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
}

fn number(value: &ValueRef<'_>, at: &ValuePath<'_>) -> Result<Number, DecodeError> {
    let number = match value {
        ValueRef::Integer(int) => match int.as_i64() {
            Some(int) => return Ok(int.into()),
            None => Number::parse(&int.to_string()),
        },
        ValueRef::F32(float) => Number::from_f64((*float).into()),
        ValueRef::F64(float) => Number::from_f64(*float),
        ValueRef::String(_) | ValueRef::Binary(_) => Number::parse(text(value, at)?),
        _ => return Err(at.mismatch(&Type::Number)),
    };
    number.map_err(|_| at.error("a finite decimal number is required"))
}

fn text<'a>(value: &ValueRef<'a>, at: &ValuePath<'_>) -> Result<&'a str, DecodeError> {
    let bytes = match value {
        ValueRef::String(text) => text.into_str(),
        ValueRef::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        _ => return Err(at.mismatch(&Type::String)),
    };
    bytes.ok_or_else(|| at.error("text must be UTF-8"))
}

fn write(out: &mut Vec<u8>, value: &Value, ty: &Type) -> std::io::Result<()> {
    match value {
        Value::Null => put::write_nil(out)?,
        // An extension of type 0 with one byte, as hosts write it.
        Value::Unknown => out.extend_from_slice(&[0xd4, 0, 0]),
        Value::Bool(truth) => put::write_bool(out, *truth)?,
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => put::write_str(out, &normalize(text))?,
        Value::List(elements) => {
            put::write_array_len(out, length(elements.len()))?;
            for (index, element) in elements.iter().enumerate() {
                write(out, element, element_type(ty, index))?;
            }
        }
        Value::Map(entries) => {
            put::write_map_len(out, length(entries.len()))?;
            let mut types = EntryTypes::of(ty);
            for (name, entry) in entries {
                put::write_str(out, &normalize(name))?;
                write(out, entry, types.next(name).unwrap_or(&Type::Dynamic))?;
            }
        }
        Value::Dynamic(inner) => {
            put::write_array_len(out, 2)?;
            put::write_bin(out, inner.ty.to_json().to_string().as_bytes())?;
            write(out, &inner.value, &inner.ty)?;
        }
    }
    Ok(())
}

/// Whole numbers as integers, others as decimal text, which hosts read exactly.
fn write_number(out: &mut Vec<u8>, number: &Number) -> std::io::Result<()> {
    match number.as_i64() {
        Some(int) => put::write_sint(out, int).map(drop)?,
        None => put::write_str(out, &number.to_string())?,
    }
    Ok(())
}

fn element_type(ty: &Type, index: usize) -> &Type {
    match ty {
        Type::List(element) | Type::Set(element) => element,
        Type::Tuple(types) => types.get(index).unwrap_or(&Type::Dynamic),
        _ => &Type::Dynamic,
    }
}

/// The types of the entries of a map or object. Those of an object are found at once if they are sorted by name.
enum EntryTypes<'a> {
    Same(&'a Type),
    Named(&'a BTreeMap<String, Type>, btree_map::Iter<'a, String, Type>),
}

impl<'a> EntryTypes<'a> {
    fn of(ty: &'a Type) -> Self {
        match ty {
            Type::Map(element) => Self::Same(element),
            Type::Object(attributes) => Self::Named(attributes, attributes.iter()),
            _ => Self::Same(&Type::Dynamic),
        }
    }

    fn next(&mut self, name: &str) -> Option<&'a Type> {
        match self {
            Self::Same(ty) => Some(ty),
            Self::Named(attributes, iter) => match iter.next() {
                Some((next, ty)) if next == name => Some(ty),
                _ => attributes.get(name),
            },
        }
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
