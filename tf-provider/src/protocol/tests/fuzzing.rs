//! A door to the decoder, for the fuzz targets alone.

use super::msgpack::{decode, encode};
use crate::terraform::{Type, Value};

/// Decodes a value, and checks that what was decoded is written and read back as the same.
///
/// # Panics
/// It is not.
pub fn msgpack(bytes: &[u8], ty: &Type) -> Option<Value> {
    let value = decode(bytes, ty).ok()?;
    let again = decode(&encode(&value), ty);
    assert!(again.as_ref() == Ok(&value), "{value:?} came back as {again:?}");
    Some(value)
}
