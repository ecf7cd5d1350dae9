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
    ApplyRequest, CancellationToken, Diagnostics, ImportTarget, MoveRequest, ObjectResponse,
    PlanRequest, PlanResponse, ReadRequest, Resource, Schema, Value, async_trait,
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

    fn identity_schema(&self) -> Option<Schema> {
        Some(schema::identity_schema())
    }

    fn identity(&self, object: &Value) -> Option<Value> {
        UserCertificate::identity(object)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate::validate(self, config)
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(self, request).await
    }

    async fn plan_destroy(&self, request: PlanRequest) -> PlanResponse {
        plan::plan_destroy(request)
    }

    async fn create(&self, request: ApplyRequest) -> ObjectResponse {
        apply::create(self, request).await
    }

    async fn read(&self, request: ReadRequest) -> ObjectResponse {
        read::read(&self.client, request).await
    }

    async fn update(&self, request: ApplyRequest) -> ObjectResponse {
        apply::update(&self.client, request).await
    }

    async fn delete(&self, request: ApplyRequest) -> ObjectResponse {
        apply::delete(self, request)
    }

    async fn import(
        &self,
        target: ImportTarget,
        cancel: CancellationToken,
    ) -> Result<ObjectResponse, Diagnostics> {
        import::import(&self.client, &target, &cancel).await
    }

    fn generate_config(&self, state: Value) -> Value {
        list::generated_config(UserCertificate::decode(&state).0).into_value()
    }

    async fn move_from(&self, request: MoveRequest) -> Result<ObjectResponse, Diagnostics> {
        move_state::move_state(&request)
    }
}

fn stored(object: &Value, private: &[u8]) -> Result<(UserCertificate, PrivateState), Diagnostics> {
    Ok((UserCertificate::from_value(object)?, PrivateState::parse(private)?))
}

/// The state after an apply, with the responses that could not be parsed in its private data.
fn applied(
    state: Value,
    unparsed_responses: Vec<String>,
    diagnostics: Diagnostics,
) -> ObjectResponse {
    let private = PrivateState { unparsed_responses, ..PrivateState::default() };
    ObjectResponse { state, private: private.to_bytes(), diagnostics }
}
