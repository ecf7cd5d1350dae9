//! A replacement that fails keeps the old key. The real CLI decides here: it deletes, plans again and creates.

#![cfg_attr(not(unix), allow(unused_imports, reason = "some tests are for other systems"))]

use local_atlas::{Answer, Endpoint, Fault, RetryAfter, Rewrite, When, X509Type};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    diagnostics::CliDiagnostic,
    fixture::{Fixture, Object, TYPE, certificate},
    terraform::parallelism,
};

const OTHER_PROJECT: &str = "0123456789abcdef01234567";

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

/// In a test of its own: with this option, Terraform plans one or two of the replacements that triggers require.
#[test]
fn a_failed_replacement_by_an_option_keeps_every_old_object() {
    fails_and_recovers(&["option"]);
}

/// `user` and `project` stand for another value of that argument.
#[test]
fn a_failed_replacement_of_every_other_kind_keeps_every_old_object() {
    fails_and_recovers(&["tainted", "trigger", "user", "project"]);
}

/// One resource instance for each kind of replacement, form of the stored key, and failure.
fn fails_and_recovers(kinds: &[&str]) {
    let rows = rows(kinds);
    let mut t = all_forms(&rows);
    let before = t.objects();
    assert_eq!(before.len(), rows.len());
    set_tainted(&t, |name| name.starts_with("tainted"));
    t.set_var("changed", "true");
    for (name, fault) in rows {
        let user = if name.starts_with("user") { format!("{name}-new") } else { name };
        t.fault(fault(Fault::on(Endpoint::IssueCertificate).user(&user)));
    }
    let options = before.keys().filter(|name| name.starts_with("option"));
    let options: Vec<_> = options.map(|name| format!("-replace={}", address(name))).collect();
    let options = [parallelism()].into_iter().chain(options.iter().map(String::as_str));
    let shown = t.failed_apply(&options.collect::<Vec<_>>());
    let after = t.objects();
    for (name, object) in &before {
        let error = error(&shown, name);
        for words in ["terraform untaint", "The certificate in state is still the old one"] {
            assert!(error.contains(words), "{error:#?}");
        }
        assert_eq!(after[name], tainted(object), "{name}");
    }

    t.atlas.control().assert_all_faults_used();
    t.atlas.control().clear_requests();
    t.atlas.control().clear_faults();
    t.apply(&[]);
    assert_eq!(t.posts(), before.len(), "one certificate for each instance");
    for (name, Object { attributes, is_tainted }) in t.objects() {
        assert!(!is_tainted && attributes["issue_reason"] == "created", "{name}");
        let old = &before[&name].attributes["certificate_id"];
        let superseded = attributes["superseded_certificates"].as_array().expect("a list");
        let has_old = superseded.iter().any(|entry| entry["certificate_id"] == *old);
        let same_user = !name.starts_with("user") && !name.starts_with("project");
        assert_eq!(has_old, same_user && old.is_string(), "{name}: {superseded:?}");
    }
    assert!(t.plans_nothing());
    t.check_log("");
}

/// Every instance, with its key in its form.
fn all_forms(rows: &[(String, Failure)]) -> Fixture {
    let atlas = atlas(&[]);
    let names: Vec<_> = rows.iter().map(|(name, _)| name).collect();
    for name in &names {
        for (project, suffix) in [(PROJECT, ""), (PROJECT, "-new"), (OTHER_PROJECT, "")] {
            atlas.control().add_user(project, &format!("{name}{suffix}"), X509Type::Managed);
        }
    }
    let text = CONFIGURATION.replace("OTHER", OTHER_PROJECT).replace("PROJECT", PROJECT);
    let mut t = Fixture::over(atlas, &text.replace("NAMES", &format!("{names:?}")));
    t.log();
    for name in names.iter().filter(|name| name.contains("unparsed")) {
        let fault = Fault::on(Endpoint::IssueCertificate).user(name);
        t.fault(fault.rewrite(Rewrite::ForeignKey));
    }
    t.workspace.apply(&[parallelism()]).failure();
    set_tainted(&t, |_| false);
    t
}

/// Taints these instances and no others, as `terraform taint` and `untaint` do one at a time.
fn set_tainted(t: &Fixture, is_tainted: fn(&str) -> bool) {
    let mut state = t.workspace.state();
    let resources = state["resources"].as_array_mut().expect("resources").iter_mut();
    for resource in resources.filter(|resource| resource["type"] == TYPE) {
        for instance in resource["instances"].as_array_mut().expect("instances") {
            let status = is_tainted(instance["index_key"].as_str().unwrap()).then_some("tainted");
            instance["status"] = status.into();
        }
    }
    t.workspace.write("terraform.tfstate", &state.to_string()).expect("it is written");
}

fn rows(kinds: &[&str]) -> Vec<(String, Failure)> {
    let forms = kinds.iter().flat_map(|kind| FORMS.map(|form| format!("{kind}-{form}")));
    forms
        .flat_map(|form| FAILURES.map(|(failure, fault)| (format!("{form}-{failure}"), fault)))
        .collect()
}

fn address(name: &str) -> String {
    format!("atlas_user_certificate.row[{name:?}]")
}

#[track_caller]
fn error<'a>(shown: &'a [CliDiagnostic], name: &str) -> &'a CliDiagnostic {
    let mut errors = shown.iter().filter(|it| it.is_error && it.address == address(name));
    let (Some(only), None) = (errors.next(), errors.next()) else {
        panic!("not one error about {name:?}: {shown:#?}")
    };
    only
}

fn tainted(object: &Object) -> Object {
    Object { is_tainted: true, ..object.clone() }
}

#[test]
fn a_value_that_turns_out_invalid_after_the_delete_keeps_the_old_object() {
    let configuration = |window: &str| {
        let window = format!("resource \"terraform_data\" \"window\" {{\n  input = {window}\n}}\n");
        let replaced = "lifecycle {\n    replace_triggered_by = [terraform_data.window]\n  }";
        let arguments = format!("renew_before_days = terraform_data.window.output\n  {replaced}");
        window + &certificate(&arguments)
    };
    let t = Fixture::applied(&configuration("10"));
    for (window, summary) in
        [("300", "Renewal window too long"), ("400", "Invalid renew_before_days")]
    {
        let before = t.objects();
        t.set_config(&configuration(window));
        let shown = t.failed_apply(&[]);
        let error = shown.iter().find(|shown| shown.summary == summary);
        assert!(error.is_some_and(|error| error.contains("terraform untaint")), "{shown:#?}");
        assert_eq!(t.objects()[""], tainted(&before[""]), "{window}");
        t.workspace.run(["untaint", "atlas_user_certificate.app"]).success();
    }
    assert_eq!(t.posts(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_replacement_that_has_sent_nothing_keeps_the_old_object() {
    let t = Fixture::applied(&certificate(""));
    let before = t.objects();
    let later = Answer::rate_limited(Some(RetryAfter::Seconds(300)));
    let issuing = Fault::on(Endpoint::IssueCertificate);
    let paused = t.fault(issuing.pause(When::Before).refuse(later));
    let replace = ["apply", "-auto-approve", "-no-color", "-replace=atlas_user_certificate.app"];
    let mut run = crate::support::cli_process::CliProcess::start(&t.workspace, &replace);
    paused.reached_blocking();
    run.interrupt();
    run.await_line("Interrupt received");
    paused.release();
    run.finish();
    assert_eq!(t.objects()[""], tainted(&before[""]));
    assert_eq!(t.atlas.control().issued_count(), 1);
}

#[test]
fn a_plain_destroy_holds_nothing_for_a_later_create() {
    let t = Fixture::applied(&certificate(""));
    // The old address is destroyed and another one for the same user is created in one apply.
    t.set_config(&certificate("").replace("\"app\" {", "\"other\" {"));
    t.refuse_next_post();
    t.failed_apply(&["-parallelism=1"]);
    assert!(t.is_empty());
}

#[test]
fn the_wrong_server_takes_no_key_out_of_state() {
    let mut t = Fixture::applied(&certificate(""));
    let before = t.objects();
    let wrong = atlas(&[]);
    wrong.control().remove_project(PROJECT);
    let right = login(&t.atlas);
    for (environment, status) in [(login(&wrong), "project_missing"), (right, "active")] {
        t.set_envs(&environment);
        t.apply(&[]);
        let mut expected = before[""].clone();
        expected.attributes["status"] = status.into();
        assert_eq!(t.objects()[""], expected);
    }
    assert_eq!(t.posts() + wrong.control().issued_count(), 1);
}

const CONFIGURATION: &str = r#"
variable "changed" {
  default = false
}
resource "terraform_data" "trigger" {
  for_each = toset(NAMES)
  input    = var.changed && startswith(each.key, "trigger")
}
resource "atlas_user_certificate" "row" {
  for_each   = toset(NAMES)
  project_id = var.changed && startswith(each.key, "project") ? "OTHER" : "PROJECT"
  username   = var.changed && startswith(each.key, "user") ? "${each.key}-new" : each.key
  private_key_recipients = (strcontains(each.key, "sealed")
    ? ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"] : null)
  timeouts {
    create = endswith(each.key, "slow") ? "10s" : null
  }
  lifecycle {
    replace_triggered_by = [terraform_data.trigger[each.key]]
  }
}
"#;
