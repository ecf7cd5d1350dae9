//! Managed resources: validate, refresh, import, and moves from another resource type.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{Answer, Core, Error, Phase, call};
use crate::{
    diagnostic::Diagnostics,
    pb::tfplugin5 as pb,
    schema::Schema,
    value::{changed_attributes, encode, strip},
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
    /// Whether plans replace an object that would otherwise stay, as with `-replace`.
    pub replace: bool,
    /// Whether plans do not read objects, as with `-refresh=false`.
    pub no_refresh: bool,
}

/// The result of a refresh.
#[derive(Clone, Debug, Default)]
pub struct Refreshed {
    pub diagnostics: Diagnostics,
    pub changed: Vec<String>,
    pub removed: bool,
}

/// The object of another type that a `moved` block names.
#[derive(Clone, Debug)]
pub struct MoveSource {
    /// The other provider's full source address.
    pub provider_address: String,
    pub type_name: String,
    /// The schema version under which the object is stored.
    pub schema_version: i64,
    pub state: Json,
    pub private: Vec<u8>,
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

impl Resource {
    /// `ValidateResourceTypeConfig`, as `terraform validate` calls it.
    pub async fn validate(&self, config: impl Into<Json>) -> Result<Diagnostics, Error> {
        self.validate_in(Phase::Validate, &self.schema().block.conform(config)?).await
    }

    /// `UpgradeResourceState` and `ReadResource`, as `terraform apply -refresh-only`. After an error the instance is as before.
    pub async fn refresh(
        &self,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Refreshed, Error> {
        let mut refreshed = Refreshed::default();
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
            let state = after.as_ref().map_or(&Json::Null, |after| &after.state);
            refreshed.changed = changed_attributes(&upgraded.state, state);
            refreshed.removed = after.is_none();
            *instance = after;
        }
        Ok(refreshed)
    }

    /// `ImportResourceState` and `ReadResource`: by id as `terraform import`, or by the identity of an `import` block.
    pub async fn import(
        &self,
        id: &str,
        identity: Option<&Json>,
    ) -> Result<Answer<ResourceInstance>, Error> {
        const METHOD: &str = "import_resource_state";
        let schema = self.schema();
        let request = pb::import_resource_state::Request {
            type_name: self.type_name.clone(),
            id: id.to_owned(),
            client_capabilities: self.core.settings.capabilities(Phase::Plan),
            identity: self.encode_identity(identity),
        };
        let (response, mut diagnostics) = call!(self.core, schema, import_resource_state, request);
        schema.not_deferred(METHOD, response.deferred)?;
        if diagnostics.has_errors() {
            return Ok(Answer { instance: None, diagnostics });
        }
        let imported = match response.imported_resources.as_slice() {
            [imported] if imported.type_name == self.type_name => imported,
            other => {
                let summary = "Import did not return one resource of the type";
                return Err(schema.violation(METHOD, summary, format!("{other:?}")));
            }
        };
        let instance = ResourceInstance {
            state: schema.stored_object(METHOD, imported.state.as_ref())?,
            private: imported.private.clone(),
            identity: schema.identity(METHOD, imported.identity.as_ref(), identity)?,
            tainted: false,
            schema_version: schema.version,
        };
        let (read, reading) = self.read(&instance).await?;
        diagnostics.append(reading);
        if read.is_none() {
            diagnostics.append(Diagnostics::by_core("Cannot import non-existent remote object"));
        }
        Ok(Answer { instance: read.filter(|_| !diagnostics.has_errors()), diagnostics })
    }

    /// `MoveResourceState` and `UpgradeResourceState`; the following plan reads the object.
    pub async fn move_from(&self, source: &MoveSource) -> Result<Answer<ResourceInstance>, Error> {
        const METHOD: &str = "move_resource_state";
        let (core, schema) = (&self.core, self.schema());
        if !core.settings.is_opentofu && !core.schema.capabilities.move_resource_state {
            let diagnostics = Diagnostics::by_core("Unsupported `moved` across resource types");
            return Ok(Answer { instance: None, diagnostics });
        }
        let request = pb::move_resource_state::Request {
            source_provider_address: source.provider_address.clone(),
            source_type_name: source.type_name.clone(),
            source_schema_version: source.schema_version,
            source_state: Some(raw_state(&source.state)),
            target_type_name: self.type_name.clone(),
            source_private: source.private.clone(),
            source_identity: None,
            source_identity_schema_version: 0,
        };
        let (response, mut diagnostics) = call!(core, schema, move_resource_state, request);
        if diagnostics.has_errors() {
            return Ok(Answer { instance: None, diagnostics });
        }
        let moved = ResourceInstance {
            state: schema.stored_object(METHOD, response.target_state.as_ref())?,
            private: response.target_private,
            identity: schema.identity(METHOD, response.target_identity.as_ref(), None)?,
            tainted: false,
            schema_version: schema.version,
        };
        let (instance, upgrading) = self.upgrade(&moved).await?;
        diagnostics.append(upgrading);
        Ok(Answer { instance, diagnostics })
    }

    pub(super) async fn validate_in(
        &self,
        phase: Phase,
        config: &Json,
    ) -> Result<Diagnostics, Error> {
        let request = pb::validate_resource_type_config::Request {
            type_name: self.type_name.clone(),
            config: self.schema().encode(config),
            client_capabilities: self.core.settings.capabilities(phase),
        };
        Ok(call!(self.core, self.schema(), validate_resource_type_config, request).1)
    }

    /// `UpgradeResourceState`, which core calls each time that it reads state. `None`: refused.
    pub(super) async fn upgrade(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        let schema = self.schema();
        if instance.schema_version > schema.version {
            let summary = "Resource instance managed by newer provider version";
            return Ok((None, Diagnostics::by_core(summary)));
        }
        let mut state = instance.state.clone();
        if instance.schema_version == schema.version {
            state = strip(state, &schema.block.ty());
        }
        let request = pb::upgrade_resource_state::Request {
            type_name: self.type_name.clone(),
            version: instance.schema_version,
            raw_state: Some(raw_state(&state)),
        };
        let (response, diagnostics) = call!(self.core, schema, upgrade_resource_state, request);
        if diagnostics.has_errors() {
            return Ok((None, diagnostics));
        }
        let state = response.upgraded_state.as_ref();
        let upgraded = ResourceInstance {
            state: schema.stored_object("upgrade_resource_state", state)?,
            schema_version: schema.version,
            ..instance.clone()
        };
        Ok((Some(upgraded), diagnostics))
    }

    /// `ReadResource`. `None` without errors: the object no longer exists.
    async fn read(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const METHOD: &str = "read_resource";
        let schema = self.schema();
        let known = instance.identity.as_ref();
        let request = pb::read_resource::Request {
            type_name: self.type_name.clone(),
            current_state: schema.encode(&instance.state),
            private: instance.private.clone(),
            provider_meta: None,
            client_capabilities: self.core.settings.capabilities(Phase::Plan),
            current_identity: self.encode_identity(known),
        };
        let (response, diagnostics) = call!(self.core, schema, read_resource, request);
        schema.not_deferred(METHOD, response.deferred)?;
        if diagnostics.has_errors() {
            return Ok((Some(instance.clone()), diagnostics));
        }
        if schema.object(METHOD, response.new_state.as_ref())?.is_null() {
            return Ok((None, diagnostics));
        }
        let read = ResourceInstance {
            state: schema.stored_object(METHOD, response.new_state.as_ref())?,
            private: response.private,
            identity: schema.identity(METHOD, response.new_identity.as_ref(), known)?,
            ..instance.clone()
        };
        Ok((Some(read), diagnostics))
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.core.schema.resources[&self.type_name]
    }

    pub(super) fn encode_identity(
        &self,
        identity: Option<&Json>,
    ) -> Option<pb::ResourceIdentityData> {
        let identity_data = Some(encode(identity?, self.schema().identity.as_ref()?));
        Some(pb::ResourceIdentityData { identity_data })
    }
}

fn raw_state(state: &Json) -> pb::RawState {
    pb::RawState { json: state.to_string().into_bytes(), ..pb::RawState::default() }
}
