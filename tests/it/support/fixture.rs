//! A configuration with one certificate, the local Atlas that it runs against, and the folder of the CLI.

use std::{collections::BTreeMap, fs, time::Duration};

use local_atlas::{
    Answer, Certificate, Endpoint, Fault, FaultHandle, LocalAtlas, LoggedIn, LoginError,
};
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

/// An instance as the state file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub attributes: Json,
    pub is_tainted: bool,
}

impl Fixture {
    /// The configuration after an empty provider block, not applied yet.
    pub fn new(configuration: &str) -> Self {
        Self::over(atlas(&["app"]), configuration)
    }

    /// The same for these users.
    pub fn of(users: &[&str], configuration: &str) -> Self {
        Self::over(atlas(users), configuration)
    }

    /// The same for this Atlas.
    pub fn over(atlas: LocalAtlas, configuration: &str) -> Self {
        let workspace = workspace(&atlas, configuration);
        Self { atlas, workspace }
    }

    /// A certificate that was issued elsewhere, imported without its key.
    pub fn imported(configuration: &str) -> Self {
        let t = Self::new(&certificate(""));
        t.atlas.control().issue(PROJECT, "app", 3);
        t.import(&format!("{PROJECT}/app")).success();
        t.set_config(configuration);
        t
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
        self.set_provider("", configuration);
    }

    /// Changes the arguments of the provider block, and the configuration after it.
    pub fn set_provider(&self, arguments: &str, configuration: &str) {
        let text = format!("provider \"atlas\" {{\n  {arguments}\n}}\n\n{configuration}");
        write_main(&self.workspace, &text);
    }

    /// Sets a variable of the configuration.
    pub fn set_var(&mut self, name: &str, value: &str) {
        self.workspace.set_env(&format!("TF_VAR_{name}"), value);
    }

    /// Sets environment variables.
    pub fn set_envs(&mut self, variables: &[(&str, String)]) {
        for (name, value) in variables {
            self.workspace.set_env(name, value);
        }
    }

    /// Removes the credentials from the environment.
    pub fn clear_credentials(&mut self) {
        let names = ["MONGODB_ATLAS_CLIENT_ID", "MONGODB_ATLAS_CLIENT_SECRET"];
        self.set_envs(&names.map(|name| (name, String::new())));
    }

    /// Lets a failure happen at Atlas.
    pub fn fault(&self, fault: Fault) -> FaultHandle {
        self.atlas.control().add_fault(fault)
    }

    /// Moves the clock of Atlas.
    pub fn advance_days(&self, days: u64) {
        self.atlas.control().advance(self::days(days));
    }

    /// Makes Atlas refuse the next certificate request with "Too many certificates for this user".
    pub fn refuse_next_post(&self) {
        let code = "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED";
        let refusal = Answer::api_error(400, code, "the limit is reached");
        self.fault(Fault::on(Endpoint::IssueCertificate).refuse(refusal));
    }

    /// The object in state.
    #[track_caller]
    pub fn object(&self) -> Json {
        only(&self.workspace)
    }

    /// The instances of all certificates in state by key, which is empty without `for_each`.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        let state = self.workspace.state();
        let resources = state["resources"].as_array().into_iter().flatten();
        let ours = resources.filter(|it| it["type"] == TYPE && it["mode"] == "managed");
        let instances = ours.flat_map(|it| it["instances"].as_array().into_iter().flatten());
        let object = |instance: &Json| {
            let is_tainted = instance["status"] == "tainted";
            let key = instance["index_key"].as_str().unwrap_or_default().to_owned();
            (key, Object { attributes: instance["attributes"].clone(), is_tainted })
        };
        instances.map(object).collect()
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

    /// The number of requests to an endpoint.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.atlas.control().request_count(endpoint)
    }

    /// Every certificate of the user, in the order of issue.
    pub fn issued(&self) -> Vec<Certificate> {
        self.atlas.control().certificates(PROJECT, "app")
    }

    /// The certificate issued last.
    #[track_caller]
    pub fn newest(&self) -> Certificate {
        self.issued().pop().expect("a certificate was issued")
    }

    /// The identity that the key in state logs in as; `None` if it does not.
    pub fn log_in(&self) -> Option<LoggedIn> {
        log_in(&self.atlas, &self.object()).ok()
    }

    /// Applies, and returns the diagnostics.
    #[track_caller]
    pub fn apply(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        diagnostics(&self.workspace.apply(&[&["-json"], more].concat()).success())
    }

    /// Plans, and returns the diagnostics.
    #[track_caller]
    pub fn plan(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        diagnostics(&self.workspace.plan(&[&["-json"], more].concat()).success())
    }

    /// Destroys, and returns the diagnostics.
    #[track_caller]
    pub fn destroy(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        diagnostics(&self.workspace.destroy(&[&["-json"], more].concat()).success())
    }

    /// Applies, which fails, and returns the diagnostics.
    #[track_caller]
    pub fn failed_apply(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        diagnostics(&self.workspace.apply(&[&["-json"], more].concat()).failure())
    }

    /// Plans, which fails, and returns the diagnostics.
    #[track_caller]
    pub fn failed_plan(&self, more: &[&str]) -> Vec<CliDiagnostic> {
        diagnostics(&self.workspace.plan(&[&["-json"], more].concat()).failure())
    }

    /// Writes the provider's log to a file, for [`Self::check_log`].
    pub fn log(&mut self) {
        self.workspace.set_env("TF_LOG_PROVIDER", "TRACE");
        let log = self.workspace.path().join("provider.log").display().to_string();
        self.workspace.set_env("TF_LOG_PATH", &log);
    }

    /// No private key is in the provider's log or in a text.
    #[track_caller]
    pub fn check_log(&self, text: &str) {
        let log = fs::read_to_string(self.workspace.path().join("provider.log")).expect("a log");
        for certificate in self.atlas.control().all_certificates() {
            let line = certificate.key_pem.lines().nth(3).expect("a key has many lines");
            assert!(!log.contains(line), "a key of {} was logged", certificate.user);
            assert!(!text.contains(line), "a key of {} was printed", certificate.user);
        }
    }

    /// Imports into the address `app`.
    #[track_caller]
    pub fn import(&self, id: &str) -> Output {
        self.workspace.run([
            "import",
            "-no-color",
            "-input=false",
            "atlas_user_certificate.app",
            id,
        ])
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
pub fn expect_warning(diagnostics: &[CliDiagnostic], summary: &str) -> CliDiagnostic {
    let found = diagnostics.iter().find(|it| !it.is_error && it.summary == summary);
    found.unwrap_or_else(|| panic!("no warning {summary:?} among {diagnostics:#?}")).clone()
}

#[track_caller]
pub fn expect_error(diagnostics: &[CliDiagnostic], summary: &str) -> CliDiagnostic {
    let found = diagnostics.iter().find(|it| it.is_error && it.summary == summary);
    found.unwrap_or_else(|| panic!("no error {summary:?} among {diagnostics:#?}")).clone()
}

/// The attributes in which two objects differ.
pub fn changed(before: &Json, after: &Json) -> Vec<String> {
    let names = before.as_object().expect("an object").keys();
    names.filter(|name| before[name.as_str()] != after[name.as_str()]).cloned().collect()
}
