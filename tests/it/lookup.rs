//! The data sources, through the real CLI.

use std::time::Duration;

use local_atlas::{Certificate, Endpoint, Fault, Login, Role, When};
use serde_json::Value as Json;
use tf_host::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::{workspace, write_main},
};

#[test]
fn a_plan_lists_the_certificates_of_users_with_none_one_and_two_pages_of_them() {
    let atlas = atlas(&["none", "one", "many"]);
    let one = atlas.control().issue(PROJECT, "one", 3);
    for number in 0..600 {
        atlas.control().issue(PROJECT, "many", 1 + number % 24);
    }
    let workspace = workspace(
        &atlas,
        &format!(
            "data \"atlas_user_certificates\" \"of\" {{\n  for_each = toset([\"none\", \"one\", \"many\"])\n  project_id = {PROJECT:?}\n  \
             username = each.key\n}}\noutput \"found\" {{\n  value = {{ for user, data in data.atlas_user_certificates.of : user => \
             data.certificates }}\n}}\n"
        ),
    );
    let found = planned_output(&workspace, "found");
    assert_eq!(found["none"], serde_json::json!([]));
    let only = &found["one"][0];
    assert_eq!(only["certificate_id"], one.id.to_string());
    assert_eq!(only["serial_number"], one.serial);
    assert_eq!(only["subject"], "CN=one");
    assert_eq!(only["not_before"], one.created_at.to_string());
    assert_eq!(only["not_after"], one.not_after.to_string());
    let many = found["many"].as_array().expect("a list");
    let mut wanted = atlas.control().certificates(PROJECT, "many");
    wanted.sort_by_key(|certificate| (certificate.not_after, certificate.id));
    assert_eq!(many.len(), 600);
    for (found, wanted) in many.iter().zip(&wanted) {
        assert_eq!(
            found["certificate_id"],
            wanted.id.to_string(),
            "sorted by expiry, then by id"
        );
    }
    let pages = atlas.control().requests_to(Endpoint::ListCertificates);
    assert_eq!(
        pages
            .iter()
            .filter(|request| request.user == "many")
            .count(),
        2
    );
    assert_eq!(pages.len(), 4);
}

#[test]
fn only_what_expires_within_the_days_is_listed_by_the_clock_of_atlas() {
    let atlas = atlas(&["app"]);
    let control = atlas.control();
    let long = control.issue(PROJECT, "app", 6);
    let short = control.issue(PROJECT, "app", 1);
    let configuration = |days: &str| {
        format!(
            "provider \"atlas\" {{}}\n{}output \"found\" {{\n  value = data.atlas_user_certificates.app.certificates[*].certificate_id\n}}\n",
            data(
                "atlas_user_certificates",
                &format!("expiring_within_days = {days}")
            )
        )
    };
    let workspace = workspace(&atlas, "");
    let found = |days: &str| {
        write_main(&workspace, &configuration(days));
        planned_output(&workspace, "found")
    };
    let (short, long) = (short.id.to_string(), long.id.to_string());
    assert_eq!(found("0"), serde_json::json!([]));
    assert_eq!(found("40"), serde_json::json!([short]));
    assert_eq!(found("null"), serde_json::json!([short, long]));
    control.advance(Duration::from_secs(100 * 24 * 60 * 60));
    assert_eq!(
        found("40"),
        serde_json::json!([]),
        "the short one has expired, the long one has 80 days left"
    );
    assert_eq!(found("100"), serde_json::json!([long]));
    for bad in ["-1", "1.5"] {
        write_main(&workspace, &configuration(bad));
        let said = workspace.run(["validate", "-no-color"]).failure().text();
        assert!(said.contains("Invalid expiring_within_days"), "{said}");
        assert!(
            said.contains(&format!("expiring_within_days = {bad}")),
            "it points there: {said}"
        );
    }
}

#[test]
fn the_newest_is_found_and_one_by_its_id_and_none_is_an_error_that_says_what_to_do() {
    let atlas = atlas(&["app", "none"]);
    let control = atlas.control();
    let long = control.issue(PROJECT, "app", 12);
    control.advance(Duration::from_secs(60));
    let newest = control.issue(PROJECT, "app", 1);
    let show = |more: &str| {
        format!(
            "provider \"atlas\" {{}}\n{}output \"found\" {{\n  value = data.atlas_user_certificate.app\n}}\n",
            data("atlas_user_certificate", more)
        )
    };
    let workspace = workspace(&atlas, &show("").replace("provider \"atlas\" {}\n", ""));
    let found = planned_output(&workspace, "found");
    same(&found, &newest);
    write_main(
        &workspace,
        &show(&format!("certificate_id = \"{}\"", long.id)),
    );
    same(&planned_output(&workspace, "found"), &long);

    write_main(&workspace, &show("certificate_id = \"12345\""));
    let said = workspace.plan(&[]).failure().text();
    assert!(
        said.contains("Certificate not found") && said.contains("unexpired certificates: 2"),
        "{said}"
    );
    assert!(
        said.contains("certificate_id = \"12345\""),
        "it points there: {said}"
    );

    write_main(&workspace, &show("").replace("\"app\"\n  \n", "\"none\"\n"));
    let said = workspace.plan(&[]).failure().text();
    assert!(
        said.contains("No certificate") && said.contains("Issue one with the resource"),
        "{said}"
    );
    assert!(
        said.contains("username = \"none\""),
        "it points there: {said}"
    );
}

#[test]
fn refreshes_and_data_sources_of_a_user_share_one_request() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &resource());
    workspace.apply(&[]).success();
    write_main(
        &workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}{}{}",
            resource(),
            data("atlas_user_certificate", ""),
            data("atlas_user_certificates", "")
        ),
    );
    atlas.control().clear_requests();
    assert!(workspace.plans_nothing());
    let lists = atlas.control().requests_to(Endpoint::ListCertificates);
    assert_eq!(lists.len(), 1, "{lists:#?}");
}

#[test]
fn reading_needs_no_more_than_project_read_only() {
    let atlas = atlas(&["app"]);
    let issued = atlas.control().issue(PROJECT, "app", 3);
    atlas
        .control()
        .set_role(Login::ServiceAccount, Role::ReadOnly);
    let both = format!(
        "{}{}output \"found\" {{\n  value = [data.atlas_user_certificate.app.certificate_id, \
         data.atlas_user_certificates.app.certificates[0].certificate_id]\n}}\n",
        data("atlas_user_certificate", ""),
        data("atlas_user_certificates", "")
    );
    let workspace = workspace(&atlas, &both);
    workspace.apply(&[]).success();
    let id = issued.id.to_string();
    assert_eq!(
        workspace.state()["outputs"]["found"]["value"],
        serde_json::json!([id, id])
    );
    atlas.control().set_role(Login::ServiceAccount, Role::None);
    workspace.plan(&[]).failure();
}

#[test]
fn what_is_not_known_yet_is_looked_up_in_the_apply() {
    let atlas = atlas(&["app"]);
    // The resource's id is unknown in the plan of its creation; the newest certificate is then the one just issued.
    let configuration = format!(
        "{}data \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  \
         certificate_id = atlas_user_certificate.app.certificate_id\n}}\n\
         output \"same\" {{\n  value = data.atlas_user_certificate.app.serial_number == atlas_user_certificate.app.serial_number\n}}\n",
        resource()
    );
    let workspace = workspace(&atlas, &configuration);
    let plan = workspace.plan(&[]).success().text();
    assert!(
        plan.contains("data.atlas_user_certificate.app will be read during apply"),
        "{plan}"
    );
    assert!(
        atlas
            .control()
            .requests_to(Endpoint::ListCertificates)
            .is_empty()
    );
    workspace.apply(&[]).success();
    assert_eq!(workspace.state()["outputs"]["same"]["value"], true);
    assert!(workspace.plans_nothing());
}

#[test]
fn an_unknown_provider_configuration_is_an_error_that_names_the_argument() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, "");
    write_main(
        &workspace,
        &format!(
            "resource \"terraform_data\" \"token\" {{\n  input = \"x\"\n}}\nprovider \"atlas\" {{\n  access_token = \
             terraform_data.token.output\n}}\n{}",
            data("atlas_user_certificates", "")
        ),
    );
    let said = workspace.plan(&[]).failure().text();
    assert!(
        said.contains("access_token") && said.contains("-target"),
        "{said}"
    );
}

#[test]
fn a_certificate_whose_answer_was_lost_is_found_by_the_data_source() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &resource());
    atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
    let said = workspace.apply(&[]).failure().text();
    let orphan = atlas
        .control()
        .certificates(PROJECT, "app")
        .pop()
        .expect("it was issued all the same");
    assert!(
        said.contains(&orphan.id.to_string()),
        "the error names it: {said}"
    );
    assert_eq!(
        atlas
            .control()
            .requests_to(Endpoint::IssueCertificate)
            .len(),
        1,
        "and it is not asked for again"
    );

    write_main(
        &workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}{}output \"found\" {{\n  value = data.atlas_user_certificate.app\n}}\noutput \"all\" {{\n  value = \
             data.atlas_user_certificates.app.certificates\n}}\n",
            data("atlas_user_certificate", ""),
            data("atlas_user_certificates", "")
        ),
    );
    workspace.apply(&[]).success();
    let outputs = &workspace.state()["outputs"];
    same(&outputs["found"]["value"], &orphan);
    assert_eq!(outputs["all"]["value"].as_array().map(Vec::len), Some(1));
    same(&outputs["all"]["value"][0], &orphan);
}

/// The value that an output has in a saved plan.
#[track_caller]
fn planned_output(workspace: &Workspace, name: &str) -> Json {
    workspace.plan(&["-out=it.tfplan"]).success();
    let shown = workspace.run(["show", "-json", "it.tfplan"]).success();
    let plan: Json = serde_json::from_str(&shown.stdout).expect("JSON");
    plan["planned_values"]["outputs"][name]["value"].clone()
}

#[track_caller]
fn same(found: &Json, certificate: &Certificate) {
    assert_eq!(found["certificate_id"], certificate.id.to_string());
    assert_eq!(found["serial_number"], certificate.serial);
    assert_eq!(found["subject"], format!("CN={}", certificate.user));
    assert_eq!(found["not_before"], certificate.created_at.to_string());
    assert_eq!(found["not_after"], certificate.not_after.to_string());
}

fn data(kind: &str, more: &str) -> String {
    format!(
        "data {kind:?} \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  {more}\n}}\n"
    )
}

fn resource() -> String {
    format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n"
    )
}
