//! The provider as a host drives it that is played in this process: fast, and every plan and apply is held to core's rules.

use std::ops::Deref;

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::core::{Core, Imported, Outcome, Plan, Refreshed, Resource, ResourceInstance};

use super::plugin::{ScratchDir, configure, started};

pub const CERTIFICATE: &str = "atlas_user_certificate";

/// One provider process, which every command configures again: nothing looked up for the one before is known to it.
pub struct Played {
    core: Core,
    login: Json,
    _temporary: ScratchDir,
}

impl Played {
    pub async fn against(atlas: &LocalAtlas) -> Self {
        let temporary = ScratchDir::new();
        let core = started(temporary.options()).await;
        let token = atlas.control().credentials().access_token;
        let login = json!({ "base_url": atlas.base_url(), "access_token": token });
        Self { core, login, _temporary: temporary }
    }

    /// Begins a command.
    pub async fn command(&self) -> Resource {
        configure(&self.core, self.login.clone()).await;
        self.core.resource(CERTIFICATE)
    }

    /// `terraform apply`, whatever comes of it.
    pub async fn apply(&self, instance: &mut Option<ResourceInstance>, config: &Json) -> Outcome {
        let resource = self.command().await;
        resource
            .apply_config(instance, config.clone())
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// `terraform plan`, whatever comes of it.
    pub async fn plan(&self, instance: Option<&ResourceInstance>, config: &Json) -> Plan {
        let resource = self.command().await;
        resource.plan(instance, config.clone()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `terraform apply -refresh-only`.
    pub async fn refresh(&self, instance: &mut Option<ResourceInstance>) -> Refreshed {
        let resource = self.command().await;
        resource.refresh(instance).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `terraform import`.
    pub async fn import(&self, id: &str) -> Imported {
        let resource = self.command().await;
        resource.import(id).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A new certificate.
    pub async fn created(&self, config: &Json) -> ResourceInstance {
        let mut instance = None;
        self.apply(&mut instance, config).await.ok().unwrap_or_else(|refused| panic!("{refused}"));
        instance.expect("an instance")
    }
}

impl Deref for Played {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}
