//! One managed resource type, with its lifecycle settings.

use super::{
    Core, Error, IgnoreChanges, Imported, Lifecycle, Outcome, Plan, Refreshed, ResourceInstance,
    Walk,
};
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::value::Value;

/// A resource type and how its instances are to be handled.
#[derive(Clone, Debug)]
pub struct Resource {
    pub(super) core: Core,
    pub(super) type_name: String,
    pub(super) lifecycle: Lifecycle,
}

impl Core {
    /// A resource type, handled as without a `lifecycle` block.
    pub fn resource(&self, type_name: &str) -> Resource {
        Resource {
            core: self.clone(),
            type_name: type_name.to_owned(),
            lifecycle: Lifecycle::default(),
        }
    }

    /// Refreshes, plans and applies, as `terraform apply`.
    pub async fn apply_config(
        &self,
        type_name: &str,
        instance: &mut Option<ResourceInstance>,
        config: impl Into<Value>,
    ) -> Result<Outcome, Error> {
        self.resource(type_name)
            .apply_config(instance, config)
            .await
    }

    /// Refreshes and plans, as `terraform plan`; the instance stays as it is.
    pub async fn plan_config(
        &self,
        type_name: &str,
        instance: Option<&ResourceInstance>,
        config: impl Into<Value>,
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

    /// Plans a delete and applies it. The refreshing plan walk that `terraform destroy` makes first
    /// is [`Resource::plan`].
    pub async fn destroy(
        &self,
        type_name: &str,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Outcome, Error> {
        self.resource(type_name).destroy(instance).await
    }

    /// Imports and reads, as `terraform import`.
    pub async fn import(&self, type_name: &str, id: &str) -> Result<Imported, Error> {
        self.resource(type_name).import(id).await
    }
}

impl Resource {
    /// Its name.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Ignores changes of these attributes and blocks.
    pub fn ignore_changes<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.lifecycle.ignore_changes = IgnoreChanges::Names(names);
        self
    }

    /// `ignore_changes = all`.
    pub fn ignore_all_changes(mut self) -> Self {
        self.lifecycle.ignore_changes = IgnoreChanges::All;
        self
    }

    /// Replacements create the new object before the old one is deleted.
    pub fn create_before_destroy(mut self) -> Self {
        self.lifecycle.create_before_destroy = true;
        self
    }

    /// `-replace` names this resource.
    pub fn replace(mut self) -> Self {
        self.lifecycle.replace = true;
        self
    }

    /// `-refresh=false`.
    pub fn without_refresh(mut self) -> Self {
        self.lifecycle.no_refresh = true;
        self
    }

    /// `ValidateResourceTypeConfig`, as `terraform validate`.
    pub async fn validate(&self, config: impl Into<Value>) -> Result<Diagnostics, Error> {
        let config = self.convert(config)?;
        self.validate_in(Walk::Validate, &config).await
    }

    /// Refreshes, plans and applies with one configuration, which is known in both.
    pub async fn apply_config(
        &self,
        instance: &mut Option<ResourceInstance>,
        config: impl Into<Value>,
    ) -> Result<Outcome, Error> {
        let config = config.into();
        let plan = self.plan(instance.as_ref(), config.clone()).await?;
        self.apply(instance, plan, config).await
    }

    /// Plans a delete and applies it.
    pub async fn destroy(&self, instance: &mut Option<ResourceInstance>) -> Result<Outcome, Error> {
        let plan = self.plan_destroy(instance.as_ref()).await?;
        self.apply(instance, plan, Value::Null).await
    }

    /// The configuration as core makes it of what was written.
    pub(super) fn convert(&self, config: impl Into<Value>) -> Result<Value, Error> {
        Ok(convert::block(config.into(), &self.schema()?.block)?)
    }
}
