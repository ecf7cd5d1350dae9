//! The resource `atlas_user_certificate`: an index of its parts.

mod decision;
mod farewell;
mod import;
mod lifecycle;
mod model;
mod moved;
mod plan;
mod private;
mod receive;
mod refresh;
mod schema;
mod validate;
mod window;

use std::{sync::Arc, time::Duration};

use tf_provider::{
    ApplyResponse, CreateRequest, DeleteRequest, Diagnostic, Diagnostics, ImportRequest,
    ImportResponse, MoveRequest, MoveResponse, Path, PlanDestroyRequest, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Resource, Schema, Stop, UpdateRequest, ValidateRequest, Value,
    async_trait,
};

use self::{farewell::farewell, plan::Planned, private::Private};
use super::{
    arguments,
    connection::{Connection, Session},
};
use crate::atlas::X509Type;

pub(super) const TYPE_NAME: &str = "atlas_user_certificate";

/// How long a plan may wait for the look at the user, which only serves a warning.
const PREFLIGHT: Duration = Duration::from_secs(30);

/// The resource.
pub(super) struct UserCertificate {
    connection: Arc<Connection>,
}

impl UserCertificate {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }

    /// One look at the user before a certificate is issued. Never an error: the user may be made in the same apply.
    async fn preflight(&self, config: &Value, stop: &Stop) -> Option<Diagnostic> {
        let session = self.connection.ready()?;
        let project = arguments::project_id(config).ok()??;
        let username = arguments::username(config).ok()??;
        let call = Session::call(stop, PREFLIGHT);
        let user = session.client.user(&project, &username, &call).await.ok()?;
        let kind = match &user.x509_type {
            X509Type::Managed => return None,
            X509Type::Customer => "CUSTOMER",
            X509Type::None => "NONE",
            X509Type::Other(other) => other,
        };
        Some(
            Diagnostic::warning(
                "Database user is not Atlas-managed X.509",
                format!(
                    "The database user \"{username}\" of project {project} exists with the X.509 type {kind}; Atlas issues certificates only for MANAGED. \
                     Unless this apply replaces the user, issuing will fail. The type is fixed when a user is created."
                ),
            )
            .at(Path::attribute("username")),
        )
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
        refresh::read(&self.connection, request).await
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let PlanRequest {
            prior,
            proposed,
            config,
            private,
            stop,
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
            diagnostics.extend(farewell(&prior));
            private.destroy_told = true;
        }
        if prior.is_null() || !requires_replace.is_empty() {
            diagnostics.extend(self.preflight(&config, &stop).await);
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
        private.destroy_told = true;
        let diagnostics = farewell(&request.prior).into_iter().collect();
        PlanResponse {
            private: private.to_bytes(),
            diagnostics,
            ..PlanResponse::default()
        }
    }

    async fn create(&self, request: CreateRequest) -> ApplyResponse {
        lifecycle::create(&self.connection, request).await
    }

    async fn update(&self, request: UpdateRequest) -> ApplyResponse {
        lifecycle::update(&self.connection, request).await
    }

    async fn delete(&self, request: DeleteRequest) -> ApplyResponse {
        lifecycle::delete(&request)
    }

    async fn import(&self, request: ImportRequest) -> Result<ImportResponse, Diagnostics> {
        import::import(&self.connection, request).await
    }

    async fn move_from(&self, request: MoveRequest) -> Result<MoveResponse, Diagnostics> {
        moved::take_over(&request)
    }
}
