//! The provider under the in-process host: fast, and every plan and apply is checked by the rules of Terraform core.

use std::ops::Deref;

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Answer, Core, Outcome, Plan, Refreshed, Resource, ResourceInstance},
    diagnostic::{Diagnostic, Diagnostics},
};

use super::{
    atlas::{PROJECT, atlas},
    fixture::TYPE,
    plugin::{ScratchDir, configure, started},
};

/// One provider process. Each command configures it again, so that it knows nothing of what was looked up before.
pub struct InProcess {
    core: Core,
    block: Json,
    _scratch: ScratchDir,
}

/// A local Atlas with these users, and a provider process with access to it.
pub async fn in_process(users: &[&str]) -> (LocalAtlas, InProcess) {
    let atlas = atlas(users);
    let host = InProcess::new(&atlas, json!({})).await;
    (atlas, host)
}

impl InProcess {
    /// A process with an access token, and these arguments of the provider block.
    pub async fn new(atlas: &LocalAtlas, arguments: Json) -> Self {
        let scratch = ScratchDir::new();
        let core = started(scratch.options()).await;
        let token = atlas.control().credentials().access_token;
        let login = json!({ "base_url": atlas.base_url(), "access_token": token });
        Self { core, block: with(&login, arguments), _scratch: scratch }
    }

    /// Begins a command.
    pub async fn command(&self) -> Resource {
        self.command_with(json!({})).await
    }

    /// Begins a command with more arguments of the provider block.
    pub async fn command_with(&self, arguments: Json) -> Resource {
        configure(&self.core, with(&self.block, arguments)).await;
        self.core.resource(TYPE)
    }

    /// `terraform apply`.
    pub async fn apply(&self, instance: &mut Option<ResourceInstance>, config: &Json) -> Outcome {
        let applied = self.command().await.apply_config(instance, config.clone()).await;
        applied.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `terraform plan`.
    pub async fn plan(&self, instance: Option<&ResourceInstance>, config: &Json) -> Plan {
        let planned = self.command().await.plan(instance, config.clone()).await;
        planned.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `terraform apply -refresh-only`.
    pub async fn refresh(&self, instance: &mut Option<ResourceInstance>) -> Refreshed {
        let refreshed = self.command().await.refresh(instance).await;
        refreshed.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `terraform import`.
    pub async fn import(&self, id: &str) -> Answer<ResourceInstance> {
        let imported = self.command().await.import(id, None).await;
        imported.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A new certificate.
    pub async fn created(&self, config: &Json) -> ResourceInstance {
        let mut instance = None;
        self.apply(&mut instance, config).await.ok().unwrap_or_else(|refused| panic!("{refused}"));
        instance.expect("an instance")
    }
}

impl Deref for InProcess {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

/// Arguments of the provider block for the service account in place of the access token.
pub fn service_account(atlas: &LocalAtlas) -> Json {
    let keys = atlas.control().credentials();
    json!({ "access_token": null, "client_id": keys.client_id, "client_secret": keys.client_secret })
}

/// The configuration of a certificate of this user.
pub fn config(user: &str) -> Json {
    json!({ "project_id": PROJECT, "username": user })
}

/// The object with these attributes changed.
pub fn with(object: &Json, changes: Json) -> Json {
    let mut object = object.clone();
    let Json::Object(changes) = changes else { panic!("not an object: {changes}") };
    object.as_object_mut().expect("an object").extend(changes);
    object
}

/// The diagnostic with this title.
#[track_caller]
pub fn titled<'a>(diagnostics: &'a Diagnostics, title: &str) -> &'a Diagnostic {
    let found = diagnostics.iter().find(|it| it.summary == title);
    found.unwrap_or_else(|| panic!("{title:?} is not among:{diagnostics}"))
}
