//! Data sources.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// A data source.
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

    /// Reads the data. An object that does not exist is an error, never null.
    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse;
}

/// `ReadDataSource`: data to read.
#[derive(Debug)]
pub struct ReadDataRequest {
    /// The arguments, wholly known.
    pub config: Value,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The data. Ignored if `diagnostics` contains an error.
#[derive(Debug)]
pub struct ReadDataResponse {
    /// The arguments as configured and the attributes, wholly known.
    pub state: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}
