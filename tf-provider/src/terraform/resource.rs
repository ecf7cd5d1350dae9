//! Managed resources.

use async_trait::async_trait;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::{Diagnostic, Diagnostics, Mode, Path, Schema, Value};

/// A managed resource.
///
/// Values are decoded under the schema before a method is called: an object has every attribute. The server checks that
/// required arguments are not null, that computed attributes are not configured, and that write-only arguments are
/// only set where the host supports them. It clears write-only arguments in every response.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The type name, such as `atlas_user_certificate`.
    fn type_name(&self) -> &'static str;

    /// The arguments and attributes.
    fn schema(&self) -> Schema;

    /// The schema of identities, if objects of this type have one: attributes of primitive types or lists of one. An `import`
    /// block must set those that are required.
    fn identity_schema(&self) -> Option<Schema> {
        None
    }

    /// The identity of an object, computed from the object alone.
    ///
    /// The server calls it for every object that it returns to the host and omits an identity that is not wholly known.
    /// Identities in requests are ignored, except to import.
    fn identity(&self, _object: &Value) -> Option<Value> {
        None
    }

    /// Checks the arguments without any I/O. Called several times, on unconfigured processes too; any value may be unknown.
    fn validate(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Converts state of an older schema version to the current one, as JSON.
    ///
    /// # Errors
    /// An unknown version.
    fn upgrade(&self, version: i64, _state: Json) -> Result<Json, Diagnostics> {
        let detail = format!(
            "The state of this {} was written under schema version {version}, which this provider cannot read. Use \
             the provider version that wrote it, or a later one.",
            self.type_name()
        );
        Err(Diagnostic::error("State of an unknown version", detail).into())
    }

    /// Refreshes the state. A null state means that the object no longer exists. With an error, state and private data stay
    /// as they were.
    async fn read(&self, request: ReadRequest) -> ObjectResponse;

    /// Plans a create or an update. Must return the same plan for the same request.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;

    /// Plans a destroy. An error keeps the object.
    async fn plan_destroy(&self, request: PlanRequest) -> PlanResponse {
        PlanResponse { private: request.private, ..PlanResponse::default() }
    }

    /// Creates the object. Once the remote object exists, the response must contain it, with errors or without. With an error,
    /// it is stored as tainted.
    async fn create(&self, request: ApplyRequest) -> ObjectResponse;

    /// Updates the object. On failure the response contains the object as it is now.
    async fn update(&self, request: ApplyRequest) -> ObjectResponse;

    /// Deletes the object. A null state means success.
    async fn delete(&self, request: ApplyRequest) -> ObjectResponse;

    /// Imports an existing object; what cannot be known is null. A read follows. The `Stop` RPC cancels it.
    ///
    /// # Errors
    /// An invalid id, an object that does not exist, or a resource without import.
    async fn import(
        &self,
        _target: ImportTarget,
        _cancel: CancellationToken,
    ) -> Result<ObjectResponse, Diagnostics> {
        let detail = format!("{} does not support import.", self.type_name());
        Err(Diagnostic::error("Resource cannot be imported", detail).into())
    }

    /// Converts the state of another resource type (`moved` block); what cannot be known is null. Called on unconfigured
    /// processes. An upgrade and a read follow.
    ///
    /// # Errors
    /// An unsupported source.
    async fn move_from(&self, request: MoveRequest) -> Result<ObjectResponse, Diagnostics> {
        let MoveRequest { source_type, source_provider, source_version, .. } = request;
        let detail = format!(
            "{} cannot take over {source_type} of {source_provider} (schema version {source_version}).",
            self.type_name()
        );
        Err(Diagnostic::error("Resource cannot be moved", detail).into())
    }

    /// The configuration that describes an object, for `-generate-config-out`. By default every argument that is set.
    fn generate_config(&self, state: Value) -> Value {
        let mut config = state;
        self.schema().block.clear(&mut config, |attribute| attribute.mode == Mode::Computed);
        config
    }
}

/// `ReadResource`: an object to refresh.
pub struct ReadRequest {
    /// The object in state.
    pub state: Value,
    /// The private data stored with it.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// `PlanResourceChange`: a change to plan.
pub struct PlanRequest {
    /// The object in state; null for a create.
    pub prior: Value,
    /// The configuration merged with the prior state: computed attributes that are not configured have their prior value. Null
    /// for a destroy. `None` if the host sent the bytes of `prior`: use `prior`.
    pub proposed: Option<Value>,
    /// The configuration, write-only arguments included; null for a destroy.
    pub config: Value,
    /// The private data stored with the object. In the second plan of a replacement: what the first one planned.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The plan.
#[derive(Default)]
pub struct PlanResponse {
    /// The planned object, unknown where the apply decides; null for a destroy.
    pub planned: Value,
    /// The attributes whose change requires a replacement.
    pub requires_replace: Vec<Path>,
    /// Passed to the apply of this plan.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for PlanResponse {
    /// Plans this object without diagnostics.
    fn from(planned: Value) -> Self {
        Self { planned, ..Self::default() }
    }
}

/// `ApplyResourceChange`: a change to make.
pub struct ApplyRequest {
    /// The object in state; null for a create.
    pub prior: Value,
    /// The planned object; null for a delete.
    pub planned: Value,
    /// The configuration, wholly known, write-only arguments included; null for a delete.
    pub config: Value,
    /// The planned private data. For a delete: of the destroy plan or, in a replacement, of the plan that requires it.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// An object that was read, created, updated, deleted, imported or moved.
pub struct ObjectResponse {
    /// The object, wholly known; null if it no longer exists or, with an error, if the prior one is kept.
    pub state: Value,
    /// Replaces the private data stored with it.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for ObjectResponse {
    /// A success without warnings and private data.
    fn from(state: Value) -> Self {
        Self { state, private: Vec::new(), diagnostics: Diagnostics::new() }
    }
}

/// `ImportResourceState`: how an import names the remote object.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportTarget {
    /// By the id of the command line or of an `import` block.
    Id(String),
    /// By an identity under the identity schema, from an `import` block.
    Identity(Value),
}

/// `MoveResourceState`: an object of another resource type to convert.
pub struct MoveRequest {
    /// The address of the source provider, with its host.
    pub source_provider: String,
    /// The source resource type.
    pub source_type: String,
    /// The schema version of the source state, which is not upgraded.
    pub source_version: i64,
    /// The source state as stored.
    pub source_state: Json,
}
