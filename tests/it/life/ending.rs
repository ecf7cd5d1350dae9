//! Replacing and destroying: what is lost, and what is said about it.

use local_atlas::{Answer, Endpoint, Fault, X509Type};
use serde_json::json;

use super::{Life, certificate, failed, farewells, refused, warned};
use crate::support::atlas::PROJECT;

const FIRST_CREATE: &str = "lifecycle {\n    create_before_destroy = true\n  }";

#[test]
fn destroying_says_once_which_certificate_stays_valid_and_until_when() {
    let life = Life::begun(&certificate(""));
    life.days(70);
    life.apply(&[]);
    let object = life.object();
    let told = life.destroy(&[]);
    assert_eq!(farewells(&told), 1);
    let warning = warned(&told, "Destroying does not revoke the certificate");
    for certificate in life.issued() {
        assert!(warning.contains(&certificate.id.to_string()), "{warning:?}");
    }
    assert!(
        warning.contains(object["not_after"].as_str().unwrap()),
        "{warning:?}"
    );
    assert!(
        warning.contains("delete the database user, and do not create one of the same name"),
        "{warning:?}"
    );
    assert!(
        life.workspace
            .instances("atlas_user_certificate")
            .is_empty()
    );
}

#[test]
fn destroying_needs_neither_the_user_nor_a_certificate_that_lives() {
    let life = Life::begun(&certificate(""));
    life.atlas.control().remove_user(PROJECT, "app");
    assert_eq!(
        farewells(&life.destroy(&[])),
        1,
        "it works again if the name is used again"
    );
    assert!(
        life.workspace
            .instances("atlas_user_certificate")
            .is_empty()
    );

    let life = Life::begun(&certificate("auto_renew = false"));
    life.days(100);
    life.apply(&[]);
    assert_eq!(farewells(&life.destroy(&[])), 0, "nothing goes on working");
    assert_eq!(life.posts(), 1);
}

#[test]
fn removing_the_resource_from_the_configuration_says_the_same() {
    let life = Life::begun(&certificate(""));
    life.now("");
    assert_eq!(farewells(&life.plan(&[])), 1);
    assert_eq!(farewells(&life.apply(&[])), 1);
}

#[test]
fn a_forced_replacement_says_it_once_while_it_is_applied() {
    let life = Life::begun(&certificate(""));
    let first = life.object();
    assert_eq!(
        farewells(&life.plan(&["-replace=atlas_user_certificate.app"])),
        0,
        "the provider is not told"
    );
    let told = life.apply(&["-replace=atlas_user_certificate.app"]);
    assert_eq!(farewells(&told), 1);
    assert!(
        warned(&told, "Destroying does not revoke the certificate")
            .contains(first["certificate_id"].as_str().unwrap())
    );
    let second = life.object();
    assert_eq!(
        (life.posts(), second["issue_reason"].clone()),
        (2, json!("created"))
    );
    assert_eq!(second["replaces_certificate_id"], json!(null));
    assert!(life.workspace.plans_nothing());
    assert_eq!(
        farewells(&life.destroy(&[])),
        1,
        "the mark of one destroy is not carried to the next"
    );
}

#[test]
fn a_tainted_object_says_it_once_while_it_is_replaced() {
    let life = Life::begun(&certificate(""));
    life.workspace
        .run(["taint", "atlas_user_certificate.app"])
        .success();
    assert_eq!(farewells(&life.apply(&[])), 1);
    assert_eq!(life.posts(), 2);
}

#[test]
fn a_replacement_by_another_user_says_it_once_in_the_plan() {
    let life = Life::begun(&certificate(""));
    life.atlas
        .control()
        .add_user(PROJECT, "other", X509Type::Managed);
    let first = life.object();
    life.now(&certificate("").replace("\"app\"\n  \n", "\"other\"\n"));
    assert_eq!(farewells(&life.plan(&["-out=replace"])), 1);
    let output = life.workspace.run(["apply", "-json", "replace"]).success();
    assert_eq!(farewells(&crate::support::told::told(&output)), 0);
    let second = life.object();
    assert_eq!(
        (&second["username"], &second["superseded_certificates"]),
        (&json!("other"), &json!([]))
    );
    assert_ne!(second["id"], first["id"]);
    assert!(life.workspace.plans_nothing());
}

#[test]
fn such_a_replacement_says_it_again_where_the_old_object_is_destroyed_last() {
    let life = Life::begun(&certificate(FIRST_CREATE));
    life.atlas
        .control()
        .add_user(PROJECT, "other", X509Type::Managed);
    life.now(&certificate(FIRST_CREATE).replace("\"app\"\n  l", "\"other\"\n  l"));
    assert_eq!(farewells(&life.plan(&["-out=replace"])), 1);
    // Core plans this destroy anew, without a word of what the first plan said.
    let output = life.workspace.run(["apply", "-json", "replace"]).success();
    assert_eq!(farewells(&crate::support::told::told(&output)), 1);
    assert_eq!(life.object()["username"], "other");
}

#[test]
fn created_before_the_old_one_goes_a_replacement_that_fails_keeps_the_key() {
    let life = Life::begun(&certificate(FIRST_CREATE));
    let first = life.object();
    let refusal = Answer::api_error(
        400,
        "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED",
        "the limit is reached",
    );
    life.atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).refuse(refusal));
    let told = refused(
        life.workspace
            .apply(&["-json", "-replace=atlas_user_certificate.app"]),
    );
    failed(&told, "Too many certificates for this user");
    assert_eq!(farewells(&told), 0, "nothing was destroyed");
    assert_eq!(life.object()["combined_pem"], first["combined_pem"]);
    assert!(life.logs_in().is_some());

    let told = life.apply(&["-replace=atlas_user_certificate.app"]);
    assert_eq!(farewells(&told), 1);
    assert_eq!(life.posts(), 3);
    assert!(life.workspace.plans_nothing());
}

#[test]
fn destroyed_before_the_new_one_comes_a_replacement_that_fails_leaves_nothing() {
    let life = Life::begun(&certificate(""));
    let refusal = Answer::api_error(
        400,
        "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED",
        "the limit is reached",
    );
    life.atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).refuse(refusal));
    let told = refused(
        life.workspace
            .apply(&["-json", "-replace=atlas_user_certificate.app"]),
    );
    assert_eq!(farewells(&told), 1);
    assert!(
        life.workspace
            .instances("atlas_user_certificate")
            .is_empty()
    );
}
