//! Data sources and ephemeral resources.

use serde_json::Value as Json;

use super::{Answer, Core, Error, Phase, call};
use crate::{
    checks::{plan_valid, storable},
    diagnostic::Diagnostics,
    pb::tfplugin5 as pb,
    schema::Schema,
};

/// An open instance. It stays open until [`Self::close`].
#[derive(Debug)]
pub struct Ephemeral {
    core: Core,
    type_name: String,
    pub result: Json,
    /// The time at which core would renew it.
    pub renew_at: Option<prost_types::Timestamp>,
    private: Option<Vec<u8>>,
}

impl Core {
    /// `ValidateDataSourceConfig` and `ReadDataSource`. The configuration must be wholly known.
    pub async fn read_data(
        &self,
        type_name: &str,
        config: impl Into<Json>,
    ) -> Result<Answer<Json>, Error> {
        let schema = &self.schema.data_sources[type_name];
        let type_name = type_name.to_owned();
        let config = schema.encode(&schema.block.conform(config)?);
        let request = pb::validate_data_source_config::Request {
            type_name: type_name.clone(),
            config: config.clone(),
        };
        let mut diagnostics = call!(self, schema, validate_data_source_config, request).1;
        if diagnostics.has_errors() {
            return Ok(Answer { instance: None, diagnostics });
        }
        let request = pb::read_data_source::Request {
            type_name,
            config,
            provider_meta: None,
            client_capabilities: self.settings.capabilities(Phase::Plan),
        };
        let (response, reading) = call!(self, schema, read_data_source, request);
        schema.not_deferred("read_data_source", response.deferred)?;
        diagnostics.append(reading);
        if diagnostics.has_errors() {
            return Ok(Answer { instance: None, diagnostics });
        }
        let state = schema.stored_object("read_data_source", response.state.as_ref())?;
        Ok(Answer { instance: Some(state), diagnostics })
    }

    /// `ValidateEphemeralResourceConfig` and `OpenEphemeralResource`. The configuration must be wholly known.
    pub async fn open_ephemeral(
        &self,
        type_name: &str,
        config: impl Into<Json>,
    ) -> Result<Answer<Ephemeral>, Error> {
        const METHOD: &str = "open_ephemeral_resource";
        let schema = self.ephemeral(type_name);
        let config = schema.block.conform(config)?;
        let request = pb::validate_ephemeral_resource_config::Request {
            type_name: type_name.to_owned(),
            config: schema.encode(&config),
        };
        let mut diagnostics = call!(self, schema, validate_ephemeral_resource_config, request).1;
        if diagnostics.has_errors() {
            return Ok(Answer { instance: None, diagnostics });
        }
        let none = pb::ClientCapabilities::default();
        let request = pb::open_ephemeral_resource::Request {
            type_name: type_name.to_owned(),
            config: schema.encode(&config),
            client_capabilities: self.settings.sends_capabilities.then_some(none),
        };
        let (response, opening) = call!(self, schema, open_ephemeral_resource, request);
        schema.not_deferred(METHOD, response.deferred)?;
        diagnostics.append(opening);
        if diagnostics.has_errors() {
            return Ok(Answer { instance: None, diagnostics });
        }
        let result = schema.object(METHOD, response.result.as_ref())?;
        let mut problems = plan_valid(&schema.block, &Json::Null, &config, &result);
        problems.extend(storable(&schema.block, &result));
        let summary = "Provider produced invalid ephemeral resource instance";
        schema.check(METHOD, summary, &problems)?;
        let instance = Ephemeral {
            core: self.clone(),
            type_name: type_name.to_owned(),
            result,
            renew_at: response.renew_at,
            private: response.private,
        };
        Ok(Answer { instance: Some(instance), diagnostics })
    }

    fn ephemeral(&self, type_name: &str) -> &Schema {
        &self.schema.ephemeral_resources[type_name]
    }
}

impl Ephemeral {
    pub async fn close(self) -> Result<Diagnostics, Error> {
        let request = pb::close_ephemeral_resource::Request {
            type_name: self.type_name.clone(),
            private: self.private,
        };
        let schema = self.core.ephemeral(&self.type_name);
        Ok(call!(self.core, schema, close_ephemeral_resource, request).1)
    }
}
