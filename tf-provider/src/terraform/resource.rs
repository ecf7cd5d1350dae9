use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Diagnostic, Diagnostics, Path, Schema, Value};

/// A managed resource.
///
/// Before any method is called, the values were decoded under the schema: an object always has every attribute. Required
/// arguments are not null, attributes that are only computed are not set in a configuration, and write-only arguments
/// are refused where the host cannot keep them out of its state.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The name users write, such as `atlas_user_certificate`.
    fn type_name(&self) -> &'static str;

    /// Arguments and attributes.
    fn schema(&self) -> Schema;

    /// Checks the arguments without any I/O. Runs on unconfigured processes, several times; anything may be unknown.
    fn validate(&self, _request: &ValidateRequest) -> Diagnostics {
        Diagnostics::new()
    }

    /// Brings state of an older schema version to the present one, as JSON.
    ///
    /// # Errors
    /// A version that is not known.
    fn upgrade(
        &self,
        version: i64,
        _state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        Err(Diagnostic::error(
            "State of an unknown version",
            format!(
                "The state of this {} was written under schema version {version}, which this provider cannot read. \
                 Use the provider version that wrote it, or a newer one than this.",
                self.type_name()
            ),
        )
        .into())
    }

    /// Compares state with the world. A null state means that the object is gone.
    async fn read(&self, request: ReadRequest) -> ReadResponse;

    /// Decides what applying would do. Must give the same answer when it is asked again.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;

    /// Tells what destroying would do. An error keeps the object.
    async fn plan_destroy(&self, request: PlanDestroyRequest) -> PlanResponse {
        PlanResponse {
            private: request.private,
            ..PlanResponse::default()
        }
    }

    /// Makes the object. Once anything took effect, the answer carries it, errors or not.
    async fn create(&self, request: CreateRequest) -> ApplyResponse;

    /// Changes the object. On failure the answer carries the object as it is now.
    async fn update(&self, request: UpdateRequest) -> ApplyResponse;

    /// Removes the object: a null state is success.
    async fn delete(&self, request: DeleteRequest) -> ApplyResponse;

    /// Makes the state of an object that exists already from what the user typed.
    ///
    /// # Errors
    /// An id that cannot be read or an object that cannot be found; resources that cannot be imported at all.
    async fn import(&self, _request: ImportRequest) -> Result<ImportResponse, Diagnostics> {
        Err(Diagnostic::error(
            "Resource cannot be imported",
            format!("{} does not support import.", self.type_name()),
        )
        .into())
    }

    /// Makes our state from another resource type's. Runs on unconfigured processes.
    ///
    /// # Errors
    /// A source that is not known.
    async fn move_from(&self, request: MoveRequest) -> Result<MoveResponse, Diagnostics> {
        Err(Diagnostic::error(
            "Resource cannot be moved",
            format!(
                "{} cannot take over {} of {} (schema version {}).",
                self.type_name(),
                request.source_type,
                request.source_provider,
                request.source_version
            ),
        )
        .into())
    }
}

/// A configuration to check.
#[derive(Debug)]
pub struct ValidateRequest {
    /// The arguments as written; anything may be unknown.
    pub config: Value,
    /// Whether the host keeps write-only arguments out of its state.
    pub write_only_allowed: bool,
}

/// An object to compare with the world.
pub struct ReadRequest {
    /// The object as stored.
    pub state: Value,
    /// Bytes of ours, stored beside it.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The object as it is now. Where `diagnostics` holds an error, the stored object stays as it was.
pub struct ReadResponse {
    /// The object; null when it is gone.
    pub state: Value,
    /// Replaces the stored bytes.
    pub private: Vec<u8>,
    /// What to tell the user.
    pub diagnostics: Diagnostics,
}

/// A change to decide on.
pub struct PlanRequest {
    /// The object as stored; null for a new one.
    pub prior: Value,
    /// The configuration, completed with what is stored for attributes it leaves out.
    pub proposed: Value,
    /// The configuration as written, write-only arguments included.
    pub config: Value,
    /// Bytes of ours, stored beside the object. For the second half of a replacement: those that the first half planned.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// An object to destroy.
pub struct PlanDestroyRequest {
    /// The object as stored.
    pub prior: Value,
    /// Bytes of ours, stored beside it.
    pub private: Vec<u8>,
}

/// The decision.
pub struct PlanResponse {
    /// The object after applying, as far as known; null when destroying.
    pub planned: Value,
    /// The attributes whose change needs a new object.
    pub requires_replace: Vec<Path>,
    /// Given to the call that applies this plan.
    pub private: Vec<u8>,
    /// What to tell the user.
    pub diagnostics: Diagnostics,
}

impl Default for PlanResponse {
    fn default() -> Self {
        Self {
            planned: Value::Null,
            requires_replace: Vec::new(),
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        }
    }
}

impl From<Value> for PlanResponse {
    /// Plans this object, with nothing to tell.
    fn from(planned: Value) -> Self {
        Self {
            planned,
            ..Self::default()
        }
    }
}

/// An object to make.
pub struct CreateRequest {
    /// The planned object; what could not be known is unknown.
    pub planned: Value,
    /// The configuration as written, write-only arguments included, wholly known.
    pub config: Value,
    /// What the plan left for this call.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// An object to change.
pub struct UpdateRequest {
    /// The object as stored.
    pub prior: Value,
    /// The planned object; what could not be known is unknown.
    pub planned: Value,
    /// The configuration as written, write-only arguments included, wholly known.
    pub config: Value,
    /// What the plan left for this call.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// An object to remove.
pub struct DeleteRequest {
    /// The object as stored.
    pub prior: Value,
    /// What the plan left for this call.
    pub private: Vec<u8>,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The object after the call, wholly known. With an error: stored all the same, and a new object is marked as tainted;
/// a null state with an error leaves what was stored before.
pub struct ApplyResponse {
    /// The object.
    pub state: Value,
    /// Stored beside it.
    pub private: Vec<u8>,
    /// What to tell the user.
    pub diagnostics: Diagnostics,
}

impl From<Value> for ApplyResponse {
    /// The object after a call that went well, with nothing to tell.
    fn from(state: Value) -> Self {
        Self {
            state,
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        }
    }
}

/// An object to take over.
#[derive(Debug)]
pub struct ImportRequest {
    /// What the user typed.
    pub id: String,
    /// Cancelled by the `Stop` RPC.
    pub cancel: CancellationToken,
}

/// The object taken over; a read follows.
pub struct ImportResponse {
    /// The object, as far as the id and the remote side tell.
    pub state: Value,
    /// Stored beside it.
    pub private: Vec<u8>,
    /// Warnings only.
    pub diagnostics: Diagnostics,
}

/// Another resource's object to take over.
pub struct MoveRequest {
    /// The source provider's address, host included.
    pub source_provider: String,
    /// The source resource type.
    pub source_type: String,
    /// The schema version under which the source state was written; it was not upgraded.
    pub source_version: i64,
    /// The source state as stored.
    pub source_state: serde_json::Value,
}

/// The object taken over; an upgrade and a read follow.
#[derive(Debug)]
pub struct MoveResponse {
    /// The object, wholly known; what cannot be known is null.
    pub state: Value,
    /// Warnings only.
    pub diagnostics: Diagnostics,
}
