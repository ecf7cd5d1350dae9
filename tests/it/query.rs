//! `terraform query` with the list resource, and the configuration that it generates.

use std::{fs, time::Duration};

use local_atlas::{Answer, Endpoint, Fault, RetryAfter, X509Type};
use serde_json::{Value as Json, json};

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, days},
    terraform::{skip, version},
};

/// Whether the CLI has `query`.
fn has_query() -> bool {
    let has = version().has(14, u32::MAX);
    if !has {
        skip("terraform query needs Terraform 1.14");
    }
    has
}

#[test]
fn no_one_and_250_users_are_found_up_to_the_limit() {
    if !has_query() {
        return;
    }
    let t = Fixture::of(&["without-certificate"], "");
    let control = t.atlas.control();
    assert_eq!(found(&query(&t, "", "")), Vec::<Json>::new());
    control.issue(PROJECT, "without-certificate", 1);
    control.advance(Duration::from_secs(60));
    let newest = control.issue(PROJECT, "without-certificate", 2);
    let one = found(&query(&t, "", ""));
    assert_eq!(one.len(), 1);
    let identity = json!({ "project_id": PROJECT, "username": "without-certificate" });
    assert_eq!(one[0]["identity"], identity);
    let name = one[0]["display_name"].as_str().expect("a name");
    assert!(name.starts_with("without-certificate: 2 certificates, newest expires "), "{name}");
    assert!(one[0].get("resource_object").is_none());

    let object = &found(&query(&t, "", "include_resource = true"))[0]["resource_object"];
    assert_eq!(object["certificate_id"], newest.id.to_string());
    assert_eq!(object["has_private_key"], false);
    assert_eq!(object["issue_reason"], "imported");

    for number in 0..250 {
        let user = format!("user/{number} @%");
        control.add_user(PROJECT, &user, X509Type::Managed);
        control.issue(PROJECT, &user, 1);
    }
    // The default limit of Terraform is 100.
    for (limit, count) in [("limit = 300", 251), ("limit = 1", 1), ("", 100)] {
        assert_eq!(found(&query(&t, "", limit)).len(), count, "{limit}");
    }
    assert_eq!(t.posts(), 0);
}

#[test]
fn a_user_that_is_refused_is_a_warning_and_a_rate_limit_is_waited_for() {
    if !has_query() {
        return;
    }
    let users = ["app", "billing", "web"];
    let t = Fixture::of(&users, "");
    for user in users {
        t.atlas.control().issue(PROJECT, user, 1);
    }
    let list = |user: &str| Fault::on(Endpoint::ListCertificates).user(user);
    let refusal = Answer::api_error(403, "USER_UNAUTHORIZED", "no");
    t.fault(list("billing").refuse(refusal).always());
    t.fault(list("web").refuse(Answer::rate_limited(Some(RetryAfter::Seconds(1)))));
    let output = query(&t, "", "");
    let users = found(&output).into_iter().map(|result| result["identity"]["username"].clone());
    assert_eq!(users.collect::<Vec<_>>(), ["app", "web"]);
    let warning = diagnostics(&output, "warning");
    assert!(warning.contains("billing") && warning.contains("USER_UNAUTHORIZED"), "{warning}");
    let only = query(&t, "username = \"billing\"", "");
    assert!(diagnostics(&only, "error").contains("USER_UNAUTHORIZED"));
}

#[test]
fn the_generated_configuration_plans_nothing_after_the_import() {
    if !has_query() {
        return;
    }
    let t = Fixture::of(&["app", "due-soon", "ä b/c%d+e@f"], "");
    let control = t.atlas.control();
    control.issue(PROJECT, "due-soon", 1);
    control.advance(days(25));
    control.issue(PROJECT, "app", 12);
    control.issue(PROJECT, "ä b/c%d+e@f", 3);
    write_query(&t, "", "");
    t.workspace.run(["query", "-generate-config-out=generated.tf", "-no-color"]).success();
    let generated = fs::read_to_string(t.workspace.path().join("generated.tf")).expect("a file");
    assert_eq!(generated.matches("import {").count(), 3, "{generated}");
    let output = t.workspace.apply(&[]).success().text();
    // The change is auto_renew = false of the certificate that is due, in state only.
    assert!(output.contains("3 imported, 0 added, 1 changed, 0 destroyed"), "{output}");
    assert!(t.plans_nothing());
    assert_eq!(t.posts(), 0);
}

/// The JSON lines of `terraform query`.
fn query(t: &Fixture, config: &str, argument: &str) -> Vec<Json> {
    write_query(t, config, argument);
    let output = t.workspace.run(["query", "-json"]);
    output.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A list block with an argument of its own, and one more inside of `config`.
fn write_query(t: &Fixture, config: &str, argument: &str) {
    let config = format!("config {{\n    project_id = {PROJECT:?}\n    {config}\n  }}");
    let list = "list \"atlas_user_certificate\" \"all\"";
    let block = format!("{list} {{\n  provider = atlas\n  {argument}\n  {config}\n}}\n");
    t.workspace.write("all.tfquery.hcl", &block).expect("written");
}

fn found(lines: &[Json]) -> Vec<Json> {
    let results = lines.iter().filter(|line| line["type"] == "list_resource_found");
    results.map(|line| line["list_resource_found"].clone()).collect()
}

fn diagnostics(lines: &[Json], severity: &str) -> String {
    let found = lines.iter().filter(|line| line["diagnostic"]["severity"] == severity);
    found.map(|line| line["diagnostic"].to_string()).collect()
}
