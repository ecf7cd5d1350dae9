//! tfplugin5 messages: requests are decoded or rejected, responses are encoded. Contains the generated types and msgpack;
//! no sockets and no TLS.

mod calls;
mod decode;
mod encode;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod json;
mod msgpack;
mod pb;
mod schemas;
mod service;

pub(crate) use calls::Calls;
pub(crate) use service::service;

use crate::terraform::{Diagnostic, Schema, Value};

impl Schema {
    /// Decodes an object that was stored under this schema: absent attributes are null, unknown ones are ignored.
    ///
    /// # Errors
    /// A value that does not fit the type of its attribute.
    pub fn read_state(&self, stored: &serde_json::Value) -> Result<Value, Diagnostic> {
        decode::state(stored, &self.block.ty())
    }
}
