//! Managed resources: validate, refresh, plan, import and move.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{
    Core, Error, Host, INVALID_OBJECT, Outcome, Phase, check, check_deferred, decoded, rpc,
};
use crate::{
    checks::{Violation, plan_valid, proposed_new, storable},
    diagnostic::{Diagnostic, Diagnostics, Path},
    pb::tfplugin5 as pb,
    schema::Schema,
    value::{Type, changed_attributes, encode, is_wholly_known, strip},
};

/// A resource instance as core keeps it in state.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceInstance {
    /// The attributes.
    pub state: Json,
    /// The provider's private data.
    pub private: Vec<u8>,
    /// The identity; `None` if the host or the provider has none.
    pub identity: Option<Json>,
    /// Whether the next plan replaces it.
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

/// The action of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// No change.
    NoOp,
    /// A new object.
    Create,
    /// A change in place.
    Update,
    /// The old object is deleted and a new one is created.
    Replace,
    /// The object is deleted.
    Delete,
    /// None, because of an error.
    Failed,
}

/// A plan for one resource instance, as a plan file keeps it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The action.
    pub action: Action,
    /// The instance after the refresh.
    pub prior: Option<ResourceInstance>,
    /// The planned object, of the last call.
    pub planned: Json,
    /// The provider's private data for apply.
    pub planned_private: Vec<u8>,
    /// The planned identity.
    pub planned_identity: Option<Json>,
    /// Of refresh, validation and plan. Warnings of the second call of a replacement are dropped, as in core.
    pub diagnostics: Diagnostics,
}

/// The result of a refresh.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The diagnostics.
    pub diagnostics: Diagnostics,
    /// The top-level attributes that differ from before, in order.
    pub changed: Vec<String>,
    /// Whether the object no longer exists.
    pub removed: bool,
}

/// The result of an import or a move.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The instance, unless it was refused.
    pub instance: Option<ResourceInstance>,
    /// The diagnostics.
    pub diagnostics: Diagnostics,
}

/// The object of another type that a `moved` block names.
#[derive(Clone, Debug)]
pub struct MoveSource {
    /// The other provider's full source address.
    pub provider_address: String,
    /// The other type.
    pub type_name: String,
    /// The schema version under which the object is stored.
    pub schema_version: i64,
    /// Its attributes in state.
    pub state: Json,
    /// The other provider's private data.
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

impl Core {
    /// A resource type.
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
        self.resource(type_name)
            .apply_config(instance, config)
            .await
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

    /// Plans and applies a delete.
    pub async fn destroy(
        &self,
        type_name: &str,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Outcome, Error> {
        self.resource(type_name).destroy(instance).await
    }
}

impl Resource {
    /// As with `-replace`.
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    /// As with `-refresh=false`.
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
        let mut refreshed = Refreshed {
            diagnostics: Diagnostics::default(),
            changed: Vec::new(),
            removed: false,
        };
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

    /// Refreshes, validates and plans.
    pub async fn plan(
        &self,
        instance: Option<&ResourceInstance>,
        config: impl Into<Json>,
    ) -> Result<Plan, Error> {
        let config = self.schema()?.block.conform(config)?;
        let mut diagnostics = Diagnostics::default();
        let mut prior = instance.cloned();
        if !self.no_refresh {
            diagnostics = self.refresh(&mut prior).await?.diagnostics;
        } else if let Some(instance) = instance {
            let (upgraded, upgrading) = self.upgrade(instance).await?;
            diagnostics = upgrading;
            prior = upgraded.or(prior);
        }
        if !diagnostics.has_errors() {
            diagnostics.append(self.validate_in(Phase::Plan, &config).await?);
        }
        if diagnostics.has_errors() {
            return Ok(Plan::of(Action::Failed, prior, diagnostics));
        }
        self.plan_change(Phase::Plan, prior, &config, diagnostics)
            .await
    }

    /// Plans a delete.
    pub async fn plan_destroy(&self, instance: Option<&ResourceInstance>) -> Result<Plan, Error> {
        const RPC: &str = "PlanResourceChange";
        let Some(instance) = instance else {
            return Ok(Plan::of(Action::NoOp, None, Diagnostics::default()));
        };
        let (upgraded, mut diagnostics) = self.upgrade(instance).await?;
        let Some(prior) = upgraded else {
            return Ok(Plan::of(
                Action::Failed,
                Some(instance.clone()),
                diagnostics,
            ));
        };
        if !self.core.schema.capabilities.plan_destroy {
            return Ok(Plan::of(Action::Delete, Some(prior), diagnostics));
        }
        let null = Json::Null;
        let response = self
            .plan_call(Phase::Plan, Some(&prior), [&null; 2], &prior.private)
            .await?;
        diagnostics.append(self.diagnostics(RPC, &response.diagnostics)?);
        if diagnostics.has_errors() {
            return Ok(Plan::of(Action::Failed, Some(prior), diagnostics));
        }
        if !self.decode(RPC, response.planned_state.as_ref())?.is_null() {
            let message = "planned a non-null destroy value";
            return Err(self
                .violation(RPC, "Provider produced invalid plan", message)
                .into());
        }
        Ok(Plan {
            planned_private: response.planned_private,
            ..Plan::of(Action::Delete, Some(prior), diagnostics)
        })
    }

    /// `ImportResourceState` and `ReadResource`, as `terraform import`.
    pub async fn import(&self, id: &str) -> Result<Imported, Error> {
        self.import_by(id, None).await
    }

    /// The same with `import { identity = ... }`.
    pub async fn import_by_identity(&self, identity: &Json) -> Result<Imported, Error> {
        self.import_by("", Some(identity)).await
    }

    async fn import_by(&self, id: &str, identity: Option<&Json>) -> Result<Imported, Error> {
        const RPC: &str = "ImportResourceState";
        let request = pb::import_resource_state::Request {
            type_name: self.type_name.clone(),
            id: id.to_owned(),
            client_capabilities: self.core.settings.capabilities(Phase::Plan),
            identity: self.encode_identity(identity),
        };
        let response = rpc!(self.core.provider, import_resource_state, request);
        check_deferred(RPC, &self.type_name, response.deferred)?;
        let mut diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok(Imported {
                instance: None,
                diagnostics,
            });
        }
        let [imported] = response.imported_resources.as_slice() else {
            let message = format!("{} resources", response.imported_resources.len());
            return Err(self
                .violation(RPC, "Import did not return one resource", message)
                .into());
        };
        if imported.type_name != self.type_name {
            let message = format!("type {:?}", imported.type_name);
            return Err(self
                .violation(RPC, "Provider produced invalid import", message)
                .into());
        }
        let instance = ResourceInstance {
            state: self.stored_object(RPC, imported.state.as_ref())?,
            private: imported.private.clone(),
            identity: self.decode_identity(RPC, imported.identity.as_ref(), identity)?,
            tainted: false,
            schema_version: self.schema()?.version,
        };
        let (read, reading) = self.read(&instance).await?;
        diagnostics.append(reading);
        if read.is_none() {
            let summary = "Cannot import non-existent remote object";
            diagnostics.0.push(Diagnostic::by_core(
                summary,
                format!("no object with id {id:?}"),
            ));
        }
        let instance = read.filter(|_| !diagnostics.has_errors());
        Ok(Imported {
            instance,
            diagnostics,
        })
    }

    /// `MoveResourceState` and `UpgradeResourceState`; the following plan reads the object.
    pub async fn move_from(&self, source: &MoveSource) -> Result<Imported, Error> {
        const RPC: &str = "MoveResourceState";
        let (core, refused) = (&self.core, |diagnostics| Imported {
            instance: None,
            diagnostics,
        });
        if core.settings.host == Host::Terraform && !core.schema.capabilities.move_resource_state {
            let refusal = Diagnostic::by_core("Unsupported `moved` across resource types", "");
            return Ok(refused(Diagnostics(vec![refusal])));
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
        let response = rpc!(core.provider, move_resource_state, request);
        let mut diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok(refused(diagnostics));
        }
        let moved = ResourceInstance {
            state: self.stored_object(RPC, response.target_state.as_ref())?,
            private: response.target_private,
            identity: self.decode_identity(RPC, response.target_identity.as_ref(), None)?,
            tainted: false,
            schema_version: self.schema()?.version,
        };
        let (instance, upgrading) = self.upgrade(&moved).await?;
        diagnostics.append(upgrading);
        Ok(Imported {
            instance,
            diagnostics,
        })
    }

    pub(super) async fn validate_in(
        &self,
        phase: Phase,
        config: &Json,
    ) -> Result<Diagnostics, Error> {
        let request = pb::validate_resource_type_config::Request {
            type_name: self.type_name.clone(),
            config: Some(encode(config, &self.ty()?)),
            client_capabilities: self.core.settings.capabilities(phase),
        };
        let response = rpc!(self.core.provider, validate_resource_type_config, request);
        self.diagnostics("ValidateResourceTypeConfig", &response.diagnostics)
    }

    /// `UpgradeResourceState`, which core calls each time that it reads state. `None`: refused.
    pub(super) async fn upgrade(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const RPC: &str = "UpgradeResourceState";
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
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok((None, diagnostics));
        }
        let upgraded = ResourceInstance {
            state: self.stored_object(RPC, response.upgraded_state.as_ref())?,
            schema_version: version,
            ..instance.clone()
        };
        Ok((Some(upgraded), diagnostics))
    }

    /// The one or two plan calls for a configuration that was validated.
    pub(super) async fn plan_change(
        &self,
        phase: Phase,
        prior: Option<ResourceInstance>,
        config: &Json,
        mut diagnostics: Diagnostics,
    ) -> Result<Plan, Error> {
        let live = prior.as_ref().filter(|prior| !prior.tainted);
        let private = live.map_or(&[][..], |live| &live.private);
        let (first, requires_replace) = self.plan_object(phase, live, config, private).await?;
        diagnostics.append(first.diagnostics);
        let action = match (&prior, live) {
            _ if diagnostics.has_errors() => Action::Failed,
            (None, _) => Action::Create,
            (Some(_), None) => Action::Replace, // tainted: planned as a create, in one call
            _ if self.replace || requires_replace => Action::Replace,
            (_, Some(live)) if live.state == first.planned => Action::NoOp,
            _ => Action::Update,
        };
        let second = if action == Action::Replace && live.is_some() {
            self.plan_object(phase, None, config, &first.planned_private)
                .await?
                .0
        } else {
            Plan {
                diagnostics: Diagnostics::default(),
                ..first
            }
        };
        let failed = second.diagnostics.has_errors();
        if failed {
            diagnostics.append(second.diagnostics);
        }
        let action = if failed { Action::Failed } else { action };
        Ok(Plan {
            action,
            prior,
            diagnostics,
            ..second
        })
    }

    /// One plan call for an object that is to exist, and whether a change requires replacement.
    async fn plan_object(
        &self,
        phase: Phase,
        prior: Option<&ResourceInstance>,
        config: &Json,
        prior_private: &[u8],
    ) -> Result<(Plan, bool), Error> {
        const RPC: &str = "PlanResourceChange";
        let (block, null) = (&self.schema()?.block, Json::Null);
        let before = prior.map_or(&null, |prior| &prior.state);
        let proposed = proposed_new(block, before, config);
        let response = self
            .plan_call(phase, prior, [&proposed, config], prior_private)
            .await?;
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        let mut plan = Plan::of(Action::Failed, None, diagnostics);
        if plan.diagnostics.has_errors() {
            return Ok((plan, false));
        }
        let summary = "Provider produced invalid plan";
        plan.planned = self.decode(RPC, response.planned_state.as_ref())?;
        check(
            RPC,
            &self.type_name,
            summary,
            plan_valid(block, before, config, &plan.planned),
        )?;
        let identity = response.planned_identity.as_ref();
        let known = prior.and_then(|prior| prior.identity.as_ref());
        plan.planned_identity = if identity.is_some() {
            self.decode_identity(RPC, identity, known)?
        } else {
            known.cloned()
        };
        plan.planned_private = response.planned_private;
        let mut requires_replace = false;
        for path in &response.requires_replace {
            let path = Path::read(path).map_err(|it| self.violation(RPC, summary, it))?;
            let (before, after) = (path.find(before), path.find(&plan.planned));
            if before.is_none() && after.is_none() {
                let message = format!("requires replacement of non-existent path {path}");
                return Err(self.violation(RPC, summary, message).into());
            }
            let write_only = path.root().and_then(|name| block.attributes.get(name));
            let write_only = write_only.is_some_and(|attribute| attribute.write_only);
            requires_replace |= prior.is_some() && (before != after || write_only);
        }
        Ok((plan, requires_replace))
    }

    async fn plan_call(
        &self,
        phase: Phase,
        prior: Option<&ResourceInstance>,
        [proposed, config]: [&Json; 2],
        prior_private: &[u8],
    ) -> Result<pb::plan_resource_change::Response, Error> {
        const RPC: &str = "PlanResourceChange";
        let (ty, null) = (self.ty()?, Json::Null);
        let request = pb::plan_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(encode(prior.map_or(&null, |prior| &prior.state), &ty)),
            proposed_new_state: Some(encode(proposed, &ty)),
            config: Some(encode(config, &ty)),
            prior_private: prior_private.to_vec(),
            provider_meta: None,
            client_capabilities: self.core.settings.capabilities(phase),
            prior_identity: self.encode_identity(prior.and_then(|prior| prior.identity.as_ref())),
        };
        let response = rpc!(self.core.provider, plan_resource_change, request);
        check_deferred(RPC, &self.type_name, response.deferred)?;
        if response.legacy_type_system {
            let message = "the flag is reserved for an old SDK";
            return Err(self
                .violation(RPC, "legacy_type_system is set", message)
                .into());
        }
        Ok(response)
    }

    /// `ReadResource`. `None` without errors: the object no longer exists.
    async fn read(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const RPC: &str = "ReadResource";
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
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok((Some(instance.clone()), diagnostics));
        }
        if self.decode(RPC, response.new_state.as_ref())?.is_null() {
            return Ok((None, diagnostics));
        }
        let read = ResourceInstance {
            state: self.stored_object(RPC, response.new_state.as_ref())?,
            private: response.private,
            identity: self.decode_identity(RPC, response.new_identity.as_ref(), known)?,
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

    pub(super) fn diagnostics(
        &self,
        rpc: &'static str,
        given: &[pb::Diagnostic],
    ) -> Result<Diagnostics, Error> {
        Ok(Diagnostics::read(
            rpc,
            &self.type_name,
            given,
            Some(&self.ty()?),
        )?)
    }

    pub(super) fn violation(
        &self,
        rpc: &'static str,
        summary: &str,
        message: impl Into<String>,
    ) -> Violation {
        Violation::new(rpc, &self.type_name, summary, message)
    }

    pub(super) fn encode_identity(
        &self,
        identity: Option<&Json>,
    ) -> Option<pb::ResourceIdentityData> {
        let ty = self.core.schema.identities.get(&self.type_name)?;
        let identity_data = Some(encode(identity?, ty));
        Some(pb::ResourceIdentityData { identity_data })
    }

    /// Reads the identity of an object that exists. It is wholly known, and never differs from an earlier one.
    pub(super) fn decode_identity(
        &self,
        rpc: &'static str,
        given: Option<&pb::ResourceIdentityData>,
        earlier: Option<&Json>,
    ) -> Result<Option<Json>, Error> {
        let Some(ty) = self.core.schema.identities.get(&self.type_name) else {
            return Ok(None);
        };
        let given = given.and_then(|given| given.identity_data.as_ref());
        let identity = decoded(rpc, &self.type_name, given, ty)?;
        let planned = rpc == "PlanResourceChange";
        if identity.is_null() || !(planned || is_wholly_known(&identity)) {
            let summary = "Provider produced invalid identity";
            return Err(self.violation(rpc, summary, identity.to_string()).into());
        }
        if let Some(earlier) = earlier.filter(|earlier| **earlier != identity) {
            let message = format!("was {earlier}, but now {identity}");
            return Err(self
                .violation(rpc, "Provider changed the identity", message)
                .into());
        }
        Ok(Some(identity))
    }

    fn decode(&self, rpc: &'static str, given: Option<&pb::DynamicValue>) -> Result<Json, Error> {
        Ok(decoded(rpc, &self.type_name, given, &self.ty()?)?)
    }

    /// An object that core would store.
    fn stored_object(
        &self,
        rpc: &'static str,
        given: Option<&pb::DynamicValue>,
    ) -> Result<Json, Error> {
        let object = self.decode(rpc, given)?;
        if object.is_null() {
            return Err(self
                .violation(rpc, "Provider lost the object", "null")
                .into());
        }
        check(
            rpc,
            &self.type_name,
            INVALID_OBJECT,
            storable(&self.schema()?.block, &object),
        )?;
        Ok(object)
    }
}

impl Plan {
    fn of(action: Action, prior: Option<ResourceInstance>, diagnostics: Diagnostics) -> Self {
        Self {
            action,
            prior,
            planned: Json::Null,
            planned_private: Vec::new(),
            planned_identity: None,
            diagnostics,
        }
    }
}

fn raw_state(state: &Json) -> pb::RawState {
    pb::RawState {
        json: state.to_string().into_bytes(),
        ..pb::RawState::default()
    }
}
