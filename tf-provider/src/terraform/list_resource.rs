//! List resources: what `terraform query` finds.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostics, Schema, Value};

/// Lists the remote objects of a managed resource type.
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// The managed resource type, which must have an identity schema.
    fn type_name(&self) -> &'static str;

    /// The arguments of the `config` block.
    fn schema(&self) -> Schema;

    /// Checks the arguments without any I/O. Any of them may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Lists the objects.
    ///
    /// # Errors
    /// A failure of the whole list. If only a part cannot be read, the response contains a warning.
    async fn list(&self, request: ListRequest) -> Result<ListResponse, Diagnostics>;
}

/// `ListResource`: a list to make.
#[derive(Debug)]
pub struct ListRequest {
    /// The arguments, wholly known.
    pub config: Value,
    /// Whether [`ListedResource::object`] is wanted.
    pub include_resource: bool,
    /// The largest number of results, at least one.
    pub limit: usize,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The objects found. The server removes those beyond the limit.
#[derive(Debug)]
pub struct ListResponse {
    /// The objects found.
    pub found: Vec<ListedResource>,
    /// What is missing in the list.
    pub warnings: Diagnostics,
}

/// One object found.
#[derive(Debug)]
pub struct ListedResource {
    /// The identity, under the identity schema of the managed resource.
    pub identity: Value,
    /// One line for the user.
    pub display_name: String,
    /// The object under the schema of the managed resource, as an import would return it.
    pub object: Option<Value>,
}
