use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The name users write.
    fn type_name(&self) -> &'static str;

    /// Arguments and attributes.
    fn schema(&self) -> Schema;

    /// Checks the arguments without any I/O; anything may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Looks up what the configuration asks for. Nothing found is an error, never null.
    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse;
}

/// A question.
#[derive(Debug)]
pub struct ReadDataRequest {
    /// The arguments, wholly known.
    pub config: Value,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The answer. Ignored where `diagnostics` holds an error.
#[derive(Debug)]
pub struct ReadDataResponse {
    /// The arguments as given, and the attributes, wholly known.
    pub state: Value,
    /// What to tell the user.
    pub diagnostics: Diagnostics,
}
