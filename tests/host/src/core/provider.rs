//! The provider block, and what core has from the start.

use std::sync::Arc;

use super::{Core, Error, Settings, Walk};
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::pb::tfplugin5 as pb;
use crate::provider::Provider;
use crate::schema::{self, Block, ProviderSchema};
use crate::value::Value;
use crate::violation::{Problem, Violation};
use crate::wire;

impl Core {
    /// Fetches the schema and holds it to core's checks.
    pub async fn new(provider: Provider, settings: Settings) -> Result<Self, Error> {
        let response = provider
            .get_schema(pb::get_provider_schema::Request {})
            .await?;
        Diagnostics::read("GetSchema", "the provider", &response.diagnostics, None)?.ok()?;
        let schema = schema::read(&response)?;
        Ok(Self::with_schema(provider, Arc::new(schema), settings))
    }

    /// Takes the schema from a cache, as core does for every later process of a command.
    pub fn with_schema(
        provider: Provider,
        schema: Arc<ProviderSchema>,
        settings: Settings,
    ) -> Self {
        let schema = if settings.knows_write_only() {
            schema
        } else {
            without_write_only(&schema)
        };
        let results = Arc::default();
        Self {
            provider,
            schema,
            settings: Arc::new(settings),
            results,
        }
    }

    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The schema, shared for [`Self::with_schema`].
    pub fn schema(&self) -> &Arc<ProviderSchema> {
        &self.schema
    }

    /// The host that is played.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `PrepareProviderConfig` and, unless that refused, `Configure` in the plan walk.
    pub async fn configure(&self, config: impl Into<Value>) -> Result<Diagnostics, Error> {
        self.configure_in(Walk::Plan, config).await
    }

    /// `PrepareProviderConfig` and, unless that refused, `Configure`.
    pub async fn configure_in(
        &self,
        walk: Walk,
        config: impl Into<Value>,
    ) -> Result<Diagnostics, Error> {
        let config = config.into();
        let mut diagnostics = self.validate_provider(&config).await?;
        if diagnostics.has_errors() {
            return Ok(diagnostics);
        }
        let block = &self.schema.provider.block;
        let ty = block.ty();
        let config = convert::block(config, block)?;
        let request = pb::configure::Request {
            terraform_version: self.settings.terraform_version.clone(),
            config: Some(wire::encode(&config, &ty)),
            client_capabilities: self.settings.in_walk(walk),
        };
        let response = self.provider.configure(request).await?;
        let subject = "the provider";
        diagnostics.append(&Diagnostics::read(
            "Configure",
            subject,
            &response.diagnostics,
            Some(&ty),
        )?);
        Ok(diagnostics)
    }

    /// `PrepareProviderConfig` alone, as `terraform validate` does.
    pub async fn validate_provider(&self, config: impl Into<Value>) -> Result<Diagnostics, Error> {
        let block = &self.schema.provider.block;
        let ty = block.ty();
        let config = convert::block(config.into(), block)?;
        let request = pb::prepare_provider_config::Request {
            config: Some(wire::encode(&config, &ty)),
        };
        let response = self.provider.prepare_provider_config(request).await?;
        let (rpc, subject) = ("PrepareProviderConfig", "the provider");
        let diagnostics = Diagnostics::read(rpc, subject, &response.diagnostics, Some(&ty))?;
        if diagnostics.has_errors() {
            return Ok(diagnostics);
        }
        let violation = |problems| Violation {
            rpc,
            subject: subject.into(),
            summary: "prepared_config is not the configuration".into(),
            problems,
        };
        let prepared = wire::decode(response.prepared_config.as_ref(), &ty)
            .map_err(|error| violation(vec![Problem::new(&error.path, error.problem)]))?;
        let changed: Vec<_> = prepared
            .unrefined()
            .changed_attributes(&config.unrefined())
            .iter()
            .map(|name| Problem::new(&crate::path::Path::root().attribute(name), "was changed"))
            .collect();
        if changed.is_empty() {
            Ok(diagnostics)
        } else {
            Err(violation(changed).into())
        }
    }

    /// `Stop`, as at the first interrupt; the answer's error text is ignored by core.
    pub async fn stop(&self) -> Result<(), Error> {
        self.provider.stop(pb::stop::Request {}).await?;
        Ok(())
    }
}

/// The schema as a host reads it that does not know the flag.
fn without_write_only(schema: &ProviderSchema) -> Arc<ProviderSchema> {
    let mut schema = schema.clone();
    for resource in schema.resources.values_mut() {
        forget_write_only(&mut resource.block);
    }
    Arc::new(schema)
}

fn forget_write_only(block: &mut Block) {
    for attribute in block.attributes.values_mut() {
        attribute.write_only = false;
    }
    for nested in block.blocks.values_mut() {
        forget_write_only(&mut nested.block);
    }
}
