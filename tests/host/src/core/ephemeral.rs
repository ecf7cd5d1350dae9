//! Ephemeral resources: opened, renewed, closed, never stored.

use std::time::SystemTime;

use super::{Core, Error, Host};
use crate::assert;
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::pb::tfplugin5 as pb;
use crate::schema::Schema;
use crate::value::Value;
use crate::violation::{Problem, Violation};
use crate::wire;

/// What opening brought.
#[derive(Debug)]
pub struct Opened {
    /// The open instance, unless it was refused.
    pub instance: Option<Ephemeral>,
    /// Of validation and opening.
    pub diagnostics: Diagnostics,
}

/// An open instance. Close it: nothing does so by itself.
#[derive(Debug)]
pub struct Ephemeral {
    core: Core,
    type_name: String,
    /// The result.
    pub result: Value,
    /// When core would renew it.
    pub renew_at: Option<SystemTime>,
    opened_with: Option<Vec<u8>>,
    latest: Option<Vec<u8>>,
}

impl Core {
    /// `ValidateEphemeralResourceConfig`; unknowns may be anywhere.
    pub async fn validate_ephemeral(
        &self,
        type_name: &str,
        config: impl Into<Value>,
    ) -> Result<Diagnostics, Error> {
        let schema = self.ephemeral_schema(type_name)?;
        let ty = schema.block.ty();
        let config = convert::block(config.into(), &schema.block)?;
        let request = pb::validate_ephemeral_resource_config::Request {
            type_name: type_name.to_owned(),
            config: Some(wire::encode(&config, &ty)),
        };
        let response = self
            .provider
            .validate_ephemeral_resource_config(request)
            .await?;
        let rpc = "ValidateEphemeralResourceConfig";
        Ok(Diagnostics::read(
            rpc,
            type_name,
            &response.diagnostics,
            Some(&ty),
        )?)
    }

    /// `ValidateEphemeralResourceConfig` and `OpenEphemeralResource`.
    ///
    /// # Panics
    /// If the configuration is not wholly known: core would not open then.
    pub async fn open_ephemeral(
        &self,
        type_name: &str,
        config: impl Into<Value>,
    ) -> Result<Opened, Error> {
        const RPC: &str = "OpenEphemeralResource";
        let config = config.into();
        assert!(
            config.is_wholly_known(),
            "core opens nothing with unknowns: {config}"
        );
        let mut diagnostics = self.validate_ephemeral(type_name, &config).await?;
        if diagnostics.has_errors() {
            return Ok(Opened {
                instance: None,
                diagnostics,
            });
        }
        let block = &self.ephemeral_schema(type_name)?.block;
        let ty = block.ty();
        let config = convert::block(config, block)?;
        let request = pb::open_ephemeral_resource::Request {
            type_name: type_name.to_owned(),
            config: Some(wire::encode(&config, &ty)),
            client_capabilities: self
                .settings
                .capabilities
                .map(|_| pb::ClientCapabilities::default()),
        };
        let response = self.provider.open_ephemeral_resource(request).await?;
        diagnostics.append(&Diagnostics::read(
            RPC,
            type_name,
            &response.diagnostics,
            Some(&ty),
        )?);
        Self::check_deferred(RPC, type_name, response.deferred.as_ref())?;
        if diagnostics.has_errors() {
            return Ok(Opened {
                instance: None,
                diagnostics,
            });
        }
        let violation = |problems| Violation {
            rpc: RPC,
            subject: type_name.to_owned(),
            summary: "Provider produced invalid ephemeral resource instance".into(),
            problems,
        };
        let result = wire::decode(response.result.as_ref(), &ty)
            .map_err(|error| violation(vec![Problem::new(&error.path, error.problem)]))?;
        let mut problems = assert::conforms(block, &result);
        problems.extend(assert::plan_valid(block, &Value::Null, &config, &result));
        problems.extend(assert::unknowns(&result));
        if !problems.is_empty() {
            return Err(violation(problems).into());
        }
        let instance = Ephemeral {
            core: self.clone(),
            type_name: type_name.to_owned(),
            result,
            renew_at: read_time(response.renew_at),
            opened_with: response.private.clone(),
            latest: response.private,
        };
        Ok(Opened {
            instance: Some(instance),
            diagnostics,
        })
    }

    fn ephemeral_schema(&self, type_name: &str) -> Result<&Schema, Error> {
        self.schema
            .ephemeral_resources
            .get(type_name)
            .ok_or_else(|| Error::NoSuch {
                kind: "ephemeral resource",
                name: type_name.to_owned(),
            })
    }
}

impl Ephemeral {
    /// `RenewEphemeralResource`.
    pub async fn renew(&mut self) -> Result<Diagnostics, Error> {
        let request = pb::renew_ephemeral_resource::Request {
            type_name: self.type_name.clone(),
            private: self.latest.clone(),
        };
        let response = self.core.provider.renew_ephemeral_resource(request).await?;
        let rpc = "RenewEphemeralResource";
        let diagnostics = Diagnostics::read(rpc, &self.type_name, &response.diagnostics, None)?;
        self.renew_at = read_time(response.renew_at);
        self.latest = response.private;
        Ok(diagnostics)
    }

    /// `CloseEphemeralResource`: with the private data of opening in Terraform, with the latest in
    /// `OpenTofu`.
    pub async fn close(self) -> Result<Diagnostics, Error> {
        let private = match self.core.settings.host {
            Host::Terraform => self.opened_with,
            Host::OpenTofu => self.latest,
        };
        let request = pb::close_ephemeral_resource::Request {
            type_name: self.type_name.clone(),
            private,
        };
        let response = self.core.provider.close_ephemeral_resource(request).await?;
        let rpc = "CloseEphemeralResource";
        Ok(Diagnostics::read(
            rpc,
            &self.type_name,
            &response.diagnostics,
            None,
        )?)
    }
}

fn read_time(given: Option<prost_types::Timestamp>) -> Option<SystemTime> {
    given.and_then(|timestamp| SystemTime::try_from(timestamp).ok())
}
