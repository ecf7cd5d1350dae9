//! The generated clients and messages.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]

/// The provider service.
pub mod tfplugin5 {
    tonic::include_proto!("tfplugin5");
}

/// go-plugin's own services.
pub mod plugin {
    tonic::include_proto!("plugin");
}
