//! Lost answers beyond one row: several at once for one user, and a list that cannot be read either.

use std::collections::BTreeSet;

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, When};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    diagnostics::{CliDiagnostic, diagnostics},
    terraform::{bare_workspace, workspace},
};

#[test]
fn parallel_creates_for_one_user_never_blame_each_other() {
    let atlas = atlas(&["app"]);
    for nth in [3, 7] {
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).nth(nth).cut(When::After));
    }
    let workspace = workspace(&atlas, &certificates(12));
    let output = workspace.run(["apply", "-auto-approve", "-json", "-parallelism=20"]).failure();
    let shown = diagnostics(&output);

    let issued: BTreeSet<_> = atlas
        .control()
        .certificates(PROJECT, "app")
        .iter()
        .map(|issued| issued.id.to_string())
        .collect();
    let instances = workspace.instances("atlas_user_certificate");
    let held: BTreeSet<_> = instances
        .iter()
        .map(|object| object["certificate_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((issued.len(), held.len(), shown.len()), (12, 10, 2), "{shown:#?}");
    for error in &shown {
        assert_eq!(error.summary, "Certificate issued, but its private key was lost");
        // Which of the two is whose cannot be known, so both are named.
        for id in &issued {
            assert_eq!(error.contains(id), !held.contains(id), "{id}: {error:#?}");
        }
    }
}

#[test]
fn a_certificate_of_somebody_else_is_not_blamed_unless_it_was_issued_at_the_same_moment() {
    let atlas = atlas(&["app"]);
    let control = atlas.control();
    let now = control.now();
    control.set_clock(now - jiff::SignedDuration::from_mins(5));
    let older = control.issue(PROJECT, "app", 3).id.to_string();
    control.set_clock(now);
    control.add_fault(Fault::on(Endpoint::IssueCertificate).cut(When::Before));
    let error = failed(&atlas);
    assert_eq!(error.summary, "Certificate not issued", "{error:#?}");
    assert!(error.contains("none was issued") && !error.contains(&older), "{error:#?}");
}

#[test]
fn a_server_clock_that_is_off_by_days_changes_no_verdict() {
    for offset in [-72, 72] {
        let atlas = atlas(&["app"]);
        atlas.control().set_clock_offset(jiff::SignedDuration::from_hours(offset));
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
        let error = failed(&atlas);
        let issued = &atlas.control().certificates(PROJECT, "app")[0];
        assert_eq!(error.summary, "Certificate issued, but its private key was lost", "{error:#?}");
        assert!(error.contains(&issued.id.to_string()), "{error:#?}");
    }
}

#[test]
fn an_ambiguous_outcome_explains_how_to_check_it() {
    for (list, why) in [
        (
            Answer::api_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "Not allowed."),
            "IP_ADDRESS_NOT_ON_ACCESS_LIST",
        ),
        (Answer::server_error(500), "HTTP 500"),
    ] {
        let atlas = atlas(&["app"]);
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
        atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).always().refuse(list));
        let error = failed(&atlas);
        assert_eq!(error.summary, "Unknown whether a certificate was issued", "{error:#?}");
        for words in
            [why, "atlas_user_certificates", "The request was not retried", "the connection broke"]
        {
            assert!(error.contains(words), "{words}: {error:#?}");
        }
        assert_eq!(atlas.control().request_count(Endpoint::IssueCertificate), 1);
    }
}

/// The only error of a create.
fn failed(atlas: &LocalAtlas) -> CliDiagnostic {
    let mut workspace = bare_workspace(&format!(
        "provider \"atlas\" {{\n  max_retries = 1\n}}\n{}",
        certificates(1)
    ));
    for (name, value) in login(atlas) {
        workspace.set_env(name, &value);
    }
    let output = workspace.run(["apply", "-auto-approve", "-json"]).failure();
    assert!(workspace.instances("atlas_user_certificate").is_empty());
    let mut errors: Vec<_> =
        diagnostics(&output).into_iter().filter(|shown| shown.is_error).collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

fn certificates(count: usize) -> String {
    format!(
        r#"
resource "atlas_user_certificate" "app" {{
  count      = {count}
  project_id = "{PROJECT}"
  username   = "app"
}}
"#
    )
}
