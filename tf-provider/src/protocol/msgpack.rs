//! Values as msgpack or as stored JSON, under a type.

use std::{borrow::Cow, collections::BTreeMap};

use rmp::{decode as get, encode as put};
use rmpv::{ValueRef, decode::read_value_ref_with_max_depth, encode::write_value};
use serde_json::Value as Json;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::terraform::{Number, Path, Step, Type, Value};

/// Decodes one value and nothing after it. Errors contain the path of the value and never the value.
pub(super) fn decode(mut bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let value = read(&mut bytes, ty, Form::Message)?;
    if bytes.is_empty() { Ok(value) } else { Err(DecodeError::new("bytes follow the value")) }
}

/// Decodes stored JSON.
pub(super) fn from_json(json: &Json, ty: &Type) -> Result<Value, DecodeError> {
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail.
    let _ = write_value(&mut bytes, &parsed(json));
    read(&mut &*bytes, ty, Form::Stored)
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

/// Levels of nesting of a value without a type or of another type, counted twice for each array or map.
const MAX_DEPTH: usize = 256;

pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let _ = write(&mut out, value); // as in from_json
    out
}

/// The text in the form in which Terraform stores it.
fn normalize(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) { text.into() } else { text.nfc().collect() }
}

/// The form of a value that is read.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// In a message: objects have exactly the attributes of the schema.
    Message,
    /// In stored JSON: absent attributes are null, unknown ones are ignored, and bools, numbers and strings are converted
    /// from each other's text, as hosts do.
    Stored,
}

/// Reads the next value under a type.
fn read(bytes: &mut &[u8], ty: &Type, form: Form) -> Result<Value, DecodeError> {
    let length = match ty {
        Type::List(_) | Type::Set(_) => header(bytes, get::read_array_len),
        Type::Map(_) | Type::Object(_) => header(bytes, get::read_map_len),
        Type::String | Type::Number | Type::Bool => None,
    };
    match (ty, length) {
        (Type::List(element) | Type::Set(element), Some(length)) => (0..length)
            .map(|index| {
                read(bytes, element, form).map_err(|error| match ty {
                    // Elements of sets cannot be addressed: the path ends at the set.
                    Type::Set(_) => DecodeError::new(error.problem),
                    _ => error.at(Step::Index(index)),
                })
            })
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Map(element), Some(length)) => (0..length)
            .map(|_| {
                let key = normalize(text(&untyped(bytes)?)?).into_owned();
                match read(bytes, element, form) {
                    Ok(value) => Ok((key.into(), value)),
                    Err(error) => Err(error.at(Step::Key(key))),
                }
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(attributes), Some(length)) => object(bytes, length, attributes, form),
        _ => scalar(&untyped(bytes)?, ty, form),
    }
}

/// Reads the length in a header. `None`, with nothing read, if the next value has another header or is cut off.
fn header<'a, E>(bytes: &mut &'a [u8], read: fn(&mut &'a [u8]) -> Result<u32, E>) -> Option<u32> {
    let mut rest = *bytes;
    let length = read(&mut rest).ok()?;
    *bytes = rest;
    Some(length)
}

/// Reads the next value, of any type.
fn untyped<'a>(bytes: &mut &'a [u8]) -> Result<ValueRef<'a>, DecodeError> {
    read_value_ref_with_max_depth(bytes, MAX_DEPTH).map_err(|_| {
        DecodeError::new("the value is not msgpack, is cut off or is nested too deeply")
    })
}

fn scalar(value: &ValueRef<'_>, ty: &Type, form: Form) -> Result<Value, DecodeError> {
    match (ty, value) {
        (_, ValueRef::Nil) => Ok(Value::Null),
        // Any extension is an unknown value; its data are refinements, which are ignored.
        (_, ValueRef::Ext(..)) => Ok(Value::Unknown),
        (Type::String, ValueRef::Boolean(truth)) if form == Form::Stored => {
            Ok(Value::String(truth.to_string()))
        }
        (Type::String, _) => Ok(Value::String(normalize(text(value)?).into_owned())),
        (Type::Bool, ValueRef::Boolean(truth)) => Ok(Value::Bool(*truth)),
        (Type::Bool, ValueRef::String(_)) if form == Form::Stored => {
            text(value)?.parse().map(Value::Bool).map_err(|_| DecodeError::mismatch(ty))
        }
        (Type::Number, _) => number(value).map(Value::Number),
        _ => Err(DecodeError::mismatch(ty)),
    }
}

fn object(
    bytes: &mut &[u8],
    length: u32,
    attributes: &BTreeMap<&'static str, Type>,
    form: Form,
) -> Result<Value, DecodeError> {
    let (mut entries, mut in_order) = (Vec::with_capacity(attributes.len()), attributes.iter());
    for _ in 0..length {
        let name = text(&untyped(bytes)?)?;
        // Hosts send attributes in order, which saves a search.
        let next = in_order.next().filter(|(next, _)| **next == name);
        if let Some((name, ty)) = next.or_else(|| attributes.get_key_value(name)) {
            let at = |error: DecodeError| error.at(Step::Attribute((*name).to_owned()));
            entries.push((Cow::Borrowed(*name), read(bytes, ty, form).map_err(at)?));
        } else {
            untyped(bytes)?;
        }
    }
    let mut object: BTreeMap<_, _> = entries.into_iter().collect();
    if form == Form::Stored {
        for name in attributes.keys() {
            object.entry((*name).into()).or_insert(Value::Null);
        }
    } else if length as usize != attributes.len() || object.len() != attributes.len() {
        let problem = "an object with exactly the attributes of the schema is required";
        return Err(DecodeError::new(problem));
    }
    Ok(Value::Map(object))
}

fn number(value: &ValueRef<'_>) -> Result<Number, DecodeError> {
    let number = match value {
        ValueRef::Integer(int) => match int.as_i64() {
            Some(int) => return Ok(int.into()),
            None => Number::parse(&int.to_string()),
        },
        ValueRef::F32(float) => Number::from_f64((*float).into()),
        ValueRef::F64(float) => Number::from_f64(*float),
        ValueRef::String(_) | ValueRef::Binary(_) => Number::parse(text(value)?),
        _ => return Err(DecodeError::mismatch(&Type::Number)),
    };
    number.ok_or(DecodeError::new("a finite decimal number is required"))
}

fn text<'a>(value: &ValueRef<'a>) -> Result<&'a str, DecodeError> {
    let text = match value {
        ValueRef::String(text) => text.into_str(),
        ValueRef::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        _ => return Err(DecodeError::mismatch(&Type::String)),
    };
    text.ok_or(DecodeError::new("text must be UTF-8"))
}

fn write(out: &mut Vec<u8>, value: &Value) -> std::io::Result<()> {
    match value {
        Value::Null => put::write_nil(out)?,
        // An extension of type 0 with one byte, as hosts write it.
        Value::Unknown => out.extend_from_slice(&[0xd4, 0, 0]),
        Value::Bool(truth) => put::write_bool(out, *truth)?,
        // Whole numbers as integers, others as decimal text, which hosts read exactly.
        Value::Number(number) => match number.as_i64() {
            Some(int) => put::write_sint(out, int).map(drop)?,
            None => put::write_str(out, &number.to_string())?,
        },
        Value::String(text) => put::write_str(out, &normalize(text))?,
        Value::List(elements) => {
            put::write_array_len(out, length(elements.len()))?;
            elements.iter().try_for_each(|element| write(out, element))?;
        }
        Value::Map(entries) => {
            put::write_map_len(out, length(entries.len()))?;
            for (name, entry) in entries {
                put::write_str(out, &normalize(name))?;
                write(out, entry)?;
            }
        }
    }
    Ok(())
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A value that does not fit its type. Contains no part of the value.
#[derive(Debug, PartialEq)]
pub(super) struct DecodeError {
    /// The position in the outermost value.
    pub(super) path: Path,
    pub(super) problem: &'static str,
}

impl DecodeError {
    fn new(problem: &'static str) -> Self {
        Self { path: Path::default(), problem }
    }

    /// The error for a value of another kind.
    fn mismatch(ty: &Type) -> Self {
        Self::new(match ty {
            Type::String => "a string is required",
            Type::Number => "a number is required",
            Type::Bool => "a bool is required",
            Type::List(_) | Type::Set(_) => "a list is required",
            Type::Map(_) | Type::Object(_) => "an object is required",
        })
    }

    /// Adds the outer step to the path.
    fn at(self, step: Step) -> Self {
        Self { path: self.path.inside(step), ..self }
    }
}

#[cfg(test)]
mod tests;
