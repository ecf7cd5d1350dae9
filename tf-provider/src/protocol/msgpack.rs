//! Values as msgpack under a type, as hosts write and read them.
//!
//! Every error carries the path of the value that cannot be read, and never the value.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map},
};

use rmp::{Marker, encode as put};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::value_path::ValuePath;
use crate::terraform::{Dynamic, Number, Path, Type, Value};

/// Why bytes are not a value of the type they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct DecodeError {
    /// Where in the value.
    pub(crate) path: Path,
    problem: &'static str,
}

/// Reads one value and nothing after it.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let mut reader = Reader {
        rest: bytes,
        depth: 0,
    };
    let value = reader.value(ty, &ValuePath::Root)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(ValuePath::Root.error("bytes follow the value"))
    }
}

/// Writes a value. A value that does not fit its type is written as it is: the host then names the attribute.
pub(crate) fn encode(value: &Value, ty: &Type) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing to a vector cannot fail.
    let _ = write(&mut out, value, ty);
    out
}

/// The text as Terraform stores it.
pub(crate) fn normalise(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        text.into()
    } else {
        text.nfc().collect()
    }
}

impl ValuePath<'_> {
    fn error(&self, problem: &'static str) -> DecodeError {
        DecodeError {
            path: self.path(),
            problem,
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Reader<'a> {
    /// A type of the schema ends somewhere; one that comes with the value need not.
    fn value(&mut self, ty: &Type, at: &ValuePath<'_>) -> Result<Value, DecodeError> {
        if self.depth == DEEPEST {
            return Err(at.error("values are nested too deep"));
        }
        self.depth += 1;
        let value = self.shallow(ty, at);
        self.depth -= 1;
        value
    }

    fn shallow(&mut self, ty: &Type, at: &ValuePath<'_>) -> Result<Value, DecodeError> {
        let marker = self.marker(at)?;
        match marker {
            Marker::Null => return Ok(Value::Null),
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => return self.unknown(marker, at),
            _ => {}
        }
        match ty {
            Type::String => self
                .text(marker, at)
                .map(|text| Value::String(normalise(text).into_owned())),
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(at.error("a bool is required")),
            },
            Type::Number => self.number(marker, at).map(Value::Number),
            Type::List(element) => self.elements(marker, element, at),
            Type::Set(element) => {
                let length = self.length(marker, at)?;
                let elements = (0..length)
                    .map(|_| self.value(element, &ValuePath::SetElement(at)))
                    .collect::<Result<_, _>>()?;
                Ok(Value::List(elements))
            }
            Type::Tuple(types) => {
                if self.length(marker, at)? != types.len() {
                    return Err(at.error("a tuple of another length is required"));
                }
                let elements = types
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| self.value(ty, &ValuePath::Index(at, index)))
                    .collect::<Result<_, _>>()?;
                Ok(Value::List(elements))
            }
            Type::Map(element) => {
                let mut entries = BTreeMap::new();
                for _ in 0..self.entries(marker, at)? {
                    let key = self.key(at)?;
                    let value = self.value(element, &ValuePath::Key(at, key))?;
                    entries.insert(normalise(key).into_owned(), value);
                }
                Ok(Value::Map(entries))
            }
            Type::Object(attributes) => self.object(marker, attributes, at),
            Type::Dynamic => self.dynamic(marker, at),
        }
    }

    fn elements(
        &mut self,
        marker: Marker,
        element: &Type,
        at: &ValuePath<'_>,
    ) -> Result<Value, DecodeError> {
        let length = self.length(marker, at)?;
        (0..length)
            .map(|index| self.value(element, &ValuePath::Index(at, index)))
            .collect::<Result<_, _>>()
            .map(Value::List)
    }

    fn object(
        &mut self,
        marker: Marker,
        attributes: &BTreeMap<String, Type>,
        at: &ValuePath<'_>,
    ) -> Result<Value, DecodeError> {
        if self.entries(marker, at)? != attributes.len() {
            return Err(at.error("an object with exactly the attributes of the schema is required"));
        }
        let mut expected = attributes.iter();
        let mut object = Vec::with_capacity(attributes.len());
        for _ in 0..attributes.len() {
            let name = self.key(at)?;
            // Hosts keep to the order of names, so there is nothing to look for.
            let ty = match expected.next() {
                Some((next, ty)) if next == name => Some(ty),
                _ => attributes.get(name),
            };
            let Some(ty) = ty else {
                return Err(at.error("an object has an attribute that the schema does not have"));
            };
            let value = self.value(ty, &ValuePath::Attribute(at, name))?;
            object.push((name.to_owned(), value));
        }
        let object: BTreeMap<_, _> = object.into_iter().collect();
        if object.len() < attributes.len() {
            return Err(at.error("an object has the same attribute twice"));
        }
        Ok(Value::Map(object))
    }

    fn dynamic(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<Value, DecodeError> {
        if self.length(marker, at)? != 2 {
            return Err(at.error("a pair of type and value is required"));
        }
        let marker = self.marker(at)?;
        let spelling = self.bytes(marker, at)?;
        let ty = serde_json::from_slice(spelling)
            .ok()
            .and_then(|json| Type::from_json(&json).ok())
            .ok_or_else(|| at.error("a type constraint is required"))?;
        let value = self.value(&ty, at)?;
        Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
    }

    fn number(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<Number, DecodeError> {
        let finite =
            |float| Number::from_f64(float).map_err(|_| at.error("a finite number is required"));
        match marker {
            Marker::FixPos(int) => Ok(i64::from(int).into()),
            Marker::FixNeg(int) => Ok(i64::from(int).into()),
            Marker::U8 => Ok(i64::from(u8::from_be_bytes(self.array(at)?)).into()),
            Marker::U16 => Ok(i64::from(u16::from_be_bytes(self.array(at)?)).into()),
            Marker::U32 => Ok(i64::from(u32::from_be_bytes(self.array(at)?)).into()),
            Marker::U64 => {
                let int = u64::from_be_bytes(self.array(at)?);
                Number::parse(&int.to_string()).map_err(|_| at.error("a number is required"))
            }
            Marker::I8 => Ok(i64::from(i8::from_be_bytes(self.array(at)?)).into()),
            Marker::I16 => Ok(i64::from(i16::from_be_bytes(self.array(at)?)).into()),
            Marker::I32 => Ok(i64::from(i32::from_be_bytes(self.array(at)?)).into()),
            Marker::I64 => Ok(i64::from_be_bytes(self.array(at)?).into()),
            Marker::F32 => finite(f32::from_be_bytes(self.array(at)?).into()),
            Marker::F64 => finite(f64::from_be_bytes(self.array(at)?)),
            _ => {
                let text = self
                    .text(marker, at)
                    .map_err(|_| at.error("a number is required"))?;
                Number::parse(text).map_err(|_| at.error("a decimal number is required"))
            }
        }
    }

    /// Any extension is an unknown. What the host knows of it beforehand is skipped by its length.
    fn unknown(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<Value, DecodeError> {
        let length = match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.length8(at)?,
            Marker::Ext16 => self.length16(at)?,
            _ => self.length32(at)?,
        };
        self.take(1, at)?;
        self.take(length, at)?;
        Ok(Value::Unknown)
    }

    fn key(&mut self, at: &ValuePath<'_>) -> Result<&'a str, DecodeError> {
        let marker = self.marker(at)?;
        self.text(marker, at)
    }

    fn text(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(marker, at)?).map_err(|_| at.error("text must be UTF-8"))
    }

    fn bytes(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<&'a [u8], DecodeError> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 | Marker::Bin8 => self.length8(at)?,
            Marker::Str16 | Marker::Bin16 => self.length16(at)?,
            Marker::Str32 | Marker::Bin32 => self.length32(at)?,
            _ => return Err(at.error("a string is required")),
        };
        self.take(length, at)
    }

    fn length(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<usize, DecodeError> {
        match marker {
            Marker::FixArray(length) => Ok(usize::from(length)),
            Marker::Array16 => self.length16(at),
            Marker::Array32 => self.length32(at),
            _ => Err(at.error("a list is required")),
        }
    }

    fn entries(&mut self, marker: Marker, at: &ValuePath<'_>) -> Result<usize, DecodeError> {
        match marker {
            Marker::FixMap(length) => Ok(usize::from(length)),
            Marker::Map16 => self.length16(at),
            Marker::Map32 => self.length32(at),
            _ => Err(at.error("a map or an object is required")),
        }
    }

    fn length8(&mut self, at: &ValuePath<'_>) -> Result<usize, DecodeError> {
        Ok(usize::from(u8::from_be_bytes(self.array(at)?)))
    }

    fn length16(&mut self, at: &ValuePath<'_>) -> Result<usize, DecodeError> {
        Ok(usize::from(u16::from_be_bytes(self.array(at)?)))
    }

    fn length32(&mut self, at: &ValuePath<'_>) -> Result<usize, DecodeError> {
        usize::try_from(u32::from_be_bytes(self.array(at)?))
            .map_err(|_| at.error("a length is too large"))
    }

    fn marker(&mut self, at: &ValuePath<'_>) -> Result<Marker, DecodeError> {
        self.array::<1>(at).map(|[byte]| Marker::from_u8(byte))
    }

    fn array<const N: usize>(&mut self, at: &ValuePath<'_>) -> Result<[u8; N], DecodeError> {
        self.take(N, at)?
            .try_into()
            .map_err(|_| at.error("the value is cut off"))
    }

    fn take(&mut self, length: usize, at: &ValuePath<'_>) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| at.error("the value is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }
}

fn write(out: &mut Vec<u8>, value: &Value, ty: &Type) -> std::io::Result<()> {
    match value {
        Value::Null => put::write_nil(out)?,
        // One byte of type 0, as hosts write it.
        Value::Unknown => out.extend_from_slice(&[0xd4, 0, 0]),
        Value::Bool(truth) => put::write_bool(out, *truth)?,
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => put::write_str(out, &normalise(text))?,
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
                put::write_str(out, &normalise(name))?;
                write(out, entry, types.next(name))?;
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

fn write_number(out: &mut Vec<u8>, number: &Number) -> std::io::Result<()> {
    if let Some(float) = number.as_float() {
        put::write_f64(out, float)?;
    } else if let Some(int) = number.as_i64() {
        put::write_sint(out, int)?;
    } else {
        put::write_str(out, &number.to_string())?;
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

/// The types of entries that come in the order of their names.
enum EntryTypes<'a> {
    Same(&'a Type),
    Named(
        &'a BTreeMap<String, Type>,
        btree_map::Iter<'a, String, Type>,
    ),
}

impl<'a> EntryTypes<'a> {
    fn of(ty: &'a Type) -> Self {
        match ty {
            Type::Map(element) => Self::Same(element),
            Type::Object(attributes) => Self::Named(attributes, attributes.iter()),
            _ => Self::Same(&Type::Dynamic),
        }
    }

    fn next(&mut self, name: &str) -> &'a Type {
        match self {
            Self::Same(ty) => ty,
            Self::Named(attributes, iter) => match iter.next() {
                Some((next, ty)) if next == name => ty,
                _ => attributes.get(name).unwrap_or(&Type::Dynamic),
            },
        }
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// As deep as JSON is read.
const DEEPEST: usize = 128;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    }

    fn number(text: &str) -> Value {
        Value::Number(Number::parse(text).unwrap())
    }

    fn dynamic(ty: Type, value: Value) -> Value {
        Value::Dynamic(Box::new(Dynamic { ty, value }))
    }

    #[test]
    fn attributes_may_come_in_any_order_and_none_twice() {
        let ty = Type::object([("a", Type::String), ("b", Type::Number)]);
        let wanted = Value::object([("a", "x".into()), ("b", number("7"))]);
        assert_eq!(
            decode(&hex("82 a1 61 a1 78 a1 62 07"), &ty).unwrap(),
            wanted
        );
        assert_eq!(
            decode(&hex("82 a1 62 07 a1 61 a1 78"), &ty).unwrap(),
            wanted
        );
        for bytes in [
            "82 a1 61 a1 78 a1 61 a1 78",
            "82 a1 61 a1 78 a1 63 07",
            "81 a1 61 a1 78",
        ] {
            assert!(decode(&hex(bytes), &ty).is_err(), "{bytes}");
        }
    }

    #[test]
    fn reads_what_hosts_were_seen_to_send() {
        let long = "b4 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30";
        let cases: &[(&str, Type, Value)] = &[
            ("c0", Type::String, Value::Null),
            ("c2", Type::Bool, Value::Bool(false)),
            ("c3", Type::Bool, Value::Bool(true)),
            ("a2 68 69", Type::String, "hi".into()),
            ("c4 02 68 69", Type::String, "hi".into()),
            ("a3 65 cc 81", Type::String, "\u{e9}".into()),
            ("07", Type::Number, number("7")),
            ("ff", Type::Number, number("-1")),
            ("cc ff", Type::Number, number("255")),
            ("cd 01 00", Type::Number, number("256")),
            ("ce 00 01 00 00", Type::Number, number("65536")),
            (
                "cf ff ff ff ff ff ff ff ff",
                Type::Number,
                number("18446744073709551615"),
            ),
            ("d0 80", Type::Number, number("-128")),
            ("d1 80 00", Type::Number, number("-32768")),
            ("d2 80 00 00 00", Type::Number, number("-2147483648")),
            (
                "d3 80 00 00 00 00 00 00 00",
                Type::Number,
                number("-9223372036854775808"),
            ),
            ("ca 3f c0 00 00", Type::Number, number("1.5")),
            ("cb 3f f8 00 00 00 00 00 00", Type::Number, number("1.5")),
            ("a3 30 2e 31", Type::Number, number("0.1")),
            (long, Type::Number, number("12345678901234567890")),
            ("d4 00 00", Type::String, Value::Unknown),
            (
                "c7 09 0c 82 01 c2 02 a4 70 72 65 2d",
                Type::String,
                Value::Unknown,
            ),
            (
                "c7 07 0c 82 01 c2 03 92 00 c3",
                Type::Number,
                Value::Unknown,
            ),
            ("c7 03 0c 81 01 c2", Type::String, Value::Unknown),
            ("d5 0c 00 00", Type::Bool, Value::Unknown),
            ("c8 00 01 0c 80", Type::Bool, Value::Unknown),
            (
                "92 01 c0",
                Type::list(Type::Number),
                Value::List(vec![number("1"), Value::Null]),
            ),
            (
                "92 a1 6b d4 00 00",
                Type::set(Type::String),
                Value::List(vec!["k".into(), Value::Unknown]),
            ),
            (
                "81 a1 61 c3",
                Type::map(Type::Bool),
                Value::object([("a", true)].map(|(k, v)| (k, v.into()))),
            ),
            ("c0", Type::Dynamic, Value::Null),
            ("d4 00 00", Type::Dynamic, Value::Unknown),
            (
                "92 c4 08 22 73 74 72 69 6e 67 22 a1 78",
                Type::Dynamic,
                dynamic(Type::String, "x".into()),
            ),
            (
                "92 c4 08 22 73 74 72 69 6e 67 22 d4 00 00",
                Type::Dynamic,
                dynamic(Type::String, Value::Unknown),
            ),
        ];
        for (bytes, ty, expected) in cases {
            assert!(
                decode(&hex(bytes), ty).as_ref() == Ok(expected),
                "{bytes} under {ty:?}"
            );
        }
    }

    #[test]
    fn an_unreadable_value_is_refused_with_its_path() {
        let ty = Type::object([("a", Type::list(Type::map(Type::Bool)))]);
        let cases = [
            (
                "81 a1 61 91 81 a1 6b a1 78",
                "a[0][\"k\"]",
                "a bool is required",
            ),
            (
                "81 a1 61 91 81 a1 6b",
                "a[0][\"k\"]",
                "the value is cut off",
            ),
            ("81 a1 61 07", "a", "a list is required"),
            (
                "80",
                "",
                "an object with exactly the attributes of the schema is required",
            ),
            (
                "81 a1 62 c0",
                "",
                "an object has an attribute that the schema does not have",
            ),
            ("c0 c0", "", "bytes follow the value"),
            ("", "", "the value is cut off"),
        ];
        for (bytes, path, problem) in cases {
            let error = decode(&hex(bytes), &ty).unwrap_err();
            assert_eq!(
                (error.path.to_string().as_str(), error.to_string().as_str()),
                (path, problem)
            );
        }
        for (bytes, ty) in [
            ("a1 ff", Type::String),
            ("cb 7f f8 00 00 00 00 00 00", Type::Number),
            ("a3 4e 61 4e", Type::Number),
            ("dd ff ff ff ff", Type::list(Type::Bool)),
            ("db ff ff ff ff", Type::String),
            ("91 c0", Type::Dynamic),
            ("92 a1 78 c0", Type::Dynamic),
        ] {
            assert!(decode(&hex(bytes), &ty).is_err(), "{bytes}");
        }
        let twice = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
        assert!(decode(&hex("82 a1 61 c3 a1 61 c3"), &twice).is_err());
    }

    #[test]
    fn text_is_written_in_normalisation_form_c() {
        assert_eq!(encode(&"e\u{301}".into(), &Type::String), hex("a2 c3 a9"));
    }

    /// A type and a value of it.
    fn typed() -> impl Strategy<Value = (Type, Value)> {
        let leaf = prop_oneof![
            Just((Type::String, Value::Null)),
            Just((Type::Bool, Value::Unknown)),
            any::<bool>().prop_map(|truth| (Type::Bool, truth.into())),
            any::<i64>().prop_map(|int| (Type::Number, int.into())),
            "-?[1-9][0-9]{20,40}(\\.[0-9]{1,5})?".prop_map(|text| (Type::Number, number(&text))),
            (-1e300..1e300)
                .prop_map(|f: f64| (Type::Number, Value::Number(Number::from_f64(f).unwrap()))),
            ".{0,300}".prop_map(|text| (Type::String, normalise(&text).into_owned().into())),
        ];
        leaf.prop_recursive(4, 64, 5, |inner| {
            let pairs = || prop::collection::vec(inner.clone(), 0..5);
            let named = || prop::collection::btree_map("[a-z]{1,3}", inner.clone(), 0..5);
            prop_oneof![
                (inner.clone(), 0_usize..20)
                    .prop_map(|((ty, value), n)| (Type::list(ty), Value::List(vec![value; n]))),
                (inner.clone(), 0_usize..2)
                    .prop_map(|((ty, value), n)| (Type::set(ty), Value::List(vec![value; n]))),
                pairs().prop_map(|pairs| {
                    let (types, values) = pairs.into_iter().unzip();
                    (Type::Tuple(types), Value::List(values))
                }),
                named().prop_map(|named| {
                    let types = named
                        .iter()
                        .map(|(name, (ty, _))| (name.clone(), ty.clone()));
                    let values = named
                        .iter()
                        .map(|(name, (_, value))| (name.clone(), value.clone()));
                    (
                        Type::object(types.collect::<Vec<_>>()),
                        Value::object(values.collect::<Vec<_>>()),
                    )
                }),
                inner
                    .clone()
                    .prop_map(|(ty, value)| (Type::map(ty), Value::object([("k", value)]))),
                inner.prop_map(|(ty, value)| (Type::Dynamic, dynamic(ty, value))),
            ]
        })
    }

    #[test]
    fn a_value_that_brings_its_own_type_is_not_followed_for_ever() {
        let one = b"\x92\xc4\x09\"dynamic\"";
        let nested = |levels: usize| [&one.repeat(levels)[..], b"\xc0"].concat();
        assert!(decode(&nested(DEEPEST - 1), &Type::Dynamic).is_ok());
        assert!(decode(&nested(DEEPEST), &Type::Dynamic).is_err());
        assert!(decode(&nested(1_000_000), &Type::Dynamic).is_err());
    }

    proptest! {
        #[test]
        fn every_value_is_read_back_as_it_was_written((ty, value) in typed()) {
            prop_assert_eq!(decode(&encode(&value, &ty), &ty), Ok(value));
        }

        #[test]
        fn no_bytes_make_it_panic((ty, value) in typed(), junk in prop::collection::vec(any::<u8>(), 0..64), cut in any::<prop::sample::Index>()) {
            let _ = decode(&junk, &ty);
            let mut bytes = encode(&value, &ty);
            bytes.truncate(cut.index(bytes.len() + 1));
            bytes.extend_from_slice(&junk);
            let _ = decode(&bytes, &ty);
        }
    }
}
