//! Ephemeral resources.

use std::time::SystemTime;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// An ephemeral resource: opened in every plan and in every apply, never stored.
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

    /// Renews the resource at the requested time.
    async fn renew(&self, request: RenewRequest) -> RenewResponse {
        RenewResponse { renew_at: None, private: request.private, diagnostics: Diagnostics::new() }
    }

    /// Closes the resource.
    async fn close(&self, _request: CloseRequest) -> Diagnostics {
        Diagnostics::new()
    }
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
    /// When to renew it; never if `None`.
    pub renew_at: Option<SystemTime>,
    /// Passed to the first renewal and to close, by `OpenTofu` only if it was never renewed: use a stable handle.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// `RenewEphemeralResource`: a resource to renew.
pub struct RenewRequest {
    /// The private data of the open or of the last renewal.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The renewed resource.
pub struct RenewResponse {
    /// When to renew it again; never if `None`.
    pub renew_at: Option<SystemTime>,
    /// Passed to the next renewal.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// `CloseEphemeralResource`: a resource to close.
pub struct CloseRequest {
    /// The private data of the open or, in `OpenTofu`, of the last renewal.
    pub private: Vec<u8>,
}
