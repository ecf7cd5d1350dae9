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

    /// Computes the object from wholly known arguments. The `Stop` RPC cancels it.
    ///
    /// # Errors
    /// A failure, or an object that does not exist.
    async fn read(&self, config: Value, cancel: CancellationToken) -> ReadDataResult;
}

/// The arguments as configured with the attributes, wholly known, and warnings.
pub type ReadDataResult = Result<(Value, Diagnostics), Diagnostics>;
