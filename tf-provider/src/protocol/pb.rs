//! What `build.rs` made of `proto/tfplugin5.proto`.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::pedantic, reason = "generated")]

tonic::include_proto!("tfplugin5");

/// The messages of `GetSchema`, the only RPC that is not called like its messages.
pub(crate) use get_provider_schema as get_schema;
