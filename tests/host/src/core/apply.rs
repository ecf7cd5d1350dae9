//! Applying a plan: planned again, compared, carried out, stored.

use super::settle::Applied;
use super::{Action, Error, Plan, Resource, ResourceInstance, Walk};
use crate::assert;
use crate::diagnostic::{Diagnostics, Refused};
use crate::pb::tfplugin5 as pb;
use crate::value::Value;

/// What an apply came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was done; an update may have turned out to be nothing.
    pub action: Action,
    /// The plan that was carried out.
    pub plan: Plan,
    /// Of plan and apply, in this order: what a user sees.
    pub diagnostics: Diagnostics,
    /// Of apply alone.
    pub apply_diagnostics: Diagnostics,
    /// The object after apply, if there is one.
    pub applied: Option<Value>,
    /// The old object of a replacement that could not be completed.
    pub deposed: Option<ResourceInstance>,
}

impl Resource {
    /// Carries out a plan, with the configuration as it is known by now. The instance becomes what
    /// core would store, also when a violation is returned.
    pub async fn apply(
        &self,
        instance: &mut Option<ResourceInstance>,
        plan: Plan,
        config: impl Into<Value>,
    ) -> Result<Outcome, Error> {
        let mut outcome = Outcome {
            action: plan.action,
            diagnostics: plan.diagnostics.clone(),
            apply_diagnostics: Diagnostics::default(),
            applied: None,
            deposed: None,
            plan,
        };
        if outcome.action == Action::Failed {
            outcome.applied = instance.as_ref().map(|instance| instance.state.clone());
            return Ok(outcome);
        }
        instance.clone_from(&outcome.plan.prior);
        let result = match outcome.action {
            Action::NoOp | Action::Failed => Ok(()),
            Action::Create => self.create(instance, &mut outcome, config.into()).await,
            Action::Update => self.update(instance, &mut outcome, config.into()).await,
            Action::Replace => self.replace_by(instance, &mut outcome, config.into()).await,
            Action::Delete => {
                let private = outcome.plan.planned_private.clone();
                self.delete(instance, &mut outcome, private).await
            }
        };
        result?;
        outcome.diagnostics.append(&outcome.apply_diagnostics);
        outcome.applied = instance.as_ref().map(|instance| instance.state.clone());
        Ok(outcome)
    }

    async fn create(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Value,
    ) -> Result<(), Error> {
        *instance = None;
        let Some((config, again)) = self.plan_again(None, outcome, config).await? else {
            return Ok(());
        };
        let answer = self
            .apply_call(&Value::Null, &again.planned, &config, again.planned_private)
            .await?;
        self.settle(instance, None, outcome, &again.planned, answer)
    }

    async fn update(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Value,
    ) -> Result<(), Error> {
        let Some(prior) = self.upgraded(instance.as_ref(), outcome).await? else {
            return Ok(());
        };
        let again = self
            .plan_again(Some(prior.clone()), outcome, config)
            .await?;
        let Some((config, again)) = again else {
            return Ok(());
        };
        if again.action == Action::NoOp {
            outcome.action = Action::NoOp;
            return Ok(());
        }
        let answer = self
            .apply_call(&prior.state, &again.planned, &config, again.planned_private)
            .await?;
        self.settle(instance, Some(&prior), outcome, &again.planned, answer)
    }

    async fn replace_by(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Value,
    ) -> Result<(), Error> {
        if self.lifecycle.create_before_destroy {
            return self.create_before_delete(instance, outcome, config).await;
        }
        let private = outcome.plan.planned_private.clone();
        self.delete(instance, outcome, private).await?;
        if outcome.apply_diagnostics.has_errors() {
            return Ok(());
        }
        self.create(instance, outcome, config).await
    }

    /// Here, and only here, core plans the old object's delete anew in the apply walk.
    async fn create_before_delete(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Value,
    ) -> Result<(), Error> {
        outcome.deposed = instance.take();
        let created = self.create(instance, outcome, config).await;
        if instance.is_none() {
            *instance = outcome.deposed.take(); // nothing came, so the old one is current again
        }
        created?;
        if outcome.apply_diagnostics.has_errors() {
            return Ok(());
        }
        let deposed = outcome.deposed.take();
        let Some(old) = self.upgraded(deposed.as_ref(), outcome).await? else {
            outcome.deposed = deposed;
            return Ok(());
        };
        let (private, said) = self.plan_delete_call(Walk::Apply, &old).await?;
        outcome.apply_diagnostics.append(&said);
        let mut left = Some(old.clone());
        let deleted = if said.has_errors() {
            Ok(())
        } else {
            self.delete_call(&old, &mut left, outcome, private).await
        };
        outcome.deposed = left;
        deleted
    }

    async fn delete(
        &self,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        private: Vec<u8>,
    ) -> Result<(), Error> {
        match self.upgraded(instance.as_ref(), outcome).await? {
            Some(prior) => self.delete_call(&prior, instance, outcome, private).await,
            None => Ok(()),
        }
    }

    async fn delete_call(
        &self,
        prior: &ResourceInstance,
        instance: &mut Option<ResourceInstance>,
        outcome: &mut Outcome,
        private: Vec<u8>,
    ) -> Result<(), Error> {
        let null = Value::Null;
        let answer = self.apply_call(&prior.state, &null, &null, private).await?;
        self.settle(instance, Some(prior), outcome, &null, answer)
    }

    /// State is read anew in the apply walk. `None`: refused.
    async fn upgraded(
        &self,
        instance: Option<&ResourceInstance>,
        outcome: &mut Outcome,
    ) -> Result<Option<ResourceInstance>, Error> {
        let Some(instance) = instance else {
            return Ok(None);
        };
        let (upgraded, said) = self.upgrade(instance).await?;
        outcome.apply_diagnostics.append(&said);
        Ok(upgraded)
    }

    /// Validates and plans in the apply walk, and compares with what was planned. `None`: refused.
    async fn plan_again(
        &self,
        prior: Option<ResourceInstance>,
        outcome: &mut Outcome,
        config: Value,
    ) -> Result<Option<(Value, Plan)>, Error> {
        const INCONSISTENT: &str = "Provider produced inconsistent final plan";
        let config = self.convert(config)?;
        let expected = if prior.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let said = self.validate_in(Walk::Apply, &config).await?;
        outcome.apply_diagnostics.append(&said);
        if said.has_errors() {
            return Ok(None);
        }
        let unforced = Self {
            lifecycle: self.lifecycle.clone().unforced(),
            ..self.clone()
        };
        let again = unforced
            .plan_change(Walk::Apply, prior, &config, Diagnostics::default())
            .await?;
        outcome.apply_diagnostics.append(&again.diagnostics);
        if again.action == Action::Failed {
            return Ok(None);
        }
        if again.action != expected && (expected, again.action) != (Action::Update, Action::NoOp) {
            let message = format!(
                "changed the planned action from {expected:?} to {:?}",
                again.action
            );
            return Err(self
                .violation("PlanResourceChange", INCONSISTENT, message)
                .into());
        }
        let block = &self.schema()?.block;
        let problems = assert::compatible(block, &outcome.plan.planned, &again.planned);
        self.check("PlanResourceChange", INCONSISTENT, problems)?;
        Ok(Some((config, again)))
    }

    fn settle(
        &self,
        instance: &mut Option<ResourceInstance>,
        prior: Option<&ResourceInstance>,
        outcome: &mut Outcome,
        planned: &Value,
        answer: pb::apply_resource_change::Response,
    ) -> Result<(), Error> {
        let schema = self.schema()?;
        let settled = Applied {
            type_name: &self.type_name,
            schema,
            prior,
            planned,
        }
        .settle(answer);
        *instance = settled.instance;
        outcome.apply_diagnostics.append(&settled.diagnostics);
        settled
            .violation
            .map_or(Ok(()), |violation| Err(violation.into()))
    }
}

impl Outcome {
    /// Itself, if there is no error diagnostic.
    pub fn ok(self) -> Result<Self, Refused> {
        if self.diagnostics.has_errors() {
            Err(Refused(self.diagnostics))
        } else {
            Ok(self)
        }
    }
}
