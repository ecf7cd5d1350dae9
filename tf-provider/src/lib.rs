//! A server for Terraform's plugin protocol 5, for providers written in Rust.
//!
//! A provider implements the traits [`Provider`], [`Resource`], [`DataSource`], [`EphemeralResource`] and [`Function`]
//! and hands itself to [`serve`]. This crate does the rest: the handshake, mutual TLS with the host's certificate pinned,
//! the wire format, logging as hosts expect it, and a good end.

mod plugin;
mod protocol;
mod terraform;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    //! Doors to private parsers, for the fuzz targets alone.
    pub use crate::plugin::fuzzing::handshake;
    pub use crate::protocol::fuzzing::msgpack;
}

use std::sync::Arc;

pub use async_trait::async_trait;
pub use plugin::{About, Error};
pub use protocol::read_state;
pub use terraform::*;
pub use tokio_util::sync::CancellationToken;

/// Serves the provider as the plugin that a host started, or does what a person asked for on the command line.
///
/// Returns when the process is to exit. Then exit at once: a thread that still waits for something must not hold it up.
///
/// # Errors
/// Everything that keeps a plugin from starting or from serving on; [`Error::report`] tells it on stderr.
pub async fn serve(provider: impl Provider, about: &About) -> Result<(), Error> {
    let provider: Arc<dyn Provider> = Arc::new(provider);
    let running = Arc::new(protocol::Running::new());
    let service = protocol::service(provider.clone(), running.clone());
    plugin::serve(about, service, Arc::new(Workload { provider, running })).await
}

/// The provider's calls, as the process sees them.
struct Workload {
    provider: Arc<dyn Provider>,
    running: Arc<protocol::Running>,
}

#[async_trait]
impl plugin::Workload for Workload {
    fn stop(&self) {
        self.running.stop_all();
    }

    async fn idle(&self) {
        self.running.idle().await;
    }

    async fn close(&self) {
        self.provider.close().await;
    }
}

/// The README's code, so that it is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_the_example_as_it_is() {
        let readme = include_str!("../README.md");
        let example = include_str!("../examples/greeting.rs");
        assert!(readme.contains(&format!("```rust,no_run\n{example}```\n")));
    }
}
