//! Drives a provider for tests.
//!
//! - [`cli`] runs the real Terraform or `OpenTofu` in a folder of its own.
//! - [`core`] makes the calls that Terraform core makes (plan, apply, refresh, import, move) from this process, checks
//!   each response as core does, and keeps what core would store.
//! - [`plugin`] launches the provider and connects to it over mutual TLS. Every part is public, so that a test can also
//!   connect in a wrong way.
//!
//! The crate shares no code with the provider, so that each checks the other. Types and blocks that the provider does not
//! have are not implemented: reading such a schema panics.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use serde_json::json;
//! use tf_harness::core::{Core, Settings};
//! use tf_harness::plugin::{Provider, SpawnOptions};
//!
//! let provider = Provider::spawn(SpawnOptions::new("target/debug/terraform-provider-x")).await?;
//! let core = Core::new(provider, Settings::default()).await?;
//! core.configure(json!({})).await?.ok()?;
//! let mut instance = None;
//! core.resource("x_thing").apply_config(&mut instance, json!({ "name": "a" })).await?.ok()?;
//! core.provider.shutdown().await;
//! # Ok(())
//! # }
//! ```

#![allow(missing_docs, reason = "a name that says it all is not repeated in a comment")]

#[cfg(feature = "host")]
pub mod checks;
pub mod cli;
#[cfg(feature = "host")]
pub mod core;
#[cfg(feature = "host")]
pub mod diagnostic;
#[cfg(feature = "host")]
pub mod error;
#[cfg(feature = "host")]
pub mod pb;
#[cfg(feature = "host")]
pub mod plugin;
#[cfg(feature = "host")]
pub mod schema;
#[cfg(feature = "host")]
pub mod value;
