//! A malicious Atlas, or a server between that pretends to be Atlas.

mod output_sanitization;
mod redirects;
mod resource_exhaustion;
mod wrong_certificate;

use local_atlas::{Endpoint, Fault, LocalAtlas};
use serde_json::json;
use tf_harness::{
    core::{Outcome, Refreshed, ResourceInstance},
    diagnostic::Diagnostics,
};

use crate::support::{
    atlas::atlas,
    in_process::{InProcess, config, service_account, with},
};

/// A provider with a service account at a local Atlas that has one user, whose certificate is in state.
struct Scene {
    atlas: LocalAtlas,
    host: InProcess,
    instance: Option<ResourceInstance>,
}

impl Scene {
    async fn new(max_retries: u32) -> Self {
        let atlas = atlas(&["app"]);
        let arguments = json!({ "max_retries": max_retries });
        let host = InProcess::new(&atlas, with(&service_account(&atlas), arguments)).await;
        let instance = Some(host.created(&config("app")).await);
        Self { atlas, host, instance }
    }

    fn fault(&self, endpoint: Endpoint, fault: impl FnOnce(Fault) -> Fault) {
        self.atlas.control().add_fault(fault(Fault::on(endpoint).always()));
    }

    async fn create(&self) -> Outcome {
        self.host.apply(&mut None, &config("app")).await
    }

    async fn refresh(&self) -> Refreshed {
        self.host.refresh(&mut self.instance.clone()).await
    }
}

/// The text of all diagnostics.
fn text(diagnostics: &Diagnostics) -> String {
    let texts = diagnostics.iter().map(|it| format!("{}\n{}\n", it.summary, it.detail));
    texts.collect::<Vec<_>>().concat()
}
