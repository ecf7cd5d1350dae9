//! Applying a plan: plan again, compare, apply, and keep what core would store.

use serde_json::Value as Json;

use super::{Action, Error, Phase, Plan, Resource, ResourceInstance, response::PLAN, rpc};
use crate::{checks::compatible, diagnostic::Diagnostics, pb::tfplugin5 as pb};

/// The result of an apply.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The action; a planned update may turn out to be no change.
    pub action: Action,
    pub plan: Plan,
    /// Of plan and apply, in this order.
    pub diagnostics: Diagnostics,
    /// Of apply alone.
    pub apply_diagnostics: Diagnostics,
    /// The object after apply, if there is one.
    pub applied: Option<Json>,
}

impl Resource {
    /// Refreshes, plans and applies, as `terraform apply`.
    pub async fn apply_config(
        &self,
        instance: &mut Option<ResourceInstance>,
        config: impl Into<Json>,
    ) -> Result<Outcome, Error> {
        let config = config.into();
        let plan = self.plan(instance.as_ref(), config.clone()).await?;
        self.apply(instance, plan, config).await
    }

    pub async fn destroy(&self, instance: &mut Option<ResourceInstance>) -> Result<Outcome, Error> {
        let plan = self.plan_destroy(instance.as_ref()).await?;
        self.apply(instance, plan, Json::Null).await
    }

    /// Applies a plan with a configuration in which more may be known by now. The instance becomes what core would
    /// store, also if a violation is returned.
    pub async fn apply(
        &self,
        instance: &mut Option<ResourceInstance>,
        plan: Plan,
        config: impl Into<Json>,
    ) -> Result<Outcome, Error> {
        let config = &config.into();
        let (action, diagnostics) = (plan.action, Diagnostics::default());
        if action != Action::Failed {
            instance.clone_from(&plan.prior);
        }
        let mut apply = Apply { resource: self, instance, action, plan, diagnostics };
        match action {
            Action::NoOp | Action::Failed => {}
            Action::Create => apply.create(config).await?,
            Action::Update => apply.update(config).await?,
            Action::Delete => apply.delete().await?,
            Action::Replace => {
                apply.delete().await?;
                if !apply.diagnostics.has_errors() {
                    apply.create(config).await?;
                }
            }
        }
        let Apply { instance, action, plan, diagnostics: apply_diagnostics, .. } = apply;
        let mut diagnostics = plan.diagnostics.clone();
        diagnostics.append(apply_diagnostics.clone());
        let applied = instance.as_ref().map(|instance| instance.state.clone());
        Ok(Outcome { action, plan, diagnostics, apply_diagnostics, applied })
    }

    /// State is read again in the apply phase. After an error the instance is as before.
    pub(super) async fn upgrade_in_place(
        &self,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Diagnostics, Error> {
        let Some(before) = instance.as_ref() else {
            return Ok(Diagnostics::default());
        };
        let (upgraded, diagnostics) = self.upgrade(before).await?;
        *instance = upgraded.or(instance.take());
        Ok(diagnostics)
    }
}

/// An apply that is under way.
struct Apply<'a> {
    resource: &'a Resource,
    instance: &'a mut Option<ResourceInstance>,
    action: Action,
    plan: Plan,
    diagnostics: Diagnostics,
}

impl Apply<'_> {
    async fn create(&mut self, config: &Json) -> Result<(), Error> {
        *self.instance = None;
        if let Some((config, plan)) = self.plan_again(config).await? {
            self.change(plan, &config).await?;
        }
        Ok(())
    }

    async fn update(&mut self, config: &Json) -> Result<(), Error> {
        if !self.upgrade().await? {
            return Ok(());
        }
        match self.plan_again(config).await? {
            Some((_, plan)) if plan.action == Action::NoOp => self.action = Action::NoOp,
            Some((config, plan)) => self.change(plan, &config).await?,
            None => {}
        }
        Ok(())
    }

    /// The delete gets the private data of the plan. Its call is the first half of a replacement, too.
    async fn delete(&mut self) -> Result<(), Error> {
        if !self.upgrade().await? {
            return Ok(());
        }
        let plan = Plan {
            prior: self.instance.clone(),
            planned_private: self.plan.planned_private.clone(),
            ..Plan::default()
        };
        self.change(plan, &Json::Null).await
    }

    /// `false`: refused, or there is no instance.
    async fn upgrade(&mut self) -> Result<bool, Error> {
        let diagnostics = self.resource.upgrade_in_place(self.instance).await?;
        let refused = diagnostics.has_errors();
        self.diagnostics.append(diagnostics);
        Ok(!refused && self.instance.is_some())
    }

    /// Validates and plans in the apply phase, and compares with the plan. `None`: refused.
    async fn plan_again(&mut self, config: &Json) -> Result<Option<(Json, Plan)>, Error> {
        const INCONSISTENT: &str = "Provider produced inconsistent final plan";
        let schema = self.resource.schema();
        let config = schema.block.conform(config.clone())?;
        let prior = self.instance.clone();
        let expected = if prior.is_some() { Action::Update } else { Action::Create };
        let validation = self.resource.validate_in(Phase::Apply, &config).await?;
        let refused = validation.has_errors();
        self.diagnostics.append(validation);
        if refused {
            return Ok(None);
        }
        let unforced = Resource { replace: false, ..self.resource.clone() };
        let none = Diagnostics::default();
        let mut plan = unforced.plan_change(Phase::Apply, prior, &config, none).await?;
        self.diagnostics.append(std::mem::take(&mut plan.diagnostics));
        if plan.action == Action::Failed {
            return Ok(None);
        }
        if plan.action != expected && (expected, plan.action) != (Action::Update, Action::NoOp) {
            let message = format!("the action changed from {expected:?} to {:?}", plan.action);
            return Err(schema.violation(PLAN, INCONSISTENT, message));
        }
        let problems = compatible(&schema.block, &self.plan.planned, &plan.planned);
        schema.check(PLAN, INCONSISTENT, &problems)?;
        Ok(Some((config, plan)))
    }

    async fn change(&mut self, plan: Plan, config: &Json) -> Result<(), Error> {
        let schema = self.resource.schema();
        let before = plan.prior.as_ref().map_or(&Json::Null, |prior| &prior.state);
        let request = pb::apply_resource_change::Request {
            type_name: schema.name.clone(),
            prior_state: schema.encode(before),
            planned_state: schema.encode(&plan.planned),
            config: schema.encode(config),
            planned_private: plan.planned_private,
            provider_meta: None,
            planned_identity: self.resource.encode_identity(plan.planned_identity.as_ref()),
        };
        let response = rpc!(self.resource.core, apply_resource_change, request);
        let result = schema.store(plan.prior.as_ref(), &plan.planned, &response);
        *self.instance = result.instance;
        self.diagnostics.append(result.diagnostics);
        result.violation.map_or(Ok(()), Err)
    }
}

impl Outcome {
    /// Itself, if there is no error diagnostic.
    pub fn ok(self) -> Result<Self, Error> {
        self.diagnostics.clone().ok().map(|_| self)
    }
}
