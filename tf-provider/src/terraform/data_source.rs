//! Data sources and ephemeral resources.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// A data source or an ephemeral resource: an object that is computed from its arguments.
///
/// An ephemeral resource is read (opened) in every plan and in every apply, and never stored. It needs no renewal and no
/// close.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The type name.
    fn type_name(&self) -> &'static str;

    /// The arguments and attributes.
    fn schema(&self) -> Schema;

    /// Checks the arguments without any I/O. Any of them may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Computes the object of wholly known arguments. An object that does not exist is an error, never null. The `Stop` RPC
    /// cancels it.
    async fn read(&self, config: Value, cancel: CancellationToken) -> ReadDataResponse;
}

/// The object. Ignored if `diagnostics` contains an error.
#[derive(Debug)]
pub struct ReadDataResponse {
    /// The arguments as configured and the attributes, wholly known.
    pub state: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}
