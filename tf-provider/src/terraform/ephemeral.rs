use std::time::SystemTime;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// An ephemeral resource: opened in every plan and in every apply, never stored.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// The name users write.
    fn type_name(&self) -> &'static str;

    /// Arguments and attributes.
    fn schema(&self) -> Schema;

    /// Checks the arguments without any I/O; anything may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Makes the value.
    async fn open(&self, request: OpenRequest) -> OpenResponse;

    /// Prolongs the value; called at the time that was asked for.
    async fn renew(&self, request: RenewRequest) -> RenewResponse {
        RenewResponse {
            renew_at: None,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Ends the value.
    async fn close(&self, _request: CloseRequest) -> Diagnostics {
        Diagnostics::new()
    }
}

/// A value to make.
#[derive(Debug)]
pub struct OpenRequest {
    /// The arguments, wholly known.
    pub config: Value,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The value. Ignored where `diagnostics` holds an error.
pub struct OpenResponse {
    /// The arguments as given, and the attributes, wholly known.
    pub result: Value,
    /// When to call renew.
    pub renew_at: Option<SystemTime>,
    /// Given to the first renew and, by some hosts, to close: put a stable handle in it.
    pub private: Vec<u8>,
    /// What to tell the user.
    pub diagnostics: Diagnostics,
}

/// A value to prolong.
pub struct RenewRequest {
    /// What open or the last renew left.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The value lives on.
pub struct RenewResponse {
    /// When to call again.
    pub renew_at: Option<SystemTime>,
    /// Given to the next renew.
    pub private: Vec<u8>,
    /// What to tell the user.
    pub diagnostics: Diagnostics,
}

/// A value to end.
pub struct CloseRequest {
    /// What open left or, on some hosts, the last renew.
    pub private: Vec<u8>,
}
