//! tfplugin5 on the wire: raw requests become typed ones or are refused, typed answers become raw ones. Knows the
//! generated types, msgpack and the vocabulary; never sockets or TLS.

mod barrier;
mod catalog;
mod decode;
mod encode;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod json;
mod msgpack;
mod pb;
mod running;
mod service;
mod trail;

pub(crate) use running::Running;
pub(crate) use service::service;

use crate::terraform::{Diagnostic, Schema, Value};

/// Reads an object that was stored under this schema, as hosts read it: absent attributes are null, others are dropped.
///
/// # Errors
/// A value that does not fit the type of its attribute.
pub fn read_state(stored: &serde_json::Value, schema: &Schema) -> Result<Value, Diagnostic> {
    decode::state(stored, &catalog::Shape::of(schema.clone()))
}
