//! Planning.

use serde_json::Value as Json;

use super::{Error, Phase, Resource, ResourceInstance, call, response::PLAN};
use crate::{
    checks::{plan_valid, proposed_new},
    diagnostic::{Diagnostics, find, path_text},
    pb::tfplugin5::{self as pb, attribute_path::step::Selector},
};

/// The action of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    NoOp,
    Create,
    Update,
    /// The old object is deleted and a new one is created.
    Replace,
    Delete,
    #[default]
    Failed,
}

/// A plan for one resource instance, as a plan file keeps it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub action: Action,
    /// The instance after the refresh.
    pub prior: Option<ResourceInstance>,
    /// The planned object, of the last call.
    pub planned: Json,
    /// The provider's private data for apply.
    pub planned_private: Vec<u8>,
    pub planned_identity: Option<Json>,
    /// Of refresh, validation and plan. Warnings of the second call of a replacement are dropped, as in core.
    pub diagnostics: Diagnostics,
}

impl Resource {
    /// Refreshes and plans, as `terraform plan`. The instance is not changed.
    pub async fn plan(
        &self,
        instance: Option<&ResourceInstance>,
        config: impl Into<Json>,
    ) -> Result<Plan, Error> {
        let config = self.schema().block.conform(config)?;
        let mut prior = instance.cloned();
        let mut diagnostics = if self.no_refresh {
            self.upgrade_in_place(&mut prior).await?
        } else {
            self.refresh(&mut prior).await?.diagnostics
        };
        if !diagnostics.has_errors() {
            diagnostics.append(self.validate_in(Phase::Plan, &config).await?);
        }
        if diagnostics.has_errors() {
            return Ok(Plan { prior, diagnostics, ..Plan::default() });
        }
        self.plan_change(Phase::Plan, prior, &config, diagnostics).await
    }

    pub(super) async fn plan_destroy(
        &self,
        instance: Option<&ResourceInstance>,
    ) -> Result<Plan, Error> {
        let mut plan = Plan { prior: instance.cloned(), ..Plan::default() };
        plan.diagnostics = self.upgrade_in_place(&mut plan.prior).await?;
        let Some(prior) = plan.prior.as_ref().filter(|_| !plan.diagnostics.has_errors()) else {
            let action = if instance.is_none() { Action::NoOp } else { Action::Failed };
            return Ok(Plan { action, ..plan });
        };
        if self.core.schema.capabilities.plan_destroy {
            let objects = [&Json::Null; 2];
            let private = &prior.private;
            let (response, diagnostics) =
                self.plan_call(Phase::Plan, Some(prior), objects, private).await?;
            plan.diagnostics.append(diagnostics);
            if plan.diagnostics.has_errors() {
                return Ok(plan);
            }
            if !self.schema().object(PLAN, response.planned_state.as_ref())?.is_null() {
                let message = "planned a non-null destroy value";
                return Err(self.schema().violation(PLAN, INVALID_PLAN, message));
            }
            plan.planned_private = response.planned_private;
        }
        Ok(Plan { action: Action::Delete, ..plan })
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
        let (mut plan, requires_replace) = self.plan_object(phase, live, config, private).await?;
        diagnostics.append(std::mem::take(&mut plan.diagnostics));
        plan.action = match (&prior, live) {
            _ if diagnostics.has_errors() => Action::Failed,
            (None, _) => Action::Create,
            (Some(_), None) => Action::Replace, // tainted: planned as a create, in one call
            _ if self.replace || requires_replace => Action::Replace,
            (_, Some(live)) if live.state == plan.planned => Action::NoOp,
            _ => Action::Update,
        };
        if plan.action == Action::Replace && live.is_some() {
            plan = self.plan_object(phase, None, config, &plan.planned_private).await?.0;
            plan.action = Action::Replace;
            if plan.diagnostics.has_errors() {
                diagnostics.append(std::mem::take(&mut plan.diagnostics));
                plan.action = Action::Failed;
            }
        }
        Ok(Plan { prior, diagnostics, ..plan })
    }

    /// One plan call for an object that is to exist, and whether a change requires replacement.
    async fn plan_object(
        &self,
        phase: Phase,
        prior: Option<&ResourceInstance>,
        config: &Json,
        prior_private: &[u8],
    ) -> Result<(Plan, bool), Error> {
        let schema = self.schema();
        let before = prior.map_or(&Json::Null, |prior| &prior.state);
        let proposed = proposed_new(&schema.block, before, config);
        let (response, diagnostics) =
            self.plan_call(phase, prior, [&proposed, config], prior_private).await?;
        if diagnostics.has_errors() {
            return Ok((Plan { diagnostics, ..Plan::default() }, false));
        }
        let planned = schema.object(PLAN, response.planned_state.as_ref())?;
        let problems = plan_valid(&schema.block, before, config, &planned);
        schema.check(PLAN, INVALID_PLAN, &problems)?;
        let mut requires_replace = false;
        for path in &response.requires_replace {
            let (before, after) = (find(path, before), find(path, &planned));
            if path_text(path).is_err() || before.or(after).is_none() {
                let message = format!("requires replacement of {path:?}");
                return Err(schema.violation(PLAN, INVALID_PLAN, message));
            }
            let write_only = match path.steps.first().and_then(|step| step.selector.as_ref()) {
                Some(Selector::AttributeName(name)) => schema.block.attributes[name].write_only,
                _ => false,
            };
            requires_replace |= prior.is_some() && (before != after || write_only);
        }
        let identity = response.planned_identity.as_ref();
        let known = prior.and_then(|prior| prior.identity.as_ref());
        let planned_identity = match identity {
            Some(_) => schema.identity(PLAN, identity, known.filter(|_| !requires_replace))?,
            None => known.cloned(),
        };
        let planned_private = response.planned_private;
        let plan =
            Plan { planned, planned_private, planned_identity, diagnostics, ..Plan::default() };
        Ok((plan, requires_replace))
    }

    async fn plan_call(
        &self,
        phase: Phase,
        prior: Option<&ResourceInstance>,
        [proposed, config]: [&Json; 2],
        prior_private: &[u8],
    ) -> Result<(pb::plan_resource_change::Response, Diagnostics), Error> {
        let schema = self.schema();
        let request = pb::plan_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: schema.encode(prior.map_or(&Json::Null, |prior| &prior.state)),
            proposed_new_state: schema.encode(proposed),
            config: schema.encode(config),
            prior_private: prior_private.to_vec(),
            provider_meta: None,
            client_capabilities: self.core.settings.capabilities(phase),
            prior_identity: self.encode_identity(prior.and_then(|prior| prior.identity.as_ref())),
        };
        let (response, diagnostics) = call!(self.core, schema, plan_resource_change, request);
        schema.not_deferred(PLAN, response.deferred)?;
        if response.legacy_type_system {
            let summary = "legacy_type_system is reserved for an old SDK";
            return Err(schema.violation(PLAN, summary, ""));
        }
        Ok((response, diagnostics))
    }
}

const INVALID_PLAN: &str = "Provider produced invalid plan";
