use std::sync::Arc;

use async_trait::async_trait;

use super::{
    DataSource, Diagnostics, EphemeralResource, Function, ListResource, Resource, Schema, Value,
};

/// A provider: its block, and the lists of what it offers.
///
/// One process may be configured several times, also while calls run: what [`configure`](Self::configure) leaves for the
/// resources must be replaced as a whole.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The arguments of the provider block; none by default.
    fn schema(&self) -> Schema {
        Schema::default()
    }

    /// Checks the provider block without any I/O; anything in it may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Takes the provider block; anything in it may be unknown while a plan is made.
    async fn configure(&self, _request: ConfigureRequest) -> Diagnostics {
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
    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        Vec::new()
    }

    /// The list resources.
    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        Vec::new()
    }

    /// The functions. They run on processes that were never configured.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }

    /// A last act before the process ends, when no call runs any more. It is cut off after a second.
    async fn close(&self) {}
}

/// The provider block, and who asks.
#[derive(Debug)]
pub struct ConfigureRequest {
    /// The version of Terraform (`OpenTofu` names a version of Terraform, too).
    pub terraform_version: String,
    /// The provider block.
    pub config: Value,
}
