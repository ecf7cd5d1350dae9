//! An Atlas that means harm, or something on the way that pretends to be Atlas.

mod output_sanitization;
mod redirects;
mod resource_exhaustion;
mod wrong_certificate;

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Core, Outcome, Refreshed, ResourceInstance},
    diagnostic::Diagnostics,
};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{ScratchDir, configured},
};

const TYPE: &str = "atlas_user_certificate";
const USER: &str = "app";

/// A provider with a login to a local Atlas that has one user.
struct Scene {
    atlas: LocalAtlas,
    core: Core,
    _temporary: ScratchDir,
}

impl Scene {
    async fn set() -> Self {
        let (temporary, atlas) = (ScratchDir::new(), atlas(&[USER]));
        let core = configured(&atlas, temporary.options()).await;
        Self { atlas, core, _temporary: temporary }
    }

    /// The same, with a certificate in state.
    async fn with_certificate() -> (Self, Option<ResourceInstance>) {
        let scene = Self::set().await;
        let mut instance = None;
        scene.apply(&mut instance, certificate()).await.ok().expect("a certificate");
        (scene, instance)
    }

    async fn apply(&self, instance: &mut Option<ResourceInstance>, config: Json) -> Outcome {
        self.core.apply_config(TYPE, instance, config).await.expect("a sound answer")
    }

    async fn create(&self) -> Outcome {
        self.apply(&mut None, certificate()).await
    }

    async fn refresh(&self, instance: Option<&ResourceInstance>) -> Refreshed {
        self.core.refresh(TYPE, &mut instance.cloned()).await.expect("a sound answer")
    }
}

fn certificate() -> Json {
    json!({ "project_id": PROJECT, "username": USER })
}

/// All words of all diagnostics.
fn words(diagnostics: &Diagnostics) -> String {
    let each: Vec<_> =
        diagnostics.iter().map(|told| format!("{}\n{}\n", told.summary, told.detail)).collect();
    each.concat()
}
