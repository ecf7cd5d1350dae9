//! What changes at Atlas without Terraform.

use local_atlas::{DeletedUsers, X509Type};
use serde_json::json;

use super::{Life, certificate, changed, failed, farewells, refused, warned};
use crate::support::atlas::PROJECT;

#[test]
fn a_certificate_that_atlas_lists_no_more_is_issued_anew_with_a_warning() {
    let life = Life::begun(&certificate(""));
    let first = life.object();
    assert!(life.atlas.control().unlist_certificate(life.issued()[0].id));
    let warning = warned(&life.plan(&[]), "Certificate is missing at Atlas").clone();
    assert!(
        warning.contains(first["not_after"].as_str().unwrap()),
        "{warning:?}"
    );
    life.apply(&[]);
    let second = life.object();
    assert_eq!(life.posts(), 2);
    assert_eq!(
        (&second["issue_reason"], &second["status"]),
        (&json!("missing"), &json!("active"))
    );
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    assert_eq!(
        second["superseded_certificates"][0]["certificate_id"], first["certificate_id"],
        "a copy may go on working"
    );
    assert!(life.workspace.plans_nothing());
}

#[test]
fn a_missing_certificate_is_left_alone_where_auto_renew_is_false() {
    let life = Life::begun(&certificate("auto_renew = false"));
    life.atlas.control().unlist_certificate(life.issued()[0].id);
    let warning = warned(
        &life.apply(&[]),
        "Certificate is missing at Atlas and auto_renew is false",
    )
    .clone();
    assert!(
        warning.contains("is not listed by Atlas any more"),
        "{warning:?}"
    );
    assert_eq!(
        (life.object()["status"].clone(), life.posts()),
        (json!("missing"), 1)
    );
}

#[test]
fn the_same_key_works_again_when_the_user_is_back() {
    for answer in [
        DeletedUsers::NotFound,
        DeletedUsers::EmptyList,
        DeletedUsers::Leftovers,
    ] {
        let life = Life::begun(&certificate(""));
        life.atlas
            .control()
            .configure(|settings| settings.deleted_users = answer);
        let first = life.object();
        life.atlas.control().remove_user(PROJECT, "app");
        let told = life.apply(&[]);
        if answer == DeletedUsers::Leftovers {
            // The list still shows the certificate: nothing tells that the user is gone.
            assert_eq!(changed(&first, &life.object()), Vec::<String>::new());
        } else {
            let warning = warned(&told, "Database user does not exist");
            assert!(
                warning.contains(first["not_after"].as_str().unwrap()),
                "{warning:?}"
            );
            assert_eq!(life.object()["status"], "user_missing");
            assert_eq!(changed(&first, &life.object()), ["status"]);
        }
        assert!(life.logs_in().is_none());

        life.atlas
            .control()
            .add_user(PROJECT, "app", X509Type::Managed);
        life.apply(&[]);
        assert_eq!(changed(&first, &life.object()), Vec::<String>::new());
        assert_eq!(
            life.logs_in().expect("the old key logs in").certificate_id,
            first["certificate_id"]
        );
        assert_eq!(life.posts(), 1);
    }
}

#[test]
fn an_explicit_change_is_planned_for_a_missing_user_who_may_return_in_the_same_apply() {
    let life = Life::begun(&certificate(""));
    let first = life.object();
    life.atlas.control().remove_user(PROJECT, "app");
    life.now(&certificate("months_until_expiration = 6"));
    life.workspace.plan(&["-out=change"]).success();
    let told = refused(life.workspace.run(["apply", "-json", "change"]));
    failed(&told, "Database user not found");
    assert_eq!(changed(&first, &life.object()), ["status"], "the key stays");

    life.workspace.plan(&["-out=change"]).success();
    life.atlas
        .control()
        .add_user(PROJECT, "app", X509Type::Managed);
    life.workspace
        .run(["apply", "-input=false", "change"])
        .success();
    let second = life.object();
    assert_eq!(second["issue_reason"], "validity_changed");
    assert_eq!(
        second["superseded_certificates"][0]["certificate_id"], first["certificate_id"],
        "it authenticates again"
    );
    assert!(life.workspace.plans_nothing());
}

#[test]
fn a_user_who_is_gone_past_the_expiry_gets_a_certificate_when_back() {
    let life = Life::begun(&certificate(""));
    life.atlas.control().remove_user(PROJECT, "app");
    life.days(100);
    life.apply(&[]);
    assert_eq!(
        (life.object()["status"].clone(), life.posts()),
        (json!("user_missing"), 1)
    );
    life.atlas
        .control()
        .add_user(PROJECT, "app", X509Type::Managed);
    life.apply(&[]);
    assert_eq!(
        (life.object()["issue_reason"].clone(), life.posts()),
        (json!("renewal"), 2)
    );
}

#[test]
fn with_its_project_an_object_is_removed_with_a_warning_and_with_nothing_else() {
    let life = Life::begun(&certificate(""));
    life.atlas.control().remove_project(PROJECT);
    let told = life.apply(&["-refresh-only"]);
    assert!(
        warned(&told, "Project does not exist any more").contains(PROJECT),
        "{told:?}"
    );
    assert_eq!(farewells(&told), 0);
    assert!(
        life.workspace
            .instances("atlas_user_certificate")
            .is_empty()
    );
}

#[test]
fn a_project_that_is_merely_out_of_reach_removes_nothing() {
    use local_atlas::{Answer, Endpoint, Fault};

    let life = Life::begun(&certificate(""));
    let first = life.object();
    for (status, code) in [
        (401, "NOT_IN_GROUP"),
        (403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"),
        (404, "RESOURCE_NOT_FOUND"),
        (404, "NOT_ATLAS_GROUP"),
    ] {
        let refusal = Answer::api_error(status, code, "No group with ID 404 exists");
        let fault = life.atlas.control().add_fault(
            Fault::on(Endpoint::ListCertificates)
                .refuse(refusal)
                .always(),
        );
        assert!(
            !refused(life.workspace.apply(&["-json"])).is_empty(),
            "{code}"
        );
        assert_eq!(
            changed(&first, &life.object()),
            Vec::<String>::new(),
            "{code}"
        );
        life.atlas.control().remove_fault(fault.id());
    }
    assert!(life.workspace.plans_nothing());
    assert_eq!(life.posts(), 1);
}
