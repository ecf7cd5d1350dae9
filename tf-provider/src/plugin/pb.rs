//! What `build.rs` made of `proto/plugin.proto` and `proto/health.proto`.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::pedantic,
    reason = "generated"
)]

/// The services of every plugin host.
pub(crate) mod host {
    tonic::include_proto!("plugin");
}

/// The standard health service.
pub(crate) mod health {
    tonic::include_proto!("grpc.health.v1");
}
