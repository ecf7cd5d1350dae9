//! The resource `atlas_user_certificate`: an index of its parts.

mod decision;
mod farewell;
mod import;
mod lifecycle;
mod model;
mod moved;
mod plan;
mod preflight;
mod private;
mod receive;
mod refresh;
mod schema;
mod validate;
mod window;

use std::sync::Arc;

use tf_provider::{
    ApplyResponse, CreateRequest, DeleteRequest, Diagnostics, ImportRequest, ImportResponse,
    MoveRequest, MoveResponse, PlanDestroyRequest, PlanRequest, PlanResponse, ReadRequest,
    ReadResponse, Resource, Schema, UpdateRequest, ValidateRequest, Value, async_trait,
};

use self::{farewell::farewell, plan::Planned, preflight::preflight, private::Private};
use super::{arguments, client::ProviderClient, guardrails::Issuance};

pub(super) const TYPE_NAME: &str = "atlas_user_certificate";

/// The resource.
pub(super) struct UserCertificate {
    client: Arc<ProviderClient>,
}

impl UserCertificate {
    pub(super) fn new(client: Arc<ProviderClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Resource for UserCertificate {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        validate::validate(&request.config)
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        refresh::read(&self.client, request).await
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let PlanRequest {
            prior,
            proposed,
            config,
            private,
            cancel,
        } = request;
        let mut private = Private::parse(&private);
        let Planned {
            object,
            requires_replace,
            mut diagnostics,
        } = if prior.is_null() {
            plan::create(proposed, &config)
        } else {
            plan::update(&prior, proposed, &config)
        };
        if !requires_replace.is_empty() {
            // Nobody asks again before the old object is destroyed.
            diagnostics.extend(farewell(&prior, &private));
            private.destroy_told = true;
        }
        diagnostics.extend(guardrails(&self.client, &object));
        if prior.is_null() || !requires_replace.is_empty() {
            diagnostics.extend(preflight(&self.client, &config, &cancel).await);
        }
        PlanResponse {
            planned: object,
            requires_replace,
            private: private.to_bytes(),
            diagnostics,
        }
    }

    async fn plan_destroy(&self, request: PlanDestroyRequest) -> PlanResponse {
        let mut private = Private::parse(&request.private);
        let diagnostics = farewell(&request.prior, &private).into_iter().collect();
        private.destroy_told = true;
        PlanResponse {
            private: private.to_bytes(),
            diagnostics,
            ..PlanResponse::default()
        }
    }

    async fn create(&self, request: CreateRequest) -> ApplyResponse {
        lifecycle::create(&self.client, request).await
    }

    async fn update(&self, request: UpdateRequest) -> ApplyResponse {
        lifecycle::update(&self.client, request).await
    }

    async fn delete(&self, request: DeleteRequest) -> ApplyResponse {
        lifecycle::delete(&request)
    }

    async fn import(&self, request: ImportRequest) -> Result<ImportResponse, Diagnostics> {
        import::import(&self.client, request).await
    }

    async fn move_from(&self, request: MoveRequest) -> Result<MoveResponse, Diagnostics> {
        moved::take_over(&request)
    }
}

/// The guardrails that a planned object would break if it is to be issued.
fn guardrails(client: &ProviderClient, planned: &Value) -> Diagnostics {
    let session = client.session_if_known().ok().flatten();
    let Some(session) = session.filter(|_| planned.get("certificate_id").is_unknown()) else {
        return Diagnostics::new();
    };
    session.guardrails().check(&Issuance {
        project_id: arguments::project_id(planned).ok().flatten().as_ref(),
        months: arguments::months(planned).ok().flatten(),
        is_sealed: match planned.get("private_key_recipients") {
            Value::Unknown => None,
            recipients => Some(!recipients.is_null()),
        },
    })
}
