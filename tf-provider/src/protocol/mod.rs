//! tfplugin5 messages: requests are decoded or rejected, responses are encoded. Contains the generated types and msgpack;
//! no sockets and no TLS.

mod calls;
mod decode;
mod encode;
#[cfg(feature = "fuzzing")]
#[path = "tests/fuzzing.rs"]
pub(crate) mod fuzzing;
mod msgpack;
mod schemas;
mod service;

pub(crate) use calls::Calls;
pub(crate) use service::service;

/// The generated code of `tfplugin5.proto`.
#[allow(missing_docs, unreachable_pub, dead_code, clippy::pedantic, reason = "generated")]
mod pb {
    tonic::include_proto!("tfplugin5");

    /// The messages of `GetSchema`, the only RPC that is not called like its messages.
    pub(crate) use get_provider_schema as get_schema;
}
