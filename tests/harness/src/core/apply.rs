//! Applying a plan: plan again, compare, apply, and keep what core would store.

use serde_json::Value as Json;

use super::{Action, Error, Phase, Plan, Resource, ResourceInstance, response::PLAN, rpc};
use crate::{
    checks::compatible,
    diagnostic::{Diagnostics, Refused},
    pb::tfplugin5 as pb,
    value::encode,
};

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
    /// Applies a plan with a configuration in which more may be known by now. The instance becomes what core would
    /// store, also when a violation is returned.
    pub async fn apply(
        &self,
        instance: &mut Option<ResourceInstance>,
        plan: Plan,
        config: impl Into<Json>,
    ) -> Result<Outcome, Error> {
        let mut outcome = Outcome {
            action: plan.action,
            diagnostics: plan.diagnostics.clone(),
            apply_diagnostics: Diagnostics::default(),
            applied: None,
            plan,
        };
        if outcome.action != Action::Failed {
            instance.clone_from(&outcome.plan.prior);
        }
        let config = config.into();
        match outcome.action {
            Action::NoOp | Action::Failed => {}
            Action::Create => self.create(instance, &mut outcome, config).await?,
            Action::Update => self.update(instance, &mut outcome, config).await?,
            Action::Delete => self.delete(instance, &mut outcome).await?,
            Action::Replace => {
                self.delete(instance, &mut outcome).await?;
                if !outcome.apply_diagnostics.has_errors() {
                    self.create(instance, &mut outcome, config).await?;
                }
            }
        }
        outcome.diagnostics.append(outcome.apply_diagnostics.clone());
        outcome.applied = instance.as_ref().map(|instance| instance.state.clone());
        Ok(outcome)
    }

    /// Plans and applies with one configuration.
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

    async fn create(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Json,
    ) -> Result<(), Error> {
        *instance = None;
        if let Some((config, plan)) = self.plan_again(None, outcome, config).await? {
            self.apply_change(instance, outcome, plan, &config).await?;
        }
        Ok(())
    }

    async fn update(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Json,
    ) -> Result<(), Error> {
        let Some(prior) = self.upgraded(instance.as_ref(), outcome).await? else {
            return Ok(());
        };
        match self.plan_again(Some(prior), outcome, config).await? {
            Some((_, plan)) if plan.action == Action::NoOp => outcome.action = Action::NoOp,
            Some((config, plan)) => self.apply_change(instance, outcome, plan, &config).await?,
            None => {}
        }
        Ok(())
    }

    /// The delete gets the private data of the plan. Its call is the first half of a replacement, too.
    async fn delete(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let Some(prior) = self.upgraded(instance.as_ref(), outcome).await? else {
            return Ok(());
        };
        let plan = Plan {
            planned: Json::Null,
            planned_identity: None,
            prior: Some(prior),
            ..outcome.plan.clone()
        };
        self.apply_change(instance, outcome, plan, &Json::Null).await
    }

    /// State is read again in the apply phase. `None`: refused.
    async fn upgraded(
        &self,
        instance: Option<&ResourceInstance>,
        outcome: &mut Outcome,
    ) -> Result<Option<ResourceInstance>, Error> {
        let Some(instance) = instance else {
            return Ok(None);
        };
        let (upgraded, diagnostics) = self.upgrade(instance).await?;
        outcome.apply_diagnostics.append(diagnostics);
        Ok(upgraded)
    }

    /// Validates and plans in the apply phase, and compares with the plan. `None`: refused.
    async fn plan_again(
        &self,
        prior: Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Json,
    ) -> Result<Option<(Json, Plan)>, Error> {
        const INCONSISTENT: &str = "Provider produced inconsistent final plan";
        let (reader, block) = (self.reader()?, &self.schema()?.block);
        let config = block.conform(config)?;
        let expected = if prior.is_some() { Action::Update } else { Action::Create };
        let validation = self.validate_in(Phase::Apply, &config).await?;
        let refused = validation.has_errors();
        outcome.apply_diagnostics.append(validation);
        if refused {
            return Ok(None);
        }
        let unforced = Self { replace: false, ..self.clone() };
        let none = Diagnostics::default();
        let plan = unforced.plan_change(Phase::Apply, prior, &config, none).await?;
        outcome.apply_diagnostics.append(plan.diagnostics.clone());
        if plan.action == Action::Failed {
            return Ok(None);
        }
        if plan.action != expected && (expected, plan.action) != (Action::Update, Action::NoOp) {
            let message = format!("the action changed from {expected:?} to {:?}", plan.action);
            return Err(reader.violation(PLAN, INCONSISTENT, message).into());
        }
        let problems = compatible(block, &outcome.plan.planned, &plan.planned);
        reader.check(PLAN, INCONSISTENT, problems)?;
        Ok(Some((config, plan)))
    }

    async fn apply_change(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        plan: Plan,
        config: &Json,
    ) -> Result<(), Error> {
        let (ty, null) = (self.ty()?, Json::Null);
        let before = plan.prior.as_ref().map_or(&null, |prior| &prior.state);
        let request = pb::apply_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(encode(before, &ty)),
            planned_state: Some(encode(&plan.planned, &ty)),
            config: Some(encode(config, &ty)),
            planned_private: plan.planned_private,
            provider_meta: None,
            planned_identity: self.encode_identity(plan.planned_identity.as_ref()),
        };
        let response = rpc!(self.core.provider, apply_resource_change, request);
        let reader = self.reader()?;
        let result = reader.store(plan.prior.as_ref(), &plan.planned, &response);
        *instance = result.instance;
        outcome.apply_diagnostics.append(result.diagnostics);
        result.violation.map_or(Ok(()), |violation| Err(violation.into()))
    }
}

impl Outcome {
    /// Itself, if there is no error diagnostic.
    pub fn ok(self) -> Result<Self, Refused> {
        if self.diagnostics.has_errors() { Err(Refused(self.diagnostics)) } else { Ok(self) }
    }
}
