//! The provider.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Block, DataSource, Diagnostics, Function, ListResource, Resource, Schema, Value};

/// A provider: its configuration, resources, data sources and functions.
///
/// A process may be configured several times, while calls are in progress too: [`configure`](Self::configure) must replace
/// the previous configuration as a whole.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The arguments of the provider block.
    fn schema(&self) -> Schema {
        Schema::new(Block::default())
    }

    /// Checks the provider block without any I/O. Any argument may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Configures the provider. Any argument may be unknown in a plan. The version is that of Terraform, or the one that
    /// `OpenTofu` claims to be.
    async fn configure(&self, _config: Value, _terraform_version: String) -> Diagnostics {
        Diagnostics::new()
    }

    /// The managed resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        Vec::new()
    }

    /// The data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }

    /// The ephemeral resources.
    fn ephemeral_resources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }

    /// The list resources.
    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        Vec::new()
    }

    /// The functions. They are called on unconfigured processes.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }

    /// Cleans up before the process exits, when no call is in progress. Aborted after a second.
    async fn close(&self) {}
}
