//! A certificate's whole life through the real CLI, with the clock of local Atlas moved.

mod drift;
mod ending;
mod hidden;
mod renewal;
mod window;

use std::time::Duration;

use local_atlas::{Certificate, Endpoint, LocalAtlas, LoggedIn};
use serde_json::Value as Json;
use tf_harness::cli::{Output, Workspace};

use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::{workspace, write_main},
    told::{Told, told},
};

/// A configuration with one certificate, and the Atlas it lives at.
struct Life {
    atlas: LocalAtlas,
    workspace: Workspace,
}

impl Life {
    /// The configuration, not applied yet.
    fn planned(configuration: &str) -> Self {
        let atlas = atlas(&["app"]);
        let workspace = workspace(&atlas, configuration);
        Self { atlas, workspace }
    }

    /// The configuration, applied: one certificate issued.
    fn begun(configuration: &str) -> Self {
        let life = Self::planned(configuration);
        life.workspace.apply(&[]).success();
        assert_eq!(life.posts(), 1);
        life
    }

    /// Changes the configuration.
    fn now(&self, configuration: &str) {
        write_main(
            &self.workspace,
            &format!("provider \"atlas\" {{}}\n\n{configuration}"),
        );
    }

    /// Lets days pass at Atlas.
    fn days(&self, days: u64) {
        self.atlas
            .control()
            .advance(Duration::from_secs(days * 24 * 60 * 60));
    }

    /// The object in state.
    #[track_caller]
    fn object(&self) -> Json {
        let mut all = self.workspace.instances("atlas_user_certificate");
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn posts(&self) -> usize {
        self.atlas
            .control()
            .requests_to(Endpoint::IssueCertificate)
            .len()
    }

    fn issued(&self) -> Vec<Certificate> {
        self.atlas.control().certificates(PROJECT, "app")
    }

    /// Whether the key in state logs in, and as whom.
    fn logs_in(&self) -> Option<LoggedIn> {
        let pem = self.object()["combined_pem"].as_str()?.to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(self.atlas.log_in(&pem)).ok()
    }

    /// Applies, and gives what was told.
    #[track_caller]
    fn apply(&self, more: &[&str]) -> Vec<Told> {
        told(&self.workspace.apply(&[&["-json"], more].concat()).success())
    }

    /// Plans, and gives what was told.
    #[track_caller]
    fn plan(&self, more: &[&str]) -> Vec<Told> {
        told(&self.workspace.plan(&[&["-json"], more].concat()).success())
    }

    /// Destroys, and gives what was told.
    #[track_caller]
    fn destroy(&self, more: &[&str]) -> Vec<Told> {
        told(
            &self
                .workspace
                .destroy(&[&["-json"], more].concat())
                .success(),
        )
    }
}

/// The certificate, with more arguments.
fn certificate(arguments: &str) -> String {
    format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username   = \"app\"\n  {arguments}\n}}\n"
    )
}

/// How many of these say that destroying does not revoke.
fn farewells(told: &[Told]) -> usize {
    told.iter()
        .filter(|told| told.summary == "Destroying does not revoke the certificate")
        .count()
}

#[track_caller]
fn warned<'a>(told: &'a [Told], summary: &str) -> &'a Told {
    let found = told
        .iter()
        .find(|told| !told.is_error && told.summary == summary);
    found.unwrap_or_else(|| panic!("no warning {summary:?} among {told:#?}"))
}

#[track_caller]
fn failed<'a>(told: &'a [Told], summary: &str) -> &'a Told {
    let found = told
        .iter()
        .find(|told| told.is_error && told.summary == summary);
    found.unwrap_or_else(|| panic!("no error {summary:?} among {told:#?}"))
}

/// The attributes in which two objects differ.
fn changed(before: &Json, after: &Json) -> Vec<String> {
    let names = before.as_object().expect("an object").keys();
    names
        .filter(|name| before[name.as_str()] != after[name.as_str()])
        .cloned()
        .collect()
}

/// What a command that fails has told.
#[track_caller]
fn refused(output: Output) -> Vec<Told> {
    told(&output.failure())
}
