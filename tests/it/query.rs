//! `terraform query` with the list resource, and the configuration that it generates.

use std::time::Duration;

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, RetryAfter, X509Type};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::{version, workspace},
};

/// Whether the CLI has `query`.
fn has_query() -> bool {
    let has = version().has(14, u32::MAX);
    if !has {
        eprintln!("skipped: terraform query needs Terraform 1.14");
    }
    has
}

#[test]
fn no_one_and_250_users_are_found_up_to_the_limit() {
    if !has_query() {
        return;
    }
    let atlas = atlas(&["without-certificate"]);
    let control = atlas.control();
    assert_eq!(found(&query(&atlas, "", &[])), Vec::<Json>::new());
    control.issue(PROJECT, "without-certificate", 1);
    control.advance(Duration::from_secs(60));
    let newest = control.issue(PROJECT, "without-certificate", 2);
    let one = found(&query(&atlas, "", &[]));
    assert_eq!(one.len(), 1);
    assert_eq!(
        one[0]["identity"],
        serde_json::json!({ "project_id": PROJECT, "username": "without-certificate" })
    );
    let name = one[0]["display_name"].as_str().expect("a name");
    assert!(name.starts_with("without-certificate: 2 certificates, newest expires "), "{name}");
    assert!(one[0].get("resource_object").is_none());

    let object = found(&query(&atlas, "include_resource = true", &[]));
    let object = &object[0]["resource_object"];
    assert_eq!(object["certificate_id"], newest.id.to_string());
    assert_eq!(object["has_private_key"], false);
    assert_eq!(object["issue_reason"], "imported");

    for number in 0..250 {
        let user = format!("user/{number} @%");
        control.add_user(PROJECT, &user, X509Type::Managed);
        control.issue(PROJECT, &user, 1);
    }
    assert_eq!(found(&query(&atlas, "limit = 300", &[])).len(), 251);
    assert_eq!(found(&query(&atlas, "limit = 1", &[])).len(), 1);
    assert_eq!(found(&query(&atlas, "", &[])).len(), 100, "the default of Terraform");
    assert_eq!(control.request_count(Endpoint::IssueCertificate), 0);
}

#[test]
fn a_user_that_is_refused_is_a_warning_and_a_rate_limit_is_waited_for() {
    if !has_query() {
        return;
    }
    let atlas = atlas(&["app", "billing", "web"]);
    let control = atlas.control();
    for user in ["app", "billing", "web"] {
        control.issue(PROJECT, user, 1);
    }
    let list = |user: &str| Fault::on(Endpoint::ListCertificates).user(user);
    control.add_fault(
        list("billing").refuse(Answer::api_error(403, "USER_UNAUTHORIZED", "no")).always(),
    );
    control.add_fault(list("web").refuse(Answer::rate_limited(Some(RetryAfter::Seconds(1)))));
    let output = query(&atlas, "", &[]);
    let users: Vec<_> =
        found(&output).iter().map(|result| result["identity"]["username"].clone()).collect();
    assert_eq!(users, ["app", "web"]);
    let warning = diagnostics(&output, "warning");
    assert!(warning.contains("billing") && warning.contains("USER_UNAUTHORIZED"), "{warning}");

    let only = query(&atlas, "username = \"billing\"", &[]);
    assert!(diagnostics(&only, "error").contains("USER_UNAUTHORIZED"));
}

#[test]
fn the_generated_configuration_plans_nothing_after_the_import() {
    if !has_query() {
        return;
    }
    let atlas = atlas(&["app", "due-soon", "ä b/c%d+e@f"]);
    let control = atlas.control();
    control.issue(PROJECT, "due-soon", 1);
    control.advance(Duration::from_secs(25 * 24 * 60 * 60));
    control.issue(PROJECT, "app", 12);
    control.issue(PROJECT, "ä b/c%d+e@f", 3);
    let workspace = workspace(&atlas, "");
    write_query(&workspace, "");
    workspace.run(["query", "-generate-config-out=generated.tf", "-no-color"]).success();
    let generated =
        std::fs::read_to_string(workspace.path().join("generated.tf")).expect("it is written");
    assert_eq!(generated.matches("import {").count(), 3, "{generated}");
    let output = workspace.apply(&[]).success().text();
    // The change is auto_renew = false of the certificate that is due, in state only.
    assert!(output.contains("3 imported, 0 added, 1 changed, 0 destroyed"), "{output}");
    assert!(workspace.plans_nothing());
    assert_eq!(control.request_count(Endpoint::IssueCertificate), 0);
}

/// The JSON lines of `terraform query`. `arguments` of the list block are outside of `config`, but for `username`.
fn query(atlas: &LocalAtlas, argument: &str, more: &[&str]) -> Vec<Json> {
    let workspace = workspace(atlas, "");
    write_query(&workspace, argument);
    let output = workspace.run(["query", "-json"].iter().chain(more));
    let lines = output.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

fn write_query(workspace: &Workspace, argument: &str) {
    let (config, meta) =
        if argument.starts_with("username") { (argument, "") } else { ("", argument) };
    let block = format!(
        "list \"atlas_user_certificate\" \"all\" {{\n  provider = atlas\n  {meta}\n  config {{\n    project_id = {PROJECT:?}\n    {config}\n  }}\n}}\n"
    );
    workspace.write("all.tfquery.hcl", &block).expect("written");
}

fn found(lines: &[Json]) -> Vec<Json> {
    let results = lines.iter().filter(|line| line["type"] == "list_resource_found");
    results.map(|line| line["list_resource_found"].clone()).collect()
}

fn diagnostics(lines: &[Json], severity: &str) -> String {
    let found = lines.iter().filter(|line| line["diagnostic"]["severity"] == severity);
    found.map(|line| line["diagnostic"].to_string()).collect()
}
