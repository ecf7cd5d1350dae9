//! A replacement that fails keeps the old key. The real CLI decides here: it deletes, plans again and creates.

use std::{collections::BTreeMap, fs};

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, RetryAfter, Rewrite, When, X509Type};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas, login},
    diagnostics::{CliDiagnostic, diagnostics},
    terraform::{bare_workspace, parallelism, workspace, write_main},
};

const OTHER_PROJECT: &str = "0123456789abcdef01234567";
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

type Failure = fn(Fault) -> Fault;

/// What goes wrong with the certificate request of the successor.
const FAILURES: [(&str, Failure); 5] = [
    ("refused", |fault| {
        fault.refuse(Answer::api_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "No."))
    }),
    ("failing", |fault| fault.refuse(Answer::server_error(500))),
    ("cut", |fault| fault.cut(When::After)),
    ("slow", |fault| fault.pause(When::After)),
    ("unparsable", |fault| fault.rewrite(Rewrite::ForeignKey)),
];
const FORMS: [&str; 3] = ["plain", "sealed", "unparsed"];

#[test]
fn a_failed_replacement_by_an_option_keeps_every_old_object() {
    let fixture = Fixture::new();
    let options: Vec<_> = names().map(|name| format!("-replace={}", address(&name))).collect();
    fixture.fails_and_recovers(&options, &[]);
}

#[test]
fn a_failed_replacement_of_tainted_objects_keeps_every_old_object() {
    let fixture = Fixture::new();
    for name in names() {
        fixture.workspace.run(["taint", &address(&name)]).success();
    }
    fixture.fails_and_recovers(&[], &[]);
}

#[test]
fn a_failed_replacement_by_a_trigger_keeps_every_old_object() {
    Fixture::new().fails_and_recovers(&[], &[("trigger", "b")]);
}

#[test]
fn a_failed_change_of_the_username_keeps_every_old_object() {
    Fixture::new().fails_and_recovers(&[], &[("suffix", "-new")]);
}

#[test]
fn a_failed_change_of_the_project_keeps_every_old_object() {
    Fixture::new().fails_and_recovers(&[], &[("project", OTHER_PROJECT)]);
}

/// One resource instance for each form of the stored key and each failure.
struct Fixture {
    atlas: LocalAtlas,
    workspace: Workspace,
}

#[derive(Debug, PartialEq)]
struct Object {
    attributes: Json,
    is_tainted: bool,
}

impl Fixture {
    fn new() -> Self {
        let atlas = atlas(&[]);
        atlas.control().add_project(OTHER_PROJECT);
        let names: Vec<_> = names().collect();
        for name in &names {
            for (project, user) in [
                (PROJECT, name.clone()),
                (PROJECT, format!("{name}-new")),
                (OTHER_PROJECT, name.clone()),
            ] {
                atlas.control().add_user(project, &user, X509Type::Managed);
            }
        }
        let configuration = format!(
            r#"
variable "trigger" {{
  default = "a"
}}
variable "suffix" {{
  default = ""
}}
variable "project" {{
  default = "{PROJECT}"
}}
provider "atlas" {{}}
resource "terraform_data" "trigger" {{
  input = var.trigger
}}
resource "atlas_user_certificate" "row" {{
  for_each               = toset({names:?})
  project_id             = var.project
  username               = "${{each.key}}${{var.suffix}}"
  private_key_recipients = startswith(each.key, "sealed") ? ["{RECIPIENT}"] : null
  timeouts {{
    create = "10s"
  }}
  lifecycle {{
    replace_triggered_by = [terraform_data.trigger]
  }}
}}
"#
        );
        let mut workspace = bare_workspace(&configuration);
        for (name, value) in login(&atlas) {
            workspace.set_env(name, &value);
        }
        workspace.set_env("TF_LOG_PROVIDER", "TRACE");
        let log = workspace.path().join("provider.log").display().to_string();
        workspace.set_env("TF_LOG_PATH", &log);
        let fixture = Self { atlas, workspace };
        let unparsed: Vec<_> = names.iter().filter(|name| name.starts_with("unparsed")).collect();
        for name in &unparsed {
            fixture.atlas.control().add_fault(
                Fault::on(Endpoint::IssueCertificate).user(name).rewrite(Rewrite::ForeignKey),
            );
        }
        fixture.workspace.run(["apply", "-auto-approve", "-input=false", parallelism()]).failure();
        for name in &unparsed {
            fixture.workspace.run(["untaint", &address(name)]).success();
        }
        fixture
    }

    /// Applies with a failure for each instance, then without one.
    fn fails_and_recovers(mut self, options: &[String], variables: &[(&str, &str)]) {
        let before = self.objects();
        assert_eq!(before.len(), FORMS.len() * FAILURES.len());
        for (name, value) in variables {
            self.workspace.set_env(&format!("TF_VAR_{name}"), value);
        }
        self.add_faults(variables);

        let shown = diagnostics(&self.apply(options).failure());
        let after = self.objects();
        for (name, object) in &before {
            let error = error(&shown, name);
            assert!(
                error.contains("terraform untaint") && error.contains("is still the old one"),
                "{error:#?}"
            );
            let expected = Object { attributes: object.attributes.clone(), is_tainted: true };
            assert_eq!(after[name], expected, "{name}");
        }

        self.atlas.control().clear_requests();
        self.atlas.control().clear_faults();
        self.apply(&[]).success();
        let posts = self.atlas.control().requests_to(Endpoint::IssueCertificate).len();
        assert_eq!(posts, before.len(), "one certificate for each instance");
        let same_user = variables.iter().all(|(name, _)| *name == "trigger");
        for (name, object) in self.objects() {
            assert!(!object.is_tainted && object.attributes["issue_reason"] == "created", "{name}");
            let superseded =
                object.attributes["superseded_certificates"].as_array().expect("a list");
            let old = &before[&name].attributes["certificate_id"];
            let has_old =
                superseded.iter().any(|certificate| certificate["certificate_id"] == *old);
            assert_eq!(has_old, same_user && old.is_string(), "{name}: {superseded:?}");
        }
        assert!(self.workspace.plans_nothing());
        self.no_key_was_logged();
    }

    fn add_faults(&self, variables: &[(&str, &str)]) {
        let suffix =
            variables.iter().find(|(name, _)| *name == "suffix").map_or("", |(_, suffix)| suffix);
        for (failure, fault) in FAILURES {
            for form in FORMS {
                let user = format!("{form}-{failure}{suffix}");
                self.atlas
                    .control()
                    .add_fault(fault(Fault::on(Endpoint::IssueCertificate).user(&user)));
            }
        }
    }

    fn apply(&self, options: &[String]) -> tf_harness::cli::Output {
        let fixed = ["apply", "-auto-approve", "-input=false", "-json", parallelism()];
        self.workspace.run(fixed.into_iter().chain(options.iter().map(String::as_str)))
    }

    fn objects(&self) -> BTreeMap<String, Object> {
        objects(&self.workspace)
    }

    fn no_key_was_logged(&self) {
        let log = fs::read_to_string(self.workspace.path().join("provider.log")).expect("a log");
        for certificate in self.atlas.control().all_certificates() {
            let line = certificate.key_pem.lines().nth(3).expect("a key has many lines");
            assert!(!log.contains(line), "a key of {} was logged", certificate.user);
        }
    }
}

fn names() -> impl Iterator<Item = String> {
    FORMS
        .iter()
        .flat_map(|form| FAILURES.iter().map(move |(failure, _)| format!("{form}-{failure}")))
}

fn address(name: &str) -> String {
    format!("atlas_user_certificate.row[{name:?}]")
}

#[track_caller]
fn error<'a>(shown: &'a [CliDiagnostic], name: &str) -> &'a CliDiagnostic {
    let found: Vec<_> =
        shown.iter().filter(|shown| shown.is_error && shown.address == address(name)).collect();
    assert_eq!(found.len(), 1, "one error about {name:?}: {shown:#?}");
    found[0]
}

/// The instances in state, by key; the key is empty without `for_each`.
fn objects(workspace: &Workspace) -> BTreeMap<String, Object> {
    let state = workspace.state();
    let resources = state["resources"].as_array().cloned().unwrap_or_default();
    let instances = resources
        .into_iter()
        .filter(|resource| resource["type"] == "atlas_user_certificate")
        .flat_map(|resource| resource["instances"].as_array().cloned().unwrap_or_default());
    instances
        .map(|instance| {
            let key = instance["index_key"].as_str().unwrap_or_default().to_owned();
            let object = Object {
                attributes: instance["attributes"].clone(),
                is_tainted: instance["status"] == "tainted",
            };
            (key, object)
        })
        .collect()
}

#[test]
fn a_value_that_turns_out_invalid_after_the_delete_keeps_the_old_object() {
    let configuration = |window: &str| {
        format!(
            r#"
resource "terraform_data" "window" {{
  input = {window}
}}
resource "atlas_user_certificate" "app" {{
  project_id        = "{PROJECT}"
  username          = "app"
  renew_before_days = terraform_data.window.output
  lifecycle {{
    replace_triggered_by = [terraform_data.window]
  }}
}}
"#
        )
    };
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &configuration("10"));
    workspace.apply(&[]).success();
    for (window, summary) in
        [("300", "Renewal window too long"), ("400", "Invalid renew_before_days")]
    {
        let before = objects(&workspace);
        write_main(&workspace, &format!("provider \"atlas\" {{}}\n{}", configuration(window)));
        let shown = diagnostics(&workspace.run(["apply", "-auto-approve", "-json"]).failure());
        let error = shown.iter().find(|shown| shown.summary == summary);
        assert!(error.is_some_and(|error| error.contains("terraform untaint")), "{shown:#?}");
        let after = objects(&workspace);
        assert_eq!(after[""].attributes, before[""].attributes, "{window}");
        assert!(after[""].is_tainted);
        workspace.run(["untaint", "atlas_user_certificate.app"]).success();
    }
    assert_eq!(atlas.control().requests_to(Endpoint::IssueCertificate).len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_replacement_that_has_sent_nothing_keeps_the_old_object() {
    let configuration = format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n"
    );
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &configuration);
    workspace.apply(&[]).success();
    let before = objects(&workspace);
    let later = Answer::rate_limited(Some(RetryAfter::Seconds(300)));
    let paused = atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).pause(When::Before).refuse(later));
    let mut run = crate::support::cli_process::CliProcess::start(
        &workspace,
        &[
            "apply",
            "-auto-approve",
            "-no-color",
            "-input=false",
            "-replace=atlas_user_certificate.app",
        ],
    );
    paused.reached_blocking();
    run.interrupt();
    run.await_line("Interrupt received");
    paused.release();
    run.finish();
    let after = objects(&workspace);
    assert_eq!(after[""].attributes, before[""].attributes);
    assert!(after[""].is_tainted);
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn a_plain_destroy_holds_nothing_for_a_later_create() {
    let configuration = format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n"
    );
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &configuration);
    workspace.apply(&[]).success();
    // The old address is destroyed and another one for the same user is created in one apply.
    let moved = configuration.replace("\"app\" {", "\"other\" {");
    write_main(&workspace, &format!("provider \"atlas\" {{}}\n{moved}"));
    atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(Answer::api_error(
        400,
        "INVALID_ATTRIBUTE",
        "No.",
    )));
    workspace.run(["apply", "-auto-approve", "-parallelism=1"]).failure();
    assert!(objects(&workspace).is_empty());
}

#[test]
fn the_wrong_server_takes_no_key_out_of_state() {
    let right = atlas(&["app"]);
    let configuration = format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n"
    );
    let mut workspace = workspace(&right, &configuration);
    workspace.apply(&[]).success();
    let before = objects(&workspace);
    let wrong = atlas(&[]);
    wrong.control().remove_project(PROJECT);
    for (name, value) in login(&wrong) {
        workspace.set_env(name, &value);
    }
    workspace.apply(&[]).success();
    let mut expected = before[""].attributes.clone();
    expected["status"] = "project_missing".into();
    assert_eq!(objects(&workspace)[""], Object { attributes: expected, is_tainted: false });
    for (name, value) in login(&right) {
        workspace.set_env(name, &value);
    }
    workspace.apply(&[]).success();
    assert_eq!(objects(&workspace), before);
    assert_eq!(right.control().issued_count() + wrong.control().issued_count(), 1);
}
