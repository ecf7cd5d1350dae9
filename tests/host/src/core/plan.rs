//! Planning: what core would do, and what it would hand to apply.

use super::{Error, Resource, ResourceInstance, Walk};
use crate::diagnostic::Diagnostics;
use crate::path::Path;
use crate::value::Value;

/// What a plan comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// A new object.
    Create,
    /// A change in place.
    Update,
    /// The old object goes and a new one comes.
    Replace,
    /// The object goes.
    Delete,
    /// Nothing, because of an error.
    Failed,
}

/// A plan for one resource instance, as a plan file would keep it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it comes to.
    pub action: Action,
    /// The instance after the refresh, which apply starts from.
    pub prior: Option<ResourceInstance>,
    /// What core proposed, in the last call.
    pub proposed: Value,
    /// What the provider planned, in the last call.
    pub planned: Value,
    /// The provider's private data for apply.
    pub planned_private: Vec<u8>,
    /// Where a change requires replacement and there is one.
    pub requires_replace: Vec<Path>,
    /// Of refresh, validation and plan, in this order. Warnings of the second call of a replacement
    /// are dropped, as core does.
    pub diagnostics: Diagnostics,
}

impl Resource {
    /// Refreshes, validates and plans, as `terraform plan`. The instance stays as it is; what was
    /// refreshed is in the plan.
    pub async fn plan(
        &self,
        instance: Option<&ResourceInstance>,
        config: impl Into<Value>,
    ) -> Result<Plan, Error> {
        let config = self.convert(config)?;
        let mut diagnostics = Diagnostics::default();
        let mut prior = instance.cloned();
        if self.lifecycle.no_refresh {
            if let Some(instance) = &prior {
                let (upgraded, said) = self.upgrade(instance).await?;
                diagnostics.append(&said);
                prior = upgraded.or(prior);
            }
        } else {
            diagnostics.append(&self.refresh(&mut prior).await?.diagnostics);
        }
        if !diagnostics.has_errors() {
            diagnostics.append(&self.validate_in(Walk::Plan, &config).await?);
        }
        if diagnostics.has_errors() {
            return Ok(Plan::failed(prior, diagnostics));
        }
        self.plan_change(Walk::Plan, prior, &config, diagnostics)
            .await
    }

    /// Plans that the object goes.
    pub async fn plan_destroy(&self, instance: Option<&ResourceInstance>) -> Result<Plan, Error> {
        let Some(instance) = instance else {
            return Ok(Plan {
                action: Action::NoOp,
                ..Plan::failed(None, Diagnostics::default())
            });
        };
        let (upgraded, mut diagnostics) = self.upgrade(instance).await?;
        let Some(prior) = upgraded else {
            return Ok(Plan::failed(Some(instance.clone()), diagnostics));
        };
        let (planned_private, said) = self.plan_delete_call(Walk::Plan, &prior).await?;
        diagnostics.append(&said);
        let action = if diagnostics.has_errors() {
            Action::Failed
        } else {
            Action::Delete
        };
        Ok(Plan {
            action,
            planned_private,
            ..Plan::failed(Some(prior), diagnostics)
        })
    }

    /// The one or two plan calls for a configuration that was validated.
    pub(super) async fn plan_change(
        &self,
        walk: Walk,
        prior: Option<ResourceInstance>,
        config: &Value,
        mut diagnostics: Diagnostics,
    ) -> Result<Plan, Error> {
        let live = prior.as_ref().filter(|prior| !prior.tainted);
        let before = live.map_or(Value::Null, |live| live.state.clone());
        let private = live.map_or(&[][..], |live| &live.private);
        let seen = self
            .lifecycle
            .ignore_changes
            .apply(&self.schema()?.block, &before, config);
        let first = self.plan_call(walk, &before, &seen, private).await?;
        diagnostics.append(&first.diagnostics);
        if diagnostics.has_errors() {
            return Ok(Plan::failed(prior, diagnostics));
        }
        let action = match (&prior, live) {
            (None, _) => Action::Create,
            (Some(_), None) => Action::Replace, // tainted: planned as a create, once
            _ if self.lifecycle.replace || !first.requires_replace.is_empty() => Action::Replace,
            _ if before == first.state => Action::NoOp,
            _ => Action::Update,
        };
        let requires_replace = first.requires_replace.clone();
        let last = if action == Action::Replace && live.is_some() {
            let second = self
                .plan_call(walk, &Value::Null, config, &first.private)
                .await?;
            if second.diagnostics.has_errors() {
                diagnostics.append(&second.diagnostics);
                return Ok(Plan::failed(prior, diagnostics));
            }
            second
        } else {
            first
        };
        Ok(Plan {
            action,
            prior,
            proposed: last.proposed,
            planned: last.state,
            planned_private: last.private,
            requires_replace,
            diagnostics,
        })
    }
}

impl Plan {
    /// Whether a path is among those that require replacement.
    pub fn replaces_because_of(&self, path: &str) -> bool {
        self.requires_replace
            .iter()
            .any(|required| *required == *path)
    }

    pub(super) fn failed(prior: Option<ResourceInstance>, diagnostics: Diagnostics) -> Self {
        Self {
            action: Action::Failed,
            prior,
            proposed: Value::Null,
            planned: Value::Null,
            planned_private: Vec::new(),
            requires_replace: Vec::new(),
            diagnostics,
        }
    }
}
