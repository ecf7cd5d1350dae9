//! Plays Terraform, for tests: starts a provider's real binary, speaks tfplugin5 with it over mutual
//! TLS, and holds every answer to the assertions that Terraform core makes.
//!
//! It shares no code with the provider, so that each checks the other. Parts, outermost first:
//!
//! - [`core`]: core's call sequences (plan, apply, refresh, import, move) and what core would store;
//! - [`provider`]: one method per RPC;
//! - [`process`]: launching, handshake, TLS, logs, exit;
//! - [`mod@assert`]: core's object assertions, pure;
//! - [`wire`], [`schema`], [`convert`], [`mod@value`], [`ty`], [`path`], [`diagnostic`]: the
//!   vocabulary.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use serde_json::json;
//! use tf_host::core::{Core, Settings};
//! use tf_host::process::SpawnOptions;
//! use tf_host::provider::Provider;
//!
//! let provider = Provider::spawn(SpawnOptions::new("target/debug/terraform-provider-x")).await?;
//! let core = Core::new(provider.clone(), Settings::terraform("1.11.4")).await?;
//! core.configure(json!({})).await?.ok()?;
//! let mut instance = None;
//! let outcome = core.apply_config("x_thing", &mut instance, json!({ "name": "a" })).await?;
//! assert!(!outcome.diagnostics.has_errors());
//! provider.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod assert;
pub mod cli;
pub mod convert;
pub mod core;
pub mod diagnostic;
pub mod path;
pub mod pb;
pub mod process;
pub mod provider;
pub mod schema;
pub mod ty;
pub mod value;
pub mod violation;
pub mod wire;
