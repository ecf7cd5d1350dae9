//! Msgpack to values, as strictly as core reads them.

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode as mp;
use unicode_normalization::UnicodeNormalization;

use super::Undecodable;
use crate::path::Path;
use crate::ty::Type;
use crate::value::{Number, Refinement, Value};

/// Decodes exactly one value of the type.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, Undecodable> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(ty, &Path::root())?;
    if !reader.rest.is_empty() {
        return refuse(
            &Path::root(),
            format!("{} bytes follow the value", reader.rest.len()),
        );
    }
    Ok(value)
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn value(&mut self, ty: &Type, path: &Path) -> Result<Value, Undecodable> {
        match self.marker(path)? {
            Marker::Null => {
                self.rest = &self.rest[1..];
                return Ok(Value::Null);
            }
            marker if is_ext(marker) => return self.unknown(path),
            _ => {}
        }
        match ty {
            Type::Dynamic => self.dynamic(path),
            Type::Bool => mp::read_bool(&mut self.rest)
                .map(Value::Bool)
                .or_else(|_| refuse(path, "a bool is required")),
            Type::Number => self.number(path).map(Value::Number),
            Type::String => self.text(path).map(Value::String),
            Type::List(element) => {
                let length = self.array(path)?;
                self.elements(length, |_| element.as_ref(), path)
                    .map(Value::List)
            }
            Type::Set(element) => {
                let length = self.array(path)?;
                self.elements(length, |_| element.as_ref(), path)
                    .map(Value::set)
            }
            Type::Tuple(types) => match self.array(path)? {
                length if length == types.len() => self
                    .elements(length, |index| &types[index], path)
                    .map(Value::List),
                length => refuse(
                    path,
                    format!("a tuple of {} is required, not {length}", types.len()),
                ),
            },
            Type::Map(element) => self.map(element, path),
            Type::Object(types) => self.object(types, path),
        }
    }

    fn elements<'t>(
        &mut self,
        length: usize,
        ty: impl Fn(usize) -> &'t Type,
        path: &Path,
    ) -> Result<Vec<Value>, Undecodable> {
        (0..length)
            .map(|index| self.value(ty(index), &path.index(index)))
            .collect()
    }

    fn map(&mut self, element: &Type, path: &Path) -> Result<Value, Undecodable> {
        let mut entries = BTreeMap::new();
        for _ in 0..self.map_length(path)? {
            let key = self.text(path)?;
            let value = self.value(element, &path.key(&key))?;
            if entries.insert(key.clone(), value).is_some() {
                return refuse(path, format!("key {key:?} comes twice"));
            }
        }
        Ok(Value::Map(entries))
    }

    /// Every attribute exactly once, in any order.
    fn object(
        &mut self,
        types: &BTreeMap<String, Type>,
        path: &Path,
    ) -> Result<Value, Undecodable> {
        let length = self.map_length(path)?;
        if length != types.len() {
            let required = types.len();
            return refuse(
                path,
                format!("an object with {required} attributes is required ({length} given)"),
            );
        }
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let name = self.text(path)?;
            let Some(ty) = types.get(&name) else {
                return refuse(path, format!("unsupported attribute {name:?}"));
            };
            let value = self.value(ty, &path.attribute(&name))?;
            if entries.insert(name.clone(), value).is_some() {
                return refuse(path, format!("attribute {name:?} comes twice"));
            }
        }
        Ok(Value::Object(entries))
    }

    fn dynamic(&mut self, path: &Path) -> Result<Value, Undecodable> {
        let length = self.array(path)?;
        if length != 2 {
            return refuse(path, "a dynamic value is a pair of type and value");
        }
        let spelling = self.bytes(path)?;
        let Some(ty) = Type::parse(spelling) else {
            return refuse(path, "a type is required");
        };
        self.value(&ty, path)
    }

    fn unknown(&mut self, path: &Path) -> Result<Value, Undecodable> {
        let meta = mp::read_ext_meta(&mut self.rest)
            .or_else(|_| refuse(path, "broken extension header"))?;
        let body = self.take(meta.size as usize, path)?;
        if meta.typeid != REFINED || body.len() < 2 {
            return Ok(Value::Unknown);
        }
        if body.len() > LONGEST_REFINEMENT {
            return refuse(path, "refinements longer than 1024 bytes");
        }
        let mut reader = Reader { rest: body };
        let refinement = reader.refinement(path)?;
        if !reader.rest.is_empty() || refinement.is_empty() {
            return refuse(path, "empty or overlong refinements");
        }
        Ok(Value::Refined(Box::new(refinement)))
    }

    fn refinement(&mut self, path: &Path) -> Result<Refinement, Undecodable> {
        let mut refinement = Refinement::default();
        for _ in 0..self.map_length(path)? {
            let key: i64 = mp::read_int(&mut self.rest)
                .or_else(|_| refuse(path, "refinement key is not an integer"))?;
            match key {
                1 => {
                    refinement.not_null = !mp::read_bool(&mut self.rest)
                        .or_else(|_| refuse(path, "nullness is a bool"))?;
                }
                2 => refinement.prefix = Some(self.text(path)?),
                3 => refinement.lower = Some(self.bound(path)?),
                4 => refinement.upper = Some(self.bound(path)?),
                5 => refinement.min_length = Some(self.whole(path)?),
                6 => refinement.max_length = Some(self.whole(path)?),
                _ => return refuse(path, format!("refinement {key} is not known to any core")),
            }
        }
        Ok(refinement)
    }

    fn bound(&mut self, path: &Path) -> Result<(Number, bool), Undecodable> {
        if self.array(path)? != 2 {
            return refuse(path, "a bound is a pair");
        }
        let number = self.number(path)?;
        let inclusive =
            mp::read_bool(&mut self.rest).or_else(|_| refuse(path, "inclusiveness is a bool"))?;
        Ok((number, inclusive))
    }

    fn whole(&mut self, path: &Path) -> Result<i64, Undecodable> {
        mp::read_int(&mut self.rest).or_else(|_| refuse(path, "a length is an integer"))
    }

    fn number(&mut self, path: &Path) -> Result<Number, Undecodable> {
        let number = match self.marker(path)? {
            Marker::F64 => mp::read_f64(&mut self.rest).ok().and_then(Number::from_f64),
            Marker::F32 => mp::read_f32(&mut self.rest)
                .ok()
                .map(f64::from)
                .and_then(Number::from_f64),
            Marker::U64 => mp::read_u64(&mut self.rest).ok().map(Number::from),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                Number::parse(&self.text(path)?)
            }
            _ => mp::read_int::<i64, _>(&mut self.rest)
                .ok()
                .map(Number::from),
        };
        number.map_or_else(
            || refuse(path, "a number is required, and not NaN or infinite"),
            Ok,
        )
    }

    /// Composed, as core composes what comes back.
    fn text(&mut self, path: &Path) -> Result<String, Undecodable> {
        let bytes = self.bytes(path)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.nfc().collect()),
            Err(error) => refuse(path, error.to_string()),
        }
    }

    fn bytes(&mut self, path: &Path) -> Result<&'b [u8], Undecodable> {
        let length = match self.marker(path)? {
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => mp::read_bin_len(&mut self.rest).ok(),
            _ => mp::read_str_len(&mut self.rest).ok(),
        };
        match length {
            Some(length) => self.take(length as usize, path),
            None => refuse(path, "a string is required"),
        }
    }

    fn array(&mut self, path: &Path) -> Result<usize, Undecodable> {
        mp::read_array_len(&mut self.rest)
            .map(|length| length as usize)
            .or_else(|_| refuse(path, "a sequence is required"))
    }

    fn map_length(&mut self, path: &Path) -> Result<usize, Undecodable> {
        mp::read_map_len(&mut self.rest)
            .map(|length| length as usize)
            .or_else(|_| refuse(path, "a map is required"))
    }

    fn marker(&self, path: &Path) -> Result<Marker, Undecodable> {
        match self.rest.first() {
            Some(byte) => Ok(Marker::from_u8(*byte)),
            None => refuse(path, "the message ends here"),
        }
    }

    fn take(&mut self, length: usize, path: &Path) -> Result<&'b [u8], Undecodable> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return refuse(path, "the message ends here");
        };
        self.rest = rest;
        Ok(taken)
    }
}

fn is_ext(marker: Marker) -> bool {
    matches!(
        marker,
        Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32
    )
}

fn refuse<T>(path: &Path, problem: impl Into<String>) -> Result<T, Undecodable> {
    Err(Undecodable {
        path: path.clone(),
        problem: problem.into(),
    })
}

const REFINED: i8 = 12;
const LONGEST_REFINEMENT: usize = 1024;
