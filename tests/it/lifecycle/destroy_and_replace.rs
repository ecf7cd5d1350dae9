//! Replacing and destroying: what is lost, and what is said about it.

use local_atlas::X509Type;
use serde_json::json;

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate, destroy_warnings, expect_error, expect_warning},
};

const FIRST_CREATE: &str = "lifecycle {\n    create_before_destroy = true\n  }";

#[test]
fn destroy_warns_once_with_the_certificates_that_stay_valid() {
    let t = Fixture::applied(&certificate(""));
    t.advance_days(70);
    t.apply(&[]);
    let object = t.object();
    let shown = t.destroy(&[]);
    assert_eq!(destroy_warnings(&shown), 1);
    let warning = expect_warning(&shown, "Destroying does not revoke the certificate");
    for certificate in t.issued() {
        assert!(warning.contains(&certificate.id.to_string()), "{warning:?}");
    }
    assert!(warning.contains(object["not_after"].as_str().unwrap()), "{warning:?}");
    assert!(
        warning.contains("delete the database user, and do not create one of the same name"),
        "{warning:?}"
    );
    assert!(t.is_empty());
}

#[test]
fn destroy_needs_neither_the_user_nor_a_valid_certificate() {
    let t = Fixture::applied(&certificate(""));
    t.atlas.control().remove_user(PROJECT, "app");
    assert_eq!(destroy_warnings(&t.destroy(&[])), 1, "it works again if the name is used again");
    assert!(t.is_empty());

    let t = Fixture::applied(&certificate("auto_renew = false"));
    t.advance_days(100);
    t.apply(&[]);
    assert_eq!(destroy_warnings(&t.destroy(&[])), 0, "nothing goes on working");
    assert_eq!(t.posts(), 1);
}

#[test]
fn removing_the_resource_from_the_configuration_warns_once() {
    let t = Fixture::applied(&certificate(""));
    t.set_config("");
    assert_eq!(destroy_warnings(&t.plan(&[])), 1);
    assert_eq!(destroy_warnings(&t.apply(&[])), 1);
}

#[test]
fn forced_replacement_warns_once_on_apply() {
    let t = Fixture::applied(&certificate(""));
    let first = t.object();
    assert_eq!(
        destroy_warnings(&t.plan(&["-replace=atlas_user_certificate.app"])),
        0,
        "the provider is not shown"
    );
    let shown = t.apply(&["-replace=atlas_user_certificate.app"]);
    assert_eq!(destroy_warnings(&shown), 1);
    assert!(
        expect_warning(&shown, "Destroying does not revoke the certificate")
            .contains(first["certificate_id"].as_str().unwrap())
    );
    let second = t.object();
    assert_eq!((t.posts(), second["issue_reason"].clone()), (2, json!("created")));
    assert_eq!(second["replaces_certificate_id"], json!(null));
    assert!(t.plans_nothing());
    assert_eq!(
        destroy_warnings(&t.destroy(&[])),
        1,
        "the mark of one destroy is not carried to the next"
    );
}

#[test]
fn replacement_by_another_user_warns_once_in_the_plan() {
    let t = Fixture::applied(&certificate(""));
    t.atlas.control().add_user(PROJECT, "other", X509Type::Managed);
    let first = t.object();
    t.set_config(&certificate("").replace("\"app\"\n  \n", "\"other\"\n"));
    assert_eq!(destroy_warnings(&t.plan(&["-out=replace"])), 1);
    assert_eq!(destroy_warnings(&t.apply(&["replace"])), 0);
    let second = t.object();
    assert_eq!(
        (&second["username"], &second["superseded_certificates"]),
        (&json!("other"), &json!([]))
    );
    assert_ne!(second["id"], first["id"]);
    assert!(t.plans_nothing());
}

#[test]
fn create_before_destroy_replacement_warns_again_on_apply() {
    let t = Fixture::applied(&certificate(FIRST_CREATE));
    t.atlas.control().add_user(PROJECT, "other", X509Type::Managed);
    t.set_config(&certificate(FIRST_CREATE).replace("\"app\"\n  l", "\"other\"\n  l"));
    assert_eq!(destroy_warnings(&t.plan(&["-out=replace"])), 1);
    // Core plans this destroy again, without the private data of the first plan.
    assert_eq!(destroy_warnings(&t.apply(&["replace"])), 1);
    assert_eq!(t.object()["username"], "other");
}

#[test]
fn failed_create_before_destroy_replacement_keeps_the_key() {
    let t = Fixture::applied(&certificate(FIRST_CREATE));
    let first = t.object();
    t.refuse_next_post();
    let shown = t.failed_apply(&["-replace=atlas_user_certificate.app"]);
    expect_error(&shown, "Too many certificates for this user");
    assert_eq!(destroy_warnings(&shown), 0, "nothing was destroyed");
    assert_eq!(t.object()["combined_pem"], first["combined_pem"]);
    assert!(t.log_in().is_some());

    let shown = t.apply(&["-replace=atlas_user_certificate.app"]);
    assert_eq!(destroy_warnings(&shown), 1);
    assert_eq!(t.posts(), 3);
    assert!(t.plans_nothing());
}
