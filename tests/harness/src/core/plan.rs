//! Planning.

use serde_json::Value as Json;

use super::{Error, Phase, Resource, ResourceInstance, check_deferred, response::PLAN, rpc};
use crate::{
    checks::{plan_valid, proposed_new},
    diagnostic::{Diagnostics, Path},
    pb::tfplugin5 as pb,
    value::encode,
};

/// The action of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    NoOp,
    Create,
    Update,
    /// The old object is deleted and a new one is created.
    Replace,
    Delete,
    Failed,
}

/// A plan for one resource instance, as a plan file keeps it.
#[derive(Clone, Debug)]
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
        self.plan_change(Phase::Plan, prior, &config, diagnostics).await
    }

    pub async fn plan_destroy(&self, instance: Option<&ResourceInstance>) -> Result<Plan, Error> {
        let reader = self.reader()?;
        let Some(instance) = instance else {
            return Ok(Plan::of(Action::NoOp, None, Diagnostics::default()));
        };
        let (upgraded, mut diagnostics) = self.upgrade(instance).await?;
        let Some(prior) = upgraded else {
            return Ok(Plan::of(Action::Failed, Some(instance.clone()), diagnostics));
        };
        if !self.core.schema.capabilities.plan_destroy {
            return Ok(Plan::of(Action::Delete, Some(prior), diagnostics));
        }
        let null = Json::Null;
        let response =
            self.plan_call(Phase::Plan, Some(&prior), [&null; 2], &prior.private).await?;
        diagnostics.append(reader.diagnostics(PLAN, &response.diagnostics)?);
        if diagnostics.has_errors() {
            return Ok(Plan::of(Action::Failed, Some(prior), diagnostics));
        }
        if !reader.object(PLAN, response.planned_state.as_ref())?.is_null() {
            let message = "planned a non-null destroy value";
            return Err(reader.violation(PLAN, "Provider produced invalid plan", message).into());
        }
        Ok(Plan {
            planned_private: response.planned_private,
            ..Plan::of(Action::Delete, Some(prior), diagnostics)
        })
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
            self.plan_object(phase, None, config, &first.planned_private).await?.0
        } else {
            Plan { diagnostics: Diagnostics::default(), ..first }
        };
        let failed = second.diagnostics.has_errors();
        if failed {
            diagnostics.append(second.diagnostics);
        }
        let action = if failed { Action::Failed } else { action };
        Ok(Plan { action, prior, diagnostics, ..second })
    }

    /// One plan call for an object that is to exist, and whether a change requires replacement.
    async fn plan_object(
        &self,
        phase: Phase,
        prior: Option<&ResourceInstance>,
        config: &Json,
        prior_private: &[u8],
    ) -> Result<(Plan, bool), Error> {
        let reader = self.reader()?;
        let (block, null) = (&self.schema()?.block, Json::Null);
        let before = prior.map_or(&null, |prior| &prior.state);
        let proposed = proposed_new(block, before, config);
        let response = self.plan_call(phase, prior, [&proposed, config], prior_private).await?;
        let diagnostics = reader.diagnostics(PLAN, &response.diagnostics)?;
        let mut plan = Plan::of(Action::Failed, None, diagnostics);
        if plan.diagnostics.has_errors() {
            return Ok((plan, false));
        }
        let summary = "Provider produced invalid plan";
        plan.planned = reader.object(PLAN, response.planned_state.as_ref())?;
        reader.check(PLAN, summary, plan_valid(block, before, config, &plan.planned))?;
        plan.planned_private = response.planned_private;
        let mut requires_replace = false;
        for path in &response.requires_replace {
            let path = Path::read(path).map_err(|it| reader.violation(PLAN, summary, it))?;
            let (before, after) = (path.find(before), path.find(&plan.planned));
            if before.is_none() && after.is_none() {
                let message = format!("requires replacement of non-existent path {path}");
                return Err(reader.violation(PLAN, summary, message).into());
            }
            let write_only = path.root().and_then(|name| block.attributes.get(name));
            let write_only = write_only.is_some_and(|attribute| attribute.write_only);
            requires_replace |= prior.is_some() && (before != after || write_only);
        }
        let identity = response.planned_identity.as_ref();
        let known = prior.and_then(|prior| prior.identity.as_ref());
        plan.planned_identity = match identity {
            Some(_) => reader.identity(PLAN, identity, known.filter(|_| !requires_replace))?,
            None => known.cloned(),
        };
        Ok((plan, requires_replace))
    }

    async fn plan_call(
        &self,
        phase: Phase,
        prior: Option<&ResourceInstance>,
        [proposed, config]: [&Json; 2],
        prior_private: &[u8],
    ) -> Result<pb::plan_resource_change::Response, Error> {
        let reader = self.reader()?;
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
        check_deferred(PLAN, &self.type_name, response.deferred)?;
        if response.legacy_type_system {
            let message = "the flag is reserved for an old SDK";
            return Err(reader.violation(PLAN, "legacy_type_system is set", message).into());
        }
        Ok(response)
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
