//! A configuration with one certificate, the local Atlas that it runs against, and the folder of the CLI.

use std::time::Duration;

use local_atlas::{Answer, Certificate, Endpoint, Fault, LocalAtlas, LoggedIn, LoginError};
use serde_json::Value as Json;
use tf_harness::cli::{Output, Workspace};

use super::{
    atlas::{PROJECT, atlas},
    diagnostics::{CliDiagnostic, diagnostics},
    terraform::{workspace, write_main},
};

/// The type of the resource under test.
pub const TYPE: &str = "atlas_user_certificate";

/// A configuration of the database user `app`, and everything that it runs against.
pub struct Fixture {
    pub atlas: LocalAtlas,
    pub workspace: Workspace,
}

impl Fixture {
    /// The configuration after an empty provider block, not applied yet.
    pub fn new(configuration: &str) -> Self {
        let atlas = atlas(&["app"]);
        let workspace = workspace(&atlas, configuration);
        Self { atlas, workspace }
    }

    /// The configuration, applied: one certificate is issued.
    pub fn applied(configuration: &str) -> Self {
        let t = Self::new(configuration);
        t.workspace.apply(&[]).success();
        assert_eq!(t.posts(), 1);
        t
    }

    /// Changes the configuration after the empty provider block.
    pub fn set_config(&self, configuration: &str) {
        let text = format!("provider \"atlas\" {{}}\n\n{configuration}");
        write_main(&self.workspace, &text);
    }

    /// Moves the clock of Atlas.
    pub fn advance_days(&self, days: u64) {
        self.atlas.control().advance(self::days(days));
    }

    /// Makes Atlas refuse the next certificate request with "Too many certificates for this user".
    pub fn refuse_next_post(&self) {
        let code = "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED";
        let refusal = Answer::api_error(400, code, "the limit is reached");
        let fault = Fault::on(Endpoint::IssueCertificate).refuse(refusal);
        self.atlas.control().add_fault(fault);
    }

    /// The object in state.
    #[track_caller]
    pub fn object(&self) -> Json {
        only(&self.workspace)
    }

    /// Whether state has no certificate.
    pub fn is_empty(&self) -> bool {
        self.workspace.instances(TYPE).is_empty()
    }

    /// Whether a plan has no changes.
    pub fn plans_nothing(&self) -> bool {
        self.workspace.plans_nothing()
    }

    /// The number of certificate requests.
    pub fn posts(&self) -> usize {
        posts(&self.atlas)
    }

    /// Every certificate of the user, in the order of issue.
    pub fn issued(&self) -> Vec<Certificate> {
        self.atlas.control().certificates(PROJECT, "app")
    }

    /// The certificate issued last.
    #[track_caller]
    pub fn newest(&self) -> Certificate {
        newest(&self.atlas)
    }

    /// The identity that the key in state logs in as; `None` if it does not.
    pub fn log_in(&self) -> Option<LoggedIn> {
        log_in(&self.atlas, &self.object()).ok()
    }

    /// Applies, and returns the diagnostics.
    #[track_caller]
    pub fn apply(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        let output = self.workspace.apply(&[&["-json"], more].concat());
        diagnostics(&output.success())
    }

    /// Plans, and returns the diagnostics.
    #[track_caller]
    pub fn plan(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        let output = self.workspace.plan(&[&["-json"], more].concat());
        diagnostics(&output.success())
    }

    /// Destroys, and returns the diagnostics.
    #[track_caller]
    pub fn destroy(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        let output = self.workspace.destroy(&[&["-json"], more].concat());
        diagnostics(&output.success())
    }

    /// Runs `terraform apply` on a plan file, and returns the diagnostics.
    #[track_caller]
    pub fn apply_plan(&self, file: &str) -> Vec<CliDiagnostic> {
        let output = self.workspace.run(["apply", "-json", file]);
        diagnostics(&output.success())
    }
}

/// The certificate `app` of the user `app`, with more arguments.
pub fn certificate(arguments: &str) -> String {
    resource("app", &format!("username   = \"app\"\n  {arguments}"))
}

/// A certificate in the usual project, with these arguments.
pub fn resource(name: &str, arguments: &str) -> String {
    format!("resource \"{TYPE}\" \"{name}\" {{\n  project_id = {PROJECT:?}\n  {arguments}\n}}\n")
}

/// That many days.
pub fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

/// The only certificate in state.
#[track_caller]
pub fn only(workspace: &Workspace) -> Json {
    let mut all = workspace.instances(TYPE);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// The number of certificate requests.
pub fn posts(atlas: &LocalAtlas) -> usize {
    atlas.control().request_count(Endpoint::IssueCertificate)
}

/// The certificate of the user `app` that was issued last.
#[track_caller]
pub fn newest(atlas: &LocalAtlas) -> Certificate {
    let mut all = atlas.control().certificates(PROJECT, "app");
    all.pop().expect("a certificate was issued")
}

/// A TLS login with the key of an object in state.
pub fn log_in(atlas: &LocalAtlas, object: &Json) -> Result<LoggedIn, LoginError> {
    let pem = object["combined_pem"].as_str().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(atlas.log_in(pem))
}

/// The number of warnings that destroying does not revoke.
pub fn destroy_warnings(diagnostics: &[CliDiagnostic]) -> usize {
    let title = "Destroying does not revoke the certificate";
    diagnostics.iter().filter(|diagnostic| diagnostic.summary == title).count()
}

#[track_caller]
pub fn expect_warning<'a>(diagnostics: &'a [CliDiagnostic], summary: &str) -> &'a CliDiagnostic {
    let found = diagnostics.iter().find(|it| !it.is_error && it.summary == summary);
    found.unwrap_or_else(|| panic!("no warning {summary:?} among {diagnostics:#?}"))
}

#[track_caller]
pub fn expect_error<'a>(diagnostics: &'a [CliDiagnostic], summary: &str) -> &'a CliDiagnostic {
    let found = diagnostics.iter().find(|it| it.is_error && it.summary == summary);
    found.unwrap_or_else(|| panic!("no error {summary:?} among {diagnostics:#?}"))
}

/// The diagnostics of a command that fails.
#[track_caller]
pub fn failure(output: Output) -> Vec<CliDiagnostic> {
    diagnostics(&output.failure())
}

/// The attributes in which two objects differ.
pub fn changed(before: &Json, after: &Json) -> Vec<String> {
    let names = before.as_object().expect("an object").keys();
    names.filter(|name| before[name.as_str()] != after[name.as_str()]).cloned().collect()
}
