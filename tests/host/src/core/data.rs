//! Data sources.

use super::{Core, Error, Walk};
use crate::assert;
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::pb::tfplugin5 as pb;
use crate::schema::Schema;
use crate::value::Value;
use crate::violation::{Problem, Violation};
use crate::wire;

/// What reading a data source brought.
#[derive(Clone, Debug)]
pub struct DataRead {
    /// The object, unless it was refused.
    pub state: Option<Value>,
    /// Of validation and reading.
    pub diagnostics: Diagnostics,
}

impl Core {
    /// `ValidateDataSourceConfig`; unknowns may be anywhere.
    pub async fn validate_data(
        &self,
        type_name: &str,
        config: impl Into<Value>,
    ) -> Result<Diagnostics, Error> {
        let schema = self.data_schema(type_name)?;
        let ty = schema.block.ty();
        let config = convert::block(config.into(), &schema.block)?;
        let request = pb::validate_data_source_config::Request {
            type_name: type_name.to_owned(),
            config: Some(wire::encode(&config, &ty)),
        };
        let response = self.provider.validate_data_source_config(request).await?;
        let rpc = "ValidateDataSourceConfig";
        Ok(Diagnostics::read(
            rpc,
            type_name,
            &response.diagnostics,
            Some(&ty),
        )?)
    }

    /// `ValidateDataSourceConfig` and `ReadDataSource`.
    ///
    /// # Panics
    /// If the configuration is not wholly known: core would not read then.
    pub async fn read_data(
        &self,
        type_name: &str,
        config: impl Into<Value>,
    ) -> Result<DataRead, Error> {
        const RPC: &str = "ReadDataSource";
        let config = config.into();
        assert!(
            config.is_wholly_known(),
            "core reads no data source with unknowns: {config}"
        );
        let mut diagnostics = self.validate_data(type_name, &config).await?;
        if diagnostics.has_errors() {
            return Ok(DataRead {
                state: None,
                diagnostics,
            });
        }
        let block = &self.data_schema(type_name)?.block;
        let ty = block.ty();
        let request = pb::read_data_source::Request {
            type_name: type_name.to_owned(),
            config: Some(wire::encode(&convert::block(config, block)?, &ty)),
            provider_meta: None,
            client_capabilities: self.settings.in_walk(Walk::Plan),
        };
        let response = self.provider.read_data_source(request).await?;
        diagnostics.append(&Diagnostics::read(
            RPC,
            type_name,
            &response.diagnostics,
            Some(&ty),
        )?);
        Self::check_deferred(RPC, type_name, response.deferred.as_ref())?;
        if diagnostics.has_errors() {
            return Ok(DataRead {
                state: None,
                diagnostics,
            });
        }
        let violation = |summary: &str, problems| Violation {
            rpc: RPC,
            subject: type_name.to_owned(),
            summary: summary.to_owned(),
            problems,
        };
        let state = wire::decode(response.state.as_ref(), &ty).map_err(|error| {
            let problems = vec![Problem::new(&error.path, error.problem)];
            violation("Provider produced invalid object", problems)
        })?;
        if state.is_null() {
            return Err(violation("Provider produced null object", Vec::new()).into());
        }
        let mut problems = assert::conforms(block, &state);
        problems.extend(assert::unknowns(&state));
        if !problems.is_empty() {
            return Err(violation("Provider produced invalid object", problems).into());
        }
        Ok(DataRead {
            state: Some(state),
            diagnostics,
        })
    }

    fn data_schema(&self, type_name: &str) -> Result<&Schema, Error> {
        self.schema
            .data_sources
            .get(type_name)
            .ok_or_else(|| Error::NoSuch {
                kind: "data source",
                name: type_name.to_owned(),
            })
    }
}
