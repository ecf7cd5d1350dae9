//! The data sources, through the real CLI.

use local_atlas::{Certificate, Endpoint, Fault, Login, Role, When};
use serde_json::Value as Json;

use crate::support::{atlas::PROJECT, fixture::Fixture, terraform::write_main};

#[test]
fn a_lookup_that_finds_nothing_is_an_error_at_its_argument() {
    let t = Fixture::new("");
    for (kind, arguments, line, summary) in [
        ("atlas_user_certificate", "", "username = \"app\"", "No certificate"),
        (
            "atlas_user_certificate",
            "certificate_id = \"12345\"",
            "certificate_id = \"12345\"",
            "Certificate not found",
        ),
        (
            "atlas_user_certificates",
            "expiring_within_days = -1",
            "expiring_within_days = -1",
            "Invalid expiring_within_days",
        ),
    ] {
        if arguments.starts_with("certificate_id") {
            t.atlas.control().issue(PROJECT, "app", 1);
        }
        let block = format!("provider \"atlas\" {{}}\n{}", data(kind, arguments));
        write_main(&t.workspace, &block);
        let printed = t.workspace.plan(&[]).failure().text();
        assert!(printed.contains(summary), "{summary} is not in {printed}");
        assert!(printed.contains(line), "{line} is not in {printed}");
    }
}

#[test]
fn refreshes_and_data_sources_of_a_user_share_one_request() {
    let t = Fixture::applied(&resource());
    write_main(
        &t.workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}{}{}",
            resource(),
            data("atlas_user_certificate", ""),
            data("atlas_user_certificates", "")
        ),
    );
    t.atlas.control().clear_requests();
    assert!(t.plans_nothing());
    let lists = t.atlas.control().requests_to(Endpoint::ListCertificates);
    assert_eq!(lists.len(), 1, "{lists:#?}");
}

#[test]
fn reading_needs_no_more_than_project_read_only() {
    let t = Fixture::new("");
    let issued = t.atlas.control().issue(PROJECT, "app", 3);
    t.atlas.control().set_role(Login::ServiceAccount, Role::ReadOnly);
    let both = format!(
        "{}{}output \"found\" {{\n  value = [data.atlas_user_certificate.app.certificate_id, \
         data.atlas_user_certificates.app.certificates[0].certificate_id]\n}}\n",
        data("atlas_user_certificate", ""),
        data("atlas_user_certificates", "")
    );
    t.set_config(&both);
    t.workspace.apply(&[]).success();
    let id = issued.id.to_string();
    assert_eq!(t.workspace.state()["outputs"]["found"]["value"], serde_json::json!([id, id]));
    t.atlas.control().set_role(Login::ServiceAccount, Role::None);
    t.workspace.plan(&[]).failure();
}

#[test]
fn unknown_arguments_are_looked_up_in_the_apply() {
    // The resource's id is unknown in the plan of its creation; the newest certificate is then the one just issued.
    let configuration = format!(
        "{}data \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  \
         certificate_id = atlas_user_certificate.app.certificate_id\n}}\n\
         output \"same\" {{\n  value = data.atlas_user_certificate.app.serial_number == atlas_user_certificate.app.serial_number\n}}\n",
        resource()
    );
    let t = Fixture::new(&configuration);
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("data.atlas_user_certificate.app will be read during apply"), "{plan}");
    assert!(t.atlas.control().requests_to(Endpoint::ListCertificates).is_empty());
    t.workspace.apply(&[]).success();
    assert_eq!(t.workspace.state()["outputs"]["same"]["value"], true);
    assert!(t.plans_nothing());
}

#[test]
fn an_unknown_provider_configuration_is_an_error_that_names_the_argument() {
    let t = Fixture::new("");
    write_main(
        &t.workspace,
        &format!(
            "resource \"terraform_data\" \"token\" {{\n  input = \"x\"\n}}\nprovider \"atlas\" {{\n  access_token = \
             terraform_data.token.output\n}}\n{}",
            data("atlas_user_certificates", "")
        ),
    );
    let said = t.workspace.plan(&[]).failure().text();
    assert!(said.contains("access_token") && said.contains("-target"), "{said}");
}

#[test]
fn a_certificate_whose_answer_was_lost_is_found_by_the_data_source() {
    let t = Fixture::new(&resource());
    t.atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
    let said = t.workspace.apply(&[]).failure().text();
    let orphan = t.atlas.control().certificates(PROJECT, "app").pop().expect("it was issued");
    assert!(said.contains(&orphan.id.to_string()), "the error names it: {said}");
    assert_eq!(t.posts(), 1, "and it is not asked for again");

    write_main(
        &t.workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}{}output \"found\" {{\n  value = data.atlas_user_certificate.app\n}}\noutput \"all\" {{\n  value = \
             data.atlas_user_certificates.app.certificates\n}}\n",
            data("atlas_user_certificate", ""),
            data("atlas_user_certificates", "")
        ),
    );
    t.workspace.apply(&[]).success();
    let outputs = &t.workspace.state()["outputs"];
    same(&outputs["found"]["value"], &orphan);
    assert_eq!(outputs["all"]["value"].as_array().map(Vec::len), Some(1));
    same(&outputs["all"]["value"][0], &orphan);
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
