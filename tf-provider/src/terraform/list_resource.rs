//! List resources: what `terraform query` finds.

use std::ops::ControlFlow;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostic, Diagnostics, Schema, Value};

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

    /// Sends what is found to `results` until it breaks: then the limit is reached or the host has cancelled.
    ///
    /// # Errors
    /// A failure of the whole list: the host then discards the results. Use [`ListEvent::Warning`] for a part that cannot
    /// be read.
    async fn list(
        &self,
        request: ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Diagnostics>;
}

/// Receives the events of a list.
#[async_trait]
pub trait ListResults: Send {
    /// Sends an event as soon as the host accepts one. Breaks when the host accepts no more.
    async fn send(&mut self, event: ListEvent) -> ControlFlow<()>;
}

/// `ListResource`: a list to make.
#[derive(Debug)]
pub struct ListRequest {
    /// The arguments, wholly known.
    pub config: Value,
    /// Whether [`ListedResource::object`] is wanted.
    pub include_resource: bool,
    /// The largest number of results. The server enforces it.
    pub limit: usize,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// One event of a list.
#[derive(Debug)]
pub enum ListEvent {
    /// An object was found.
    Found(ListedResource),
    /// Something is missing in the list.
    Warning(Diagnostic),
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
