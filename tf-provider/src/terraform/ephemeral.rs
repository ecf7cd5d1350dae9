//! Ephemeral resources.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// An ephemeral resource: opened in every plan and in every apply, never stored. It needs no renewal and no close.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// The type name.
    fn type_name(&self) -> &'static str;

    /// The arguments and attributes.
    fn schema(&self) -> Schema;

    /// Checks the arguments without any I/O. Any of them may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Opens the resource.
    async fn open(&self, request: OpenRequest) -> OpenResponse;
}

/// `OpenEphemeralResource`: a resource to open.
#[derive(Debug)]
pub struct OpenRequest {
    /// The arguments, wholly known.
    pub config: Value,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The opened resource. Ignored if `diagnostics` contains an error.
pub struct OpenResponse {
    /// The arguments as configured and the attributes, wholly known.
    pub result: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}
