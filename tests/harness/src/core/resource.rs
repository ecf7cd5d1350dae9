//! Managed resources: validate and refresh.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{Core, Error, Outcome, Phase, Plan, ResponseReader, check_deferred, rpc};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    pb::tfplugin5 as pb,
    schema::Schema,
    value::{Type, changed_attributes, encode, strip},
};

/// A resource instance as core keeps it in state.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceInstance {
    pub state: Json,
    pub private: Vec<u8>,
    /// The identity; `None` if the host or the provider has none.
    pub identity: Option<Json>,
    pub tainted: bool,
    /// The schema version under which the object was stored.
    pub schema_version: i64,
}

/// A resource type, and how its instances are handled.
#[derive(Clone, Debug)]
pub struct Resource {
    pub(super) core: Core,
    pub(super) type_name: String,
    pub(super) replace: bool,
    pub(super) no_refresh: bool,
}

/// The result of a refresh.
#[derive(Clone, Debug)]
pub struct Refreshed {
    pub diagnostics: Diagnostics,
    pub changed: Vec<String>,
    pub removed: bool,
}

impl ResourceInstance {
    /// The instance in the form of a state file.
    pub fn to_json(&self) -> Json {
        let mut json = json!({ "schema_version": self.schema_version, "attributes": self.state });
        if self.tainted {
            json["status"] = "tainted".into();
        }
        if !self.private.is_empty() {
            json["private"] = STANDARD.encode(&self.private).into();
        }
        if let Some(identity) = &self.identity {
            json["identity"] = identity.clone();
        }
        json
    }

    /// Reads an instance of a state file. `None` if it is not one.
    pub fn from_json(json: &Json) -> Option<Self> {
        let private = json["private"].as_str().unwrap_or_default();
        Some(Self {
            state: json["attributes"].as_object()?.clone().into(),
            private: STANDARD.decode(private).ok()?,
            identity: json.get("identity").cloned().filter(|it| !it.is_null()),
            tainted: json["status"] == "tainted",
            schema_version: json["schema_version"].as_i64()?,
        })
    }
}

impl Core {
    pub fn resource(&self, type_name: &str) -> Resource {
        Resource {
            core: self.clone(),
            type_name: type_name.to_owned(),
            replace: false,
            no_refresh: false,
        }
    }

    /// Refreshes, plans and applies, as `terraform apply`.
    pub async fn apply_config(
        &self,
        type_name: &str,
        instance: &mut Option<ResourceInstance>,
        config: impl Into<Json>,
    ) -> Result<Outcome, Error> {
        self.resource(type_name).apply_config(instance, config).await
    }

    /// Refreshes and plans, as `terraform plan`. The instance is not changed.
    pub async fn plan_config(
        &self,
        type_name: &str,
        instance: Option<&ResourceInstance>,
        config: impl Into<Json>,
    ) -> Result<Plan, Error> {
        self.resource(type_name).plan(instance, config).await
    }

    /// Refreshes, as `terraform apply -refresh-only`.
    pub async fn refresh(
        &self,
        type_name: &str,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Refreshed, Error> {
        self.resource(type_name).refresh(instance).await
    }

    pub async fn destroy(
        &self,
        type_name: &str,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Outcome, Error> {
        self.resource(type_name).destroy(instance).await
    }
}

impl Resource {
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    pub fn without_refresh(mut self) -> Self {
        self.no_refresh = true;
        self
    }

    /// `ValidateResourceTypeConfig`, as `terraform validate` calls it.
    pub async fn validate(&self, config: impl Into<Json>) -> Result<Diagnostics, Error> {
        let config = self.schema()?.block.conform(config)?;
        self.validate_in(Phase::Validate, &config).await
    }

    /// `UpgradeResourceState` and `ReadResource`. After an error the instance is as before.
    pub async fn refresh(
        &self,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Refreshed, Error> {
        let mut refreshed =
            Refreshed { diagnostics: Diagnostics::default(), changed: Vec::new(), removed: false };
        let Some(before) = instance.as_ref() else {
            return Ok(refreshed);
        };
        let (upgraded, diagnostics) = self.upgrade(before).await?;
        refreshed.diagnostics = diagnostics;
        let Some(upgraded) = upgraded else {
            return Ok(refreshed);
        };
        let (after, diagnostics) = self.read(&upgraded).await?;
        refreshed.diagnostics.append(diagnostics);
        if !refreshed.diagnostics.has_errors() {
            let null = Json::Null;
            let state = after.as_ref().map_or(&null, |after| &after.state);
            refreshed.changed = changed_attributes(&upgraded.state, state);
            refreshed.removed = after.is_none();
            *instance = after;
        }
        Ok(refreshed)
    }

    pub(super) async fn validate_in(
        &self,
        phase: Phase,
        config: &Json,
    ) -> Result<Diagnostics, Error> {
        let reader = self.reader()?;
        let request = pb::validate_resource_type_config::Request {
            type_name: self.type_name.clone(),
            config: Some(encode(config, &self.ty()?)),
            client_capabilities: self.core.settings.capabilities(phase),
        };
        let response = rpc!(self.core.provider, validate_resource_type_config, request);
        Ok(reader.diagnostics("ValidateResourceTypeConfig", &response.diagnostics)?)
    }

    /// `UpgradeResourceState`, which core calls each time that it reads state. `None`: refused.
    pub(super) async fn upgrade(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const RPC: &str = "UpgradeResourceState";
        let reader = self.reader()?;
        let version = self.schema()?.version;
        if instance.schema_version > version {
            let summary = "Resource instance managed by newer provider version";
            return Ok((None, Diagnostics(vec![Diagnostic::by_core(summary, "")])));
        }
        let mut state = instance.state.clone();
        if instance.schema_version == version {
            state = strip(state, &self.ty()?);
        }
        let request = pb::upgrade_resource_state::Request {
            type_name: self.type_name.clone(),
            version: instance.schema_version,
            raw_state: Some(raw_state(&state)),
        };
        let response = rpc!(self.core.provider, upgrade_resource_state, request);
        let diagnostics = reader.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok((None, diagnostics));
        }
        let upgraded = ResourceInstance {
            state: reader.stored_object(RPC, response.upgraded_state.as_ref())?,
            schema_version: version,
            ..instance.clone()
        };
        Ok((Some(upgraded), diagnostics))
    }

    /// `ReadResource`. `None` without errors: the object no longer exists.
    pub(super) async fn read(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const RPC: &str = "ReadResource";
        let reader = self.reader()?;
        let known = instance.identity.as_ref();
        let request = pb::read_resource::Request {
            type_name: self.type_name.clone(),
            current_state: Some(encode(&instance.state, &self.ty()?)),
            private: instance.private.clone(),
            provider_meta: None,
            client_capabilities: self.core.settings.capabilities(Phase::Plan),
            current_identity: self.encode_identity(known),
        };
        let response = rpc!(self.core.provider, read_resource, request);
        check_deferred(RPC, &self.type_name, response.deferred)?;
        let diagnostics = reader.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok((Some(instance.clone()), diagnostics));
        }
        if reader.object(RPC, response.new_state.as_ref())?.is_null() {
            return Ok((None, diagnostics));
        }
        let read = ResourceInstance {
            state: reader.stored_object(RPC, response.new_state.as_ref())?,
            private: response.private,
            identity: reader.identity(RPC, response.new_identity.as_ref(), known)?,
            ..instance.clone()
        };
        Ok((Some(read), diagnostics))
    }

    pub(super) fn schema(&self) -> Result<&Schema, Error> {
        self.core.resource_schema(&self.type_name)
    }

    pub(super) fn ty(&self) -> Result<Type, Error> {
        Ok(self.schema()?.block.ty())
    }

    pub(super) fn encode_identity(
        &self,
        identity: Option<&Json>,
    ) -> Option<pb::ResourceIdentityData> {
        let ty = self.core.schema.identities.get(&self.type_name)?;
        let identity_data = Some(encode(identity?, ty));
        Some(pb::ResourceIdentityData { identity_data })
    }

    pub(super) fn reader(&self) -> Result<ResponseReader<'_>, Error> {
        Ok(ResponseReader {
            type_name: &self.type_name,
            schema: self.schema()?,
            identity: self.core.schema.identities.get(&self.type_name),
        })
    }
}

pub(super) fn raw_state(state: &Json) -> pb::RawState {
    pb::RawState { json: state.to_string().into_bytes(), ..pb::RawState::default() }
}
