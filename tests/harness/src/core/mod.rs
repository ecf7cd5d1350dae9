//! The calls that Terraform core makes, its checks of each response, and what it would store.
//!
//! An `Err` is a bug: of the provider, or of a test whose configuration core itself would refuse. A refusal by the
//! provider is a diagnostic in an `Ok`.

mod apply;
mod function;
mod plan;
mod resource;
mod response;
mod settings;
mod unmanaged;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use serde_json::Value as Json;
use tonic::Code;

pub use self::{
    apply::Outcome,
    plan::{Action, Plan},
    resource::{MoveSource, Refreshed, Resource, ResourceInstance},
    response::Stored,
    settings::{Phase, Settings},
    unmanaged::Ephemeral,
};
pub use crate::error::Error;
use crate::{
    diagnostic::Diagnostics,
    pb::tfplugin5 as pb,
    plugin::Provider,
    schema::{ProviderSchema, Schema},
    value::{Type, decode},
};

/// Core with one provider process. Clones share everything; calls may run concurrently.
#[derive(Clone, Debug)]
pub struct Core {
    pub provider: Provider,
    pub schema: Arc<ProviderSchema>,
    pub settings: Arc<Settings>,
    /// The function results so far, by name and arguments: a function is pure.
    results: Arc<Mutex<HashMap<String, Json>>>,
}

/// The object of an import, a move, a data source or an ephemeral resource, and what the provider said of it.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub instance: Option<T>,
    pub diagnostics: Diagnostics,
}

/// Makes a call, and returns with the error if it fails.
macro_rules! rpc {
    ($core:expr, $method:ident, $request:expr) => {
        match $core.provider.client().$method($request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Err($crate::core::Error::rpc(stringify!($method), &status)),
        }
    };
}

/// Makes a call about a type. The result is the response and its diagnostics.
macro_rules! call {
    ($core:expr, $schema:expr, $method:ident, $request:expr) => {{
        let response = $crate::core::rpc!($core, $method, $request);
        let diagnostics = $schema.diagnostics(stringify!($method), &response.diagnostics)?;
        (response, diagnostics)
    }};
}
pub(crate) use {call, rpc};

impl Core {
    /// Fetches the schemas.
    pub async fn new(provider: Provider, settings: Settings) -> Result<Self, Error> {
        let mut core = Self {
            provider,
            schema: Arc::default(),
            settings: Arc::new(settings),
            results: Arc::default(),
        };
        let request = pb::get_provider_schema::Request {};
        let (response, diagnostics) = call!(core, core.schema.provider, get_schema, request);
        diagnostics.ok()?;
        let mut schema = ProviderSchema::read(response, core.settings.knows_write_only);
        if core.settings.has_identity {
            for (name, identity) in core.identities().await? {
                if let Some(resource) = schema.resources.get_mut(&name) {
                    resource.identity = Some(identity);
                }
            }
        }
        core.schema = Arc::new(schema);
        Ok(core)
    }

    /// `PrepareProviderConfig` and, if that is not refused, `Configure`.
    pub async fn configure(&self, config: impl Into<Json>) -> Result<Diagnostics, Error> {
        let config = config.into();
        let mut diagnostics = self.validate_provider(config.clone()).await?;
        if diagnostics.has_errors() {
            return Ok(diagnostics);
        }
        let schema = &self.schema.provider;
        let request = pb::configure::Request {
            terraform_version: self.settings.terraform_version.clone(),
            config: schema.encode(&schema.block.conform(config)?),
            client_capabilities: self.settings.capabilities(Phase::Plan),
        };
        diagnostics.append(call!(self, schema, configure, request).1);
        Ok(diagnostics)
    }

    /// `PrepareProviderConfig`, as `terraform validate` calls it.
    pub async fn validate_provider(&self, config: impl Into<Json>) -> Result<Diagnostics, Error> {
        let schema = &self.schema.provider;
        let config = schema.encode(&schema.block.conform(config)?);
        let request = pb::prepare_provider_config::Request { config: config.clone() };
        let (response, diagnostics) = call!(self, schema, prepare_provider_config, request);
        let [prepared, config] =
            [response.prepared_config, config].map(|it| decode(it.as_ref(), &schema.block.ty()));
        if !diagnostics.has_errors() && prepared != config {
            let summary = "Provider changed its configuration";
            return Err(schema.violation("prepare_provider_config", summary, ""));
        }
        Ok(diagnostics)
    }

    /// `Stop`, as at the first interrupt. Core ignores the error text of the response.
    pub async fn stop(&self) -> Result<(), Error> {
        rpc!(self, stop, pb::stop::Request {});
        Ok(())
    }

    /// A managed resource type.
    ///
    /// # Panics
    /// If the provider does not have it.
    pub fn resource(&self, type_name: &str) -> Resource {
        assert!(self.schema.resources.contains_key(type_name), "no resource {type_name}");
        Resource {
            core: self.clone(),
            type_name: type_name.to_owned(),
            replace: false,
            no_refresh: false,
        }
    }

    /// The identity types by resource type; none for a provider without identities.
    async fn identities(&self) -> Result<BTreeMap<String, Type>, Error> {
        let request = pb::get_resource_identity_schemas::Request {};
        let response = match self.provider.client().get_resource_identity_schemas(request).await {
            Ok(response) => response.into_inner(),
            Err(status) if status.code() == Code::Unimplemented => return Ok(BTreeMap::new()),
            Err(status) => return Err(Error::rpc("get_resource_identity_schemas", &status)),
        };
        let schema = Schema::default();
        schema.diagnostics("get_resource_identity_schemas", &response.diagnostics)?.ok()?;
        let ty = |schema: pb::ResourceIdentitySchema| {
            let attributes = schema.identity_attributes.into_iter();
            Type::Object(attributes.map(|it| (it.name, Type::parse(&it.r#type))).collect())
        };
        let schemas = response.identity_schemas.into_iter();
        Ok(schemas.map(|(name, schema)| (name, ty(schema))).collect())
    }
}
