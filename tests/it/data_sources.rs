//! The data sources, through the real CLI.

use local_atlas::{Certificate, Endpoint, Fault, When, X509Type};
use serde_json::{Value as Json, json};

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate},
};

const ONE: &str = "atlas_user_certificate";
const ALL: &str = "atlas_user_certificates";

#[test]
fn a_lookup_that_finds_nothing_is_an_error_at_its_argument() {
    let t = Fixture::new("");
    for (kind, argument, title) in [
        (ONE, "", "No certificate"),
        (ONE, "certificate_id = \"0x1b\"", "Invalid certificate id"),
        (ONE, "certificate_id = \"12345\"", "Certificate not found"),
        (ALL, "expiring_within_days = -1", "Invalid expiring_within_days"),
    ] {
        t.set_config(&data(kind, argument));
        let printed = t.workspace.plan(&[]).failure().text();
        let line = if argument.is_empty() { "username = \"app\"" } else { argument };
        for text in [title, line] {
            assert!(printed.contains(text), "{text} is not in {printed}");
        }
        if argument.is_empty() {
            t.atlas.control().issue(PROJECT, "app", 1);
        }
    }
}

#[test]
fn unknown_arguments_are_looked_up_in_the_apply() {
    // The resource's id is unknown in the plan of its creation.
    let by_id = data(ONE, &format!("certificate_id = {ONE}.app.certificate_id"));
    let same = format!("data.{ONE}.app.serial_number == {ONE}.app.serial_number");
    let t = Fixture::new(&[certificate(""), by_id, output("same", &same)].concat());
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("data.atlas_user_certificate.app will be read during apply"), "{plan}");
    assert_eq!(t.count(Endpoint::ListCertificates), 0);
    t.workspace.apply(&[]).success();
    assert_eq!(t.workspace.state()["outputs"]["same"]["value"], true);
    assert!(t.plans_nothing());
}

#[test]
fn a_certificate_whose_response_was_lost_is_found_by_the_data_source() {
    let t = Fixture::new(&certificate(""));
    t.fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
    let printed = t.workspace.apply(&[]).failure().text();
    let lost = t.newest();
    assert!(printed.contains(&lost.id.to_string()), "{printed}");
    assert_eq!(t.posts(), 1);
    let found = output("found", &format!("data.{ONE}.app"));
    let all = output("all", &format!("data.{ALL}.app.certificates"));
    t.set_config(&[data(ONE, ""), data(ALL, ""), found, all].concat());
    t.workspace.apply(&[]).success();
    let outputs = &t.workspace.state()["outputs"];
    same(&outputs["found"]["value"], &lost);
    assert_eq!(outputs["all"]["value"].as_array().map(Vec::len), Some(1));
    same(&outputs["all"]["value"][0], &lost);
}

#[test]
fn an_inventory_of_250_users_reads_each_list_once_in_a_run() {
    let inventory = inventory() + &data(ONE, "").replace("\"app\"\n  \n", "\"user-3\"\n");
    let t = Fixture::of(&[], &inventory);
    let control = t.atlas.control();
    for number in 0..250 {
        control.add_user(PROJECT, &format!("user-{number}"), X509Type::Managed);
    }
    control.add_user_in(PROJECT, "admin", "password", X509Type::None);
    control.issue(PROJECT, "user-17", 2);
    control.issue(PROJECT, "user-3", 1);
    assert_eq!(planned_users(&t), json!(["user-3", "user-17"]), "sorted by expiry");
    assert_eq!((t.count(Endpoint::ListUsers), t.count(Endpoint::ListCertificates)), (1, 250));
}

fn planned_users(t: &Fixture) -> Json {
    t.workspace.plan(&["-out=it.tfplan"]).success();
    let shown = t.workspace.run(["show", "-json", "it.tfplan"]).success();
    let plan: Json = serde_json::from_str(&shown.stdout).expect("JSON");
    plan["planned_values"]["outputs"]["users"]["value"].clone()
}

#[track_caller]
fn same(found: &Json, certificate: &Certificate) {
    for (name, value) in [
        ("certificate_id", certificate.id.to_string()),
        ("serial_number", certificate.serial.clone()),
        ("subject", format!("CN={}", certificate.user)),
        ("not_before", certificate.created_at.to_string()),
        ("not_after", certificate.not_after.to_string()),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
}

fn data(kind: &str, more: &str) -> String {
    format!(
        "data {kind:?} \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  {more}\n}}\n"
    )
}

fn output(name: &str, value: &str) -> String {
    format!("output {name:?} {{\n  value = {value}\n}}\n")
}

/// The data source without a username.
fn inventory() -> String {
    let data = format!("data {ALL:?} \"all\" {{\n  project_id = {PROJECT:?}\n}}\n");
    data + &output("users", &format!("data.{ALL}.all.certificates[*].username"))
}
