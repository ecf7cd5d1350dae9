//! The resource `atlas_user_certificate`: an index of its parts.

mod adopt;
mod apply;
mod certificate;
mod import;
mod issue;
mod key_storage;
mod list;
mod model;
mod move_state;
mod plan;
mod plan_warnings;
mod predecessors;
mod preflight;
mod private_state;
mod read;
mod renewal;
mod schema;
mod validate;

use std::sync::Arc;

use tf_provider::{
    ApplyResponse, CreateRequest, DeleteRequest, Diagnostics, IdentitySchema, ImportRequest,
    ImportResponse, MoveRequest, MoveResponse, PlanDestroyRequest, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Resource, Schema, UpdateRequest, ValidateRequest, Value,
    async_trait,
};

pub(super) use self::{
    key_storage::build_archive, list::UserCertificateList, predecessors::Predecessors,
};
use self::{model::UserCertificate, private_state::PrivateState};
use super::client::ProviderClient;

pub(super) const TYPE_NAME: &str = "atlas_user_certificate";

#[derive(Default)]
pub(super) struct UserCertificateResource {
    pub(super) client: Arc<ProviderClient>,
    pub(super) predecessors: Arc<Predecessors>,
}

#[async_trait]
impl Resource for UserCertificateResource {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        Some(schema::identity_schema())
    }

    fn identity(&self, object: &Value) -> Option<Value> {
        UserCertificate::decode(object).0.identity()
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        validate::validate(self, request)
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(self, request).await
    }

    async fn plan_destroy(&self, request: PlanDestroyRequest) -> PlanResponse {
        plan::plan_destroy(request)
    }

    async fn create(&self, request: CreateRequest) -> ApplyResponse {
        apply::create(self, request).await
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        read::read(&self.client, request).await
    }

    async fn update(&self, request: UpdateRequest) -> ApplyResponse {
        apply::update(&self.client, request).await
    }

    async fn delete(&self, request: DeleteRequest) -> ApplyResponse {
        apply::delete(self, request)
    }

    async fn import(&self, request: ImportRequest) -> Result<ImportResponse, Diagnostics> {
        import::import(&self.client, request).await
    }

    fn generate_config(&self, state: Value) -> Value {
        list::generated_config(UserCertificate::decode(&state).0).into_value()
    }

    async fn move_from(&self, request: MoveRequest) -> Result<MoveResponse, Diagnostics> {
        move_state::move_state(&request)
    }
}

/// Reads a stored object and its private data.
fn stored(object: &Value, private: &[u8]) -> Result<(UserCertificate, PrivateState), Diagnostics> {
    Ok((UserCertificate::from_value(object)?, PrivateState::parse(private)?))
}

/// The state after an apply, with the responses that could not be parsed in its private data.
fn applied(
    state: Value,
    unparsed_responses: Vec<String>,
    diagnostics: Diagnostics,
) -> ApplyResponse {
    let private = PrivateState { unparsed_responses, ..PrivateState::default() };
    ApplyResponse { state, private: private.to_bytes(), diagnostics }
}
