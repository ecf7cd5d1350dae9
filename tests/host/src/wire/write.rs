//! Values to msgpack, as core writes them.

use rmp::encode as mp;

use crate::ty::Type;
use crate::value::{Number, Refinement, Value};

/// Encodes a value that is of the type.
///
/// # Panics
/// If it is not: convert or check first.
pub fn encode(value: &Value, ty: &Type) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value, ty);
    out
}

fn write(out: &mut Vec<u8>, value: &Value, ty: &Type) {
    match (ty, value) {
        (Type::Dynamic, Value::Unknown | Value::Refined(_)) => out.extend(PLAIN_UNKNOWN),
        (_, Value::Null) => ok(mp::write_nil(out)),
        (Type::Dynamic, value) => {
            let ty = Type::of(value);
            ok(mp::write_array_len(out, 2));
            ok(mp::write_bin(out, ty.to_json().to_string().as_bytes()));
            write(out, value, &ty);
        }
        (_, Value::Unknown) => out.extend(PLAIN_UNKNOWN),
        (_, Value::Refined(refinement)) => write_refined(out, refinement),
        (Type::Bool, Value::Bool(value)) => ok(mp::write_bool(out, *value)),
        (Type::Number, Value::Number(number)) => write_number(out, number),
        (Type::String, Value::String(text)) => ok(mp::write_str(out, text)),
        (Type::List(ty), Value::List(elements)) | (Type::Set(ty), Value::Set(elements)) => {
            ok(mp::write_array_len(out, length(elements.len())));
            for element in elements {
                write(out, element, ty);
            }
        }
        (Type::Tuple(types), Value::List(elements)) if types.len() == elements.len() => {
            ok(mp::write_array_len(out, length(elements.len())));
            for (ty, element) in types.iter().zip(elements) {
                write(out, element, ty);
            }
        }
        (Type::Map(ty), Value::Map(entries)) => {
            ok(mp::write_map_len(out, length(entries.len())));
            for (key, value) in entries {
                ok(mp::write_str(out, key));
                write(out, value, ty);
            }
        }
        (Type::Object(types), Value::Object(entries)) if types.keys().eq(entries.keys()) => {
            ok(mp::write_map_len(out, length(entries.len())));
            for (name, ty) in types {
                ok(mp::write_str(out, name));
                write(out, &entries[name], ty);
            }
        }
        (ty, value) => panic!("{value:?} is not of type {ty}"),
    }
}

/// A whole number that fits is an integer, an exact fraction a float, all else decimal text.
fn write_number(out: &mut Vec<u8>, number: &Number) {
    if let Some(whole) = number.as_i64() {
        match u64::try_from(whole) {
            Ok(whole) => ok(mp::write_uint(out, whole)),
            Err(_) => ok(mp::write_sint(out, whole)),
        }
    } else if let Some(fraction) = number.as_exact_fraction() {
        ok(mp::write_f64(out, fraction));
    } else {
        ok(mp::write_str(out, number.as_str()));
    }
}

fn write_refined(out: &mut Vec<u8>, refinement: &Refinement) {
    if refinement.is_empty() {
        return out.extend(PLAIN_UNKNOWN);
    }
    let mut body = Vec::new();
    let mut entries = 0;
    let mut begin = |body: &mut Vec<u8>, key: u8| {
        entries += 1;
        ok(mp::write_pfix(body, key));
    };
    if refinement.not_null {
        begin(&mut body, 1);
        ok(mp::write_bool(&mut body, false));
    }
    if let Some(prefix) = &refinement.prefix {
        begin(&mut body, 2);
        ok(mp::write_str(&mut body, prefix));
    }
    for (key, bound) in [(3, &refinement.lower), (4, &refinement.upper)] {
        if let Some((number, inclusive)) = bound {
            begin(&mut body, key);
            ok(mp::write_array_len(&mut body, 2));
            write_number(&mut body, number);
            ok(mp::write_bool(&mut body, *inclusive));
        }
    }
    for (key, bound) in [(5, refinement.min_length), (6, refinement.max_length)] {
        if let Some(length) = bound {
            begin(&mut body, key);
            ok(mp::write_sint(&mut body, length));
        }
    }
    let mut payload = Vec::new();
    ok(mp::write_map_len(&mut payload, entries));
    payload.extend(body);
    ok(write_ext(out, REFINED, &payload));
}

fn write_ext(out: &mut Vec<u8>, code: i8, payload: &[u8]) -> Result<(), mp::ValueWriteError> {
    mp::write_ext_meta(out, length(payload.len()), code)?;
    out.extend(payload);
    Ok(())
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Writing to a `Vec` cannot fail.
fn ok<T, E: std::fmt::Debug>(written: Result<T, E>) {
    if let Err(error) = written {
        panic!("{error:?}");
    }
}

const PLAIN_UNKNOWN: [u8; 3] = [0xd4, 0, 0];
const REFINED: i8 = 12;
