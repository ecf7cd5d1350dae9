//! What changes at Atlas without Terraform.

use local_atlas::{DeletedUsers, X509Type};
use serde_json::json;

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate, changed, destroy_warnings, expect_error, expect_warning},
};

#[test]
fn a_missing_certificate_is_issued_again_with_a_warning() {
    let t = Fixture::applied(&certificate(""));
    let first = t.object();
    t.advance_days(1);
    assert!(t.atlas.control().unlist_certificate(t.issued()[0].id));
    let warning = expect_warning(&t.plan(&[]), "Certificate is missing at Atlas");
    assert!(warning.contains(first["not_after"].as_str().unwrap()), "{warning:?}");
    t.apply(&[]);
    let second = t.object();
    assert_eq!(t.posts(), 2);
    assert_eq!((&second["issue_reason"], &second["status"]), (&json!("missing"), &json!("active")));
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    // A copy may go on working.
    assert_eq!(second["superseded_certificates"][0]["certificate_id"], first["certificate_id"]);
    assert!(t.plans_nothing());
}

#[test]
fn a_missing_certificate_is_kept_if_auto_renew_is_false() {
    let t = Fixture::applied(&certificate("auto_renew = false"));
    t.advance_days(1);
    t.atlas.control().unlist_certificate(t.issued()[0].id);
    let warning =
        expect_warning(&t.apply(&[]), "Certificate is missing at Atlas and auto_renew is false");
    assert!(warning.contains("is not listed by Atlas any more"), "{warning:?}");
    assert_eq!((t.object()["status"].clone(), t.posts()), (json!("missing"), 1));
}

#[test]
fn the_same_key_works_again_when_the_user_is_back() {
    for answer in [DeletedUsers::NotFound, DeletedUsers::EmptyList, DeletedUsers::Leftovers] {
        let t = Fixture::applied(&certificate(""));
        t.atlas.control().configure(|settings| settings.deleted_users = answer);
        let first = t.object();
        t.atlas.control().remove_user(PROJECT, "app");
        let shown = t.apply(&[]);
        if answer == DeletedUsers::Leftovers {
            // The list still shows the certificate: nothing tells that the user is gone.
            assert_eq!(changed(&first, &t.object()), Vec::<String>::new());
        } else {
            let warning = expect_warning(&shown, "Database user does not exist");
            assert!(warning.contains(first["not_after"].as_str().unwrap()), "{warning:?}");
            assert_eq!(t.object()["status"], "user_missing");
            assert_eq!(changed(&first, &t.object()), ["status"]);
        }
        assert!(t.log_in().is_none());

        t.atlas.control().add_user(PROJECT, "app", X509Type::Managed);
        t.apply(&[]);
        assert_eq!(changed(&first, &t.object()), Vec::<String>::new());
        assert_eq!(
            t.log_in().expect("the old key logs in").certificate_id,
            first["certificate_id"]
        );
        assert_eq!(t.posts(), 1);
    }
}

#[test]
fn an_explicit_change_is_planned_for_a_missing_user_who_may_return_in_the_same_apply() {
    let t = Fixture::applied(&certificate(""));
    let first = t.object();
    t.atlas.control().remove_user(PROJECT, "app");
    t.set_config(&certificate("months_until_expiration = 6"));
    t.workspace.plan(&["-out=change"]).success();
    let shown = t.failed_apply(&["change"]);
    expect_error(&shown, "Database user not found");
    assert_eq!(changed(&first, &t.object()), ["status"], "the key stays");

    t.workspace.plan(&["-out=change"]).success();
    t.atlas.control().add_user(PROJECT, "app", X509Type::Managed);
    t.workspace.run(["apply", "-input=false", "change"]).success();
    let second = t.object();
    assert_eq!(second["issue_reason"], "validity_changed");
    // It authenticates again.
    assert_eq!(second["superseded_certificates"][0]["certificate_id"], first["certificate_id"]);
    assert!(t.plans_nothing());
}

#[test]
fn an_unlisted_certificate_counts_as_active_within_ten_minutes_of_its_issue() {
    let t = Fixture::applied(&certificate(""));
    let control = t.atlas.control();
    control.unlist_certificate(t.issued()[0].id);
    control.advance(std::time::Duration::from_secs(9 * 60));
    assert!(t.plans_nothing());
    control.advance(std::time::Duration::from_secs(2 * 60));
    expect_warning(&t.plan(&[]), "Certificate is missing at Atlas");
    assert_eq!(t.posts(), 1);
}

#[test]
fn the_object_of_a_missing_project_stays_with_its_key_and_is_destroyed_on_request() {
    let t = Fixture::applied(&certificate(""));
    let first = t.object();
    t.atlas.control().remove_project(PROJECT);
    let shown = t.apply(&["-refresh-only"]);
    let warning = expect_warning(&shown, "Project does not exist");
    for text in [PROJECT, "base_url", "Nothing is removed"] {
        assert!(warning.contains(text), "{warning:?}");
    }
    assert_eq!(t.object()["status"], "project_missing");
    assert_eq!(changed(&first, &t.object()), ["status"]);
    expect_warning(&t.plan(&[]), "Project of the certificate does not exist");
    assert_eq!(t.posts(), 1);
    assert_eq!(destroy_warnings(&t.destroy(&[])), 1);
    assert!(t.is_empty());
}

#[test]
fn adding_a_trigger_warns_once_that_nothing_is_issued() {
    const SUMMARY: &str = "Adding rotate_when_changed issues nothing";
    let t = Fixture::applied(&certificate(""));
    t.set_config(&certificate("rotate_when_changed = { release = \"1\" }"));
    assert!(expect_warning(&t.apply(&[]), SUMMARY).contains("-replace"));
    assert!(t.plan(&[]).iter().all(|shown| shown.summary != SUMMARY));
    assert_eq!(t.posts(), 1);

    let t = Fixture::new(&certificate("rotate_when_changed = { release = \"1\" }"));
    assert!(t.apply(&[]).iter().all(|shown| shown.summary != SUMMARY), "not at create");
}
