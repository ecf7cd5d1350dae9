//! A local Atlas and a workspace with one resource for each row. The rows share one run, because each fault strikes one
//! user only: that is quick, and it shows that they do not disturb each other.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use local_atlas::{Certificate, Control, Endpoint, Fault, LocalAtlas, X509Type};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use super::Row;
use crate::support::{
    atlas::{PROJECT, atlas, login},
    diagnostics::{CliDiagnostic, diagnostics},
    terraform::{bare_workspace, parallelism},
};

pub(super) struct Walk {
    atlas: LocalAtlas,
    workspace: Workspace,
    rows: Vec<Row>,
}

/// An instance as the state file has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub(super) attributes: Json,
    pub(super) is_tainted: bool,
}

/// The diagnostics of a run, by row.
pub(super) struct Run {
    shown: Vec<CliDiagnostic>,
}

impl Walk {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self::over(atlas(&[]), rows)
    }

    /// A walk in which one more certificate goes first, so that the login has worked before the rows come.
    pub(super) fn logged_in(rows: Vec<Row>) -> Self {
        let first = FIRST.replace("PROJECT", PROJECT);
        let configuration =
            format!("{}{first}", configuration(&rows, "[atlas_user_certificate.first]"));
        Self::start(atlas(&["first"]), rows, &configuration)
    }

    /// A walk over an Atlas of one's own, of the rows alone.
    pub(super) fn over(atlas: LocalAtlas, rows: Vec<Row>) -> Self {
        let configuration = configuration(&rows, "[]");
        Self::start(atlas, rows, &configuration)
    }

    fn start(atlas: LocalAtlas, rows: Vec<Row>, configuration: &str) -> Self {
        for row in &rows {
            atlas.control().add_user(PROJECT, row.name, X509Type::Managed);
        }
        let mut workspace = bare_workspace(configuration);
        for (name, value) in login(&atlas) {
            workspace.set_env(name, &value);
        }
        workspace.set_env("TF_VAR_months", "3");
        workspace.set_env("TF_LOG_PROVIDER", "TRACE");
        let log = workspace.path().join("provider.log").display().to_string();
        workspace.set_env("TF_LOG_PATH", &log);
        Self { atlas, workspace, rows }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn control(&self) -> &Control {
        self.atlas.control()
    }

    /// Trusts these certificate authorities from now on.
    pub(super) fn trust(&mut self, ca_pem: &str) {
        self.workspace.set_env("TF_VAR_ca", ca_pem);
    }

    /// Lets each row's fault wait for its user's next request of this kind.
    pub(super) fn strike(&self, endpoint: Endpoint) {
        self.control().clear_requests();
        for row in &self.rows {
            let fault = (row.fault)(Fault::on(endpoint).user(row.name).named(row.name));
            self.control().add_fault(fault);
        }
    }

    /// Trusts the authority of this walk's own Atlas.
    pub(super) fn trust_its_own(&mut self) {
        let ca_pem = self.atlas.ca_pem().to_owned();
        self.trust(&ca_pem);
    }

    /// Refuses connections from now on.
    pub(super) fn stop_listening(&self) {
        wait_for(self.control().stop_listening());
        self.control().close_connections();
    }

    /// Takes connections again.
    pub(super) fn resume_listening(&self) {
        wait_for(self.control().resume_listening());
    }

    pub(super) fn set_months(&mut self, months: u8) {
        self.workspace.set_env("TF_VAR_months", &months.to_string());
    }

    /// Runs a command over all rows at once. Every fault must have applied when it ends, and no key may have been shown.
    pub(super) fn run(&self, command: &str, arguments: &[&str]) -> Run {
        let fixed = [command, "-auto-approve", "-json", "-input=false", parallelism()];
        let output = self.workspace.run(fixed.iter().chain(arguments));
        let log = fs::read_to_string(self.workspace.path().join("provider.log"))
            .expect("the log of the provider");
        for certificate in self.control().all_certificates() {
            let line = certificate.key_pem.lines().nth(3).expect("a key has many lines");
            assert!(
                !output.stdout.contains(line) && !output.stderr.contains(line),
                "a key was shown: {}",
                certificate.user
            );
            assert!(!log.contains(line), "a key was logged: {}", certificate.user);
        }
        self.control().assert_all_faults_used();
        Run { shown: diagnostics(&output) }
    }

    /// What is in state, by row.
    pub(super) fn objects(&self) -> BTreeMap<String, Object> {
        let state = self.workspace.state();
        let resources = state["resources"].as_array().cloned().unwrap_or_default();
        let instances = resources
            .iter()
            .flat_map(|resource| resource["instances"].as_array().cloned().unwrap_or_default());
        instances
            .filter_map(|instance| {
                let key = instance["index_key"].as_str()?.to_owned();
                let is_tainted = instance["status"] == "tainted";
                Some((key, Object { attributes: instance["attributes"].clone(), is_tainted }))
            })
            .collect()
    }

    pub(super) fn state_file(&self) -> String {
        fs::read_to_string(self.workspace.path().join("terraform.tfstate"))
            .expect("there is a state file")
    }

    /// The certificates that Atlas issued to a row's user.
    pub(super) fn certificates(&self, row: &Row) -> Vec<Certificate> {
        self.control().certificates(PROJECT, row.name)
    }

    /// How many requests that issue were made for a row's user.
    pub(super) fn posts(&self, row: &Row) -> usize {
        self.control()
            .requests_to(Endpoint::IssueCertificate)
            .iter()
            .filter(|request| request.user == row.name)
            .count()
    }
}

impl Run {
    /// The only error about a row.
    #[track_caller]
    pub(super) fn error(&self, row: &Row) -> &CliDiagnostic {
        let about: Vec<_> = self.about(row).into_iter().filter(|shown| shown.is_error).collect();
        assert_eq!(about.len(), 1, "one error about {:?}: {about:#?}", row.name);
        about[0]
    }

    /// Errors and warnings about a row.
    pub(super) fn about(&self, row: &Row) -> Vec<&CliDiagnostic> {
        let address = format!("atlas_user_certificate.row[{:?}]", row.name);
        self.shown.iter().filter(|shown| shown.address == address).collect()
    }

    /// Makes sure that there was nothing to tell.
    #[track_caller]
    pub(super) fn none(&self) {
        assert!(self.shown.is_empty(), "{:#?}", self.shown);
    }
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

const FIRST: &str = r#"
resource "atlas_user_certificate" "first" {
  project_id              = "PROJECT"
  username                = "first"
  months_until_expiration = var.months
}
"#;

fn configuration(rows: &[Row], after: &str) -> String {
    let mut keys = String::new();
    for row in rows {
        let (issuing, reading) = match row.within {
            Some((issuing, reading)) => (format!("{issuing:?}"), format!("{reading:?}")),
            None => ("null".to_owned(), "null".to_owned()),
        };
        writeln!(keys, "    {:?} = {{ issuing = {issuing}, reading = {reading} }}", row.name)
            .expect("a string takes all");
    }
    format!(
        r#"
variable "months" {{
  type = number
}}

variable "ca" {{
  type    = string
  default = null
}}

provider "atlas" {{
  max_retries   = 1
  ca_bundle_pem = var.ca
}}

resource "atlas_user_certificate" "row" {{
  for_each = {{
{keys}  }}
  depends_on = {after}

  project_id              = "{PROJECT}"
  username                = each.key
  months_until_expiration = var.months

  timeouts {{
    create = each.value.issuing
    update = each.value.issuing
    read   = each.value.reading
  }}
}}
"#
    )
}
