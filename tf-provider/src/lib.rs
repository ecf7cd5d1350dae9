//! A server for Terraform's plugin protocol 5, for providers written in Rust.
//!
//! A provider implements the traits [`Provider`], [`Resource`], [`DataSource`], [`ListResource`] and [`Function`] and
//! passes itself to [`serve`]. This crate contains the rest: the handshake, mutual TLS with the host's
//! certificate pinned, the wire format, logs in the format of the host, and an orderly shutdown.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
#[path = "tests/fuzzing.rs"]
pub mod fuzzing;
mod plugin;
mod protocol;
mod terraform;

use std::sync::Arc;

pub use async_trait::async_trait;
pub use plugin::{Error, ProviderInfo};
pub use terraform::*;
pub use tokio_util::sync::CancellationToken;

/// Serves the provider to the host that started this process, or handles the command line of a user.
///
/// Returns when the process must exit. Exit at once then: threads that still wait must not delay it.
///
/// # Errors
/// A failed start or a failed server. [`Error::report`] prints it on stderr.
pub async fn serve(provider: impl Provider, about: &ProviderInfo) -> Result<(), Error> {
    let provider: Arc<dyn Provider> = Arc::new(provider);
    let calls = Arc::new(protocol::Calls::new());
    let service = protocol::service(provider.clone(), calls.clone());
    let close = async move { provider.close().await };
    plugin::serve(about, tonic::service::Routes::new(service), calls, close).await
}

/// The code of the README, so that it is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    #[test]
    fn readme_contains_the_example_unchanged() {
        let readme = include_str!("../README.md");
        let example = include_str!("../examples/greeting.rs");
        assert!(readme.contains(&format!("```rust,no_run\n{example}```\n")));
    }
}
