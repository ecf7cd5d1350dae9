//! What `build.rs` made of `proto/tfplugin5.proto`.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::pedantic, reason = "generated")]

tonic::include_proto!("tfplugin5");
