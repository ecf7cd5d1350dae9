//! Single calls about a managed resource, each answer read and checked as core does.

use super::{Core, Error, Resource, ResourceInstance, Walk};
use crate::assert;
use crate::diagnostic::{Diagnostic, Diagnostics, read_path};
use crate::path::Path;
use crate::pb::tfplugin5 as pb;
use crate::schema::Schema;
use crate::value::Value;
use crate::violation::{Problem, Violation};
use crate::wire;

/// What one `PlanResourceChange` answered, unless it refused.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) proposed: Value,
    pub(super) state: Value,
    pub(super) private: Vec<u8>,
    /// Only the paths that core does not drop.
    pub(super) requires_replace: Vec<Path>,
    pub(super) diagnostics: Diagnostics,
}

impl Resource {
    pub(super) fn schema(&self) -> Result<&Schema, Error> {
        self.core
            .schema
            .resources
            .get(&self.type_name)
            .ok_or_else(|| Error::NoSuch {
                kind: "resource",
                name: self.type_name.clone(),
            })
    }

    pub(super) async fn validate_in(
        &self,
        walk: Walk,
        config: &Value,
    ) -> Result<Diagnostics, Error> {
        let ty = self.schema()?.block.ty();
        let request = pb::validate_resource_type_config::Request {
            type_name: self.type_name.clone(),
            config: Some(wire::encode(config, &ty)),
            client_capabilities: self.core.settings.in_walk(walk),
        };
        let response = self
            .core
            .provider
            .validate_resource_type_config(request)
            .await?;
        self.diagnostics("ValidateResourceTypeConfig", &response.diagnostics)
    }

    /// `UpgradeResourceState`, which core calls whenever it reads state. No instance: refused.
    pub(super) async fn upgrade(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const RPC: &str = "UpgradeResourceState";
        let schema = self.schema()?;
        let ty = schema.block.ty();
        if instance.schema_version > schema.version {
            let refusal = Diagnostic::by_core(
                "Resource instance managed by newer provider version",
                format!("schema version {} of state", instance.schema_version),
            );
            return Ok((None, Diagnostics(vec![refusal])));
        }
        let mut json = instance.state.to_json();
        if instance.schema_version == schema.version {
            json = wire::state::strip(json, &ty);
        }
        let request = pb::upgrade_resource_state::Request {
            type_name: self.type_name.clone(),
            version: instance.schema_version,
            raw_state: Some(pb::RawState {
                json: json.to_string().into_bytes(),
                flatmap: std::collections::HashMap::new(),
            }),
        };
        let response = self.core.provider.upgrade_resource_state(request).await?;
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok((None, diagnostics));
        }
        let state = self.decode(RPC, response.upgraded_state.as_ref())?;
        if state.is_null() {
            let message = "no upgraded state: core would plan the object anew";
            return Err(self
                .violation(RPC, "Provider lost the object", message)
                .into());
        }
        self.check_known(RPC, &state)?;
        let upgraded = ResourceInstance {
            state,
            schema_version: schema.version,
            ..instance.clone()
        };
        Ok((Some(upgraded), diagnostics))
    }

    /// `ReadResource`. No instance without errors: the object is gone.
    pub(super) async fn read(
        &self,
        instance: &ResourceInstance,
    ) -> Result<(Option<ResourceInstance>, Diagnostics), Error> {
        const RPC: &str = "ReadResource";
        let ty = self.schema()?.block.ty();
        let request = pb::read_resource::Request {
            type_name: self.type_name.clone(),
            current_state: Some(wire::encode(&instance.state, &ty)),
            private: instance.private.clone(),
            provider_meta: None,
            client_capabilities: self.core.settings.in_walk(Walk::Plan),
            current_identity: None,
        };
        let response = self.core.provider.read_resource(request).await?;
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        self.check_deferred(RPC, response.deferred.as_ref())?;
        if diagnostics.has_errors() {
            return Ok((Some(instance.clone()), diagnostics));
        }
        let state = self.decode(RPC, response.new_state.as_ref())?;
        if state.is_null() {
            return Ok((None, diagnostics));
        }
        self.check_known(RPC, &state)?;
        Ok((
            Some(ResourceInstance {
                state,
                private: response.private,
                ..instance.clone()
            }),
            diagnostics,
        ))
    }

    /// `PlanResourceChange` for an object that shall exist.
    pub(super) async fn plan_call(
        &self,
        walk: Walk,
        prior: &Value,
        config: &Value,
        prior_private: &[u8],
    ) -> Result<Planned, Error> {
        const RPC: &str = "PlanResourceChange";
        let block = &self.schema()?.block;
        let proposed = assert::proposed_new(block, prior, config);
        let response = self
            .plan_rpc(walk, prior, &proposed, config, prior_private)
            .await?;
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        let mut planned = Planned {
            proposed,
            state: Value::Null,
            private: response.planned_private.clone(),
            requires_replace: Vec::new(),
            diagnostics,
        };
        if planned.diagnostics.has_errors() {
            return Ok(planned);
        }
        planned.state = self.decode(RPC, response.planned_state.as_ref())?;
        let mut problems = assert::conforms(block, &planned.state);
        if problems.is_empty() {
            problems = assert::plan_valid(block, prior, config, &planned.state);
        }
        for given in &response.requires_replace {
            match read_path(given) {
                Err(problem) => problems.push(Problem::new(&Path::root(), problem)),
                Ok(path) => self.consider_replacing(path, prior, &mut planned, &mut problems)?,
            }
        }
        self.check(RPC, "Provider produced invalid plan", problems)?;
        Ok(planned)
    }

    /// `PlanResourceChange` for an object that shall go, if the provider wants to be asked. The result
    /// is the planned private data.
    pub(super) async fn plan_delete_call(
        &self,
        walk: Walk,
        instance: &ResourceInstance,
    ) -> Result<(Vec<u8>, Diagnostics), Error> {
        const RPC: &str = "PlanResourceChange";
        if !self.core.schema.capabilities.plan_destroy {
            return Ok((instance.private.clone(), Diagnostics::default()));
        }
        let null = Value::Null;
        let response = self
            .plan_rpc(walk, &instance.state, &null, &null, &instance.private)
            .await?;
        let diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        let planned = self.decode(RPC, response.planned_state.as_ref())?;
        if !diagnostics.has_errors() && !planned.is_null() {
            let message = "planned a non-null destroy value";
            return Err(self
                .violation(RPC, "Provider produced invalid plan", message)
                .into());
        }
        Ok((response.planned_private, diagnostics))
    }

    pub(super) async fn apply_call(
        &self,
        prior: &Value,
        planned: &Value,
        config: &Value,
        planned_private: Vec<u8>,
    ) -> Result<pb::apply_resource_change::Response, Error> {
        let ty = self.schema()?.block.ty();
        let request = pb::apply_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(wire::encode(prior, &ty)),
            planned_state: Some(wire::encode(planned, &ty)),
            config: Some(wire::encode(config, &ty)),
            planned_private,
            provider_meta: None,
            planned_identity: None,
        };
        Ok(self.core.provider.apply_resource_change(request).await?)
    }

    async fn plan_rpc(
        &self,
        walk: Walk,
        prior: &Value,
        proposed: &Value,
        config: &Value,
        prior_private: &[u8],
    ) -> Result<pb::plan_resource_change::Response, Error> {
        const RPC: &str = "PlanResourceChange";
        let ty = self.schema()?.block.ty();
        let request = pb::plan_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(wire::encode(prior, &ty)),
            proposed_new_state: Some(wire::encode(proposed, &ty)),
            config: Some(wire::encode(config, &ty)),
            prior_private: prior_private.to_vec(),
            provider_meta: None,
            client_capabilities: self.core.settings.in_walk(walk),
            prior_identity: None,
        };
        let response = self.core.provider.plan_resource_change(request).await?;
        if response.legacy_type_system {
            let message = "the flag is reserved for an old SDK";
            return Err(self
                .violation(RPC, "legacy_type_system is set", message)
                .into());
        }
        self.check_deferred(RPC, response.deferred.as_ref())?;
        Ok(response)
    }

    /// Keeps a path unless nothing changes there; a path that leads nowhere is a bug.
    fn consider_replacing(
        &self,
        path: Path,
        prior: &Value,
        planned: &mut Planned,
        problems: &mut Vec<Problem>,
    ) -> Result<(), Error> {
        if prior.is_null() {
            return Ok(());
        }
        let (before, after) = (path.find(prior), path.find(&planned.state));
        if before.is_none() && after.is_none() {
            let message = "requires replacement, but is a non-existent attribute path";
            problems.push(Problem::new(&path, message));
            return Ok(());
        }
        let attribute = match path.0.first() {
            Some(crate::path::Step::Attribute(name)) => self.schema()?.block.attributes.get(name),
            _ => None,
        };
        if before != after || attribute.is_some_and(|attribute| attribute.write_only) {
            planned.requires_replace.push(path);
        }
        Ok(())
    }

    pub(super) fn diagnostics(
        &self,
        rpc: &'static str,
        given: &[pb::Diagnostic],
    ) -> Result<Diagnostics, Error> {
        let ty = self.schema()?.block.ty();
        Ok(Diagnostics::read(rpc, &self.type_name, given, Some(&ty))?)
    }

    pub(super) fn decode(
        &self,
        rpc: &'static str,
        given: Option<&pb::DynamicValue>,
    ) -> Result<Value, Error> {
        let ty = self.schema()?.block.ty();
        wire::decode(given, &ty).map_err(|error| {
            let problems = vec![Problem::new(&error.path, error.problem)];
            Violation {
                problems,
                ..self.violation(rpc, "Provider produced invalid object", "")
            }
            .into()
        })
    }

    /// Conforming, wholly known, write-only attributes null: what every stored object must be.
    pub(super) fn check_known(&self, rpc: &'static str, state: &Value) -> Result<(), Error> {
        let block = &self.schema()?.block;
        let mut problems = assert::conforms(block, state);
        problems.extend(assert::unknowns(state));
        problems.extend(assert::write_only_values(block, state));
        self.check(rpc, "Provider produced invalid object", problems)
    }

    pub(super) fn check(
        &self,
        rpc: &'static str,
        summary: &str,
        problems: Vec<Problem>,
    ) -> Result<(), Error> {
        if problems.is_empty() {
            return Ok(());
        }
        Err(Violation {
            problems,
            ..self.violation(rpc, summary, "")
        }
        .into())
    }

    pub(super) fn violation(
        &self,
        rpc: &'static str,
        summary: &str,
        message: impl Into<String>,
    ) -> Violation {
        Violation::new(rpc, self.type_name.clone(), summary, message)
    }

    /// No host that is played here ever takes a deferral.
    pub(super) fn check_deferred(
        &self,
        rpc: &'static str,
        deferred: Option<&pb::Deferred>,
    ) -> Result<(), Error> {
        Core::check_deferred(rpc, &self.type_name, deferred)
    }
}

impl Core {
    pub(super) fn check_deferred(
        rpc: &'static str,
        subject: &str,
        deferred: Option<&pb::Deferred>,
    ) -> Result<(), Error> {
        if deferred.is_none() {
            return Ok(());
        }
        let summary = "Provider deferred changes when Terraform did not allow deferrals";
        Err(Violation::new(rpc, subject, summary, format!("{deferred:?}")).into())
    }
}
