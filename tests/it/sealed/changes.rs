//! When a key is sealed in place, when a new certificate is issued, and when nothing happens.

use serde_json::Value as Json;

use super::recipients;
use crate::support::{
    age::{self, Pair},
    atlas::PROJECT,
    fixture::{Fixture, certificate},
};

#[test]
fn a_key_in_state_is_sealed_in_place_with_a_warning_about_earlier_versions() {
    let mine = age::pair();
    let t = Fixture::applied(&certificate(""));
    let before = t.object();
    let plain = before["combined_pem"].as_str().expect("a key in state").to_owned();

    t.set_config(&certificate(&recipients(&[&mine])));
    let output = t.workspace.apply(&[]).success();
    let warning = output.text();
    assert!(warning.contains("Earlier state versions still hold the key"), "{warning}");
    let after = t.object();
    assert_eq!(after["combined_pem"], Json::Null);
    assert_eq!(after["certificate_id"], before["certificate_id"]);
    assert_eq!(after["revision"], before["revision"]);
    let sealed = after["sealed_pem"].as_str().expect("ciphertext");
    assert_eq!(age::open(sealed, &mine), Some(plain), "byte for byte what Atlas sent");
    assert_eq!(t.posts(), 1);
    assert!(t.plans_nothing());
}

#[test]
fn the_same_recipients_in_another_order_or_twice_change_nothing() {
    let (mine, other) = (age::pair(), age::pair());
    let t = Fixture::applied(&certificate(&recipients(&[&mine, &other])));
    let upper = Pair { recipient: mine.recipient.to_uppercase(), identity: String::new() };
    for again in [vec![&other, &mine], vec![&mine, &other, &mine], vec![&other, &upper]] {
        t.set_config(&certificate(&recipients(&again)));
        assert!(t.plans_nothing());
    }
    assert_eq!(t.posts(), 1);
    let sealed = t.object()["sealed_pem"].as_str().expect("ciphertext").to_owned();
    let combined = age::open(&sealed, &mine);
    assert!(combined.is_some() && combined == age::open(&sealed, &other), "each of them opens it");
}

#[test]
fn other_recipients_or_none_are_a_new_certificate_when_only_ciphertext_is_left() {
    let (mine, other) = (age::pair(), age::pair());
    let t = Fixture::applied(&certificate(&recipients(&[&mine])));
    let first = t.object();

    t.set_config(&certificate(&recipients(&[&other])));
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("recipients_changed") && plan.contains("1 to change"), "{plan}");
    t.workspace.apply(&[]).success();
    let second = t.object();
    assert_eq!(second["issue_reason"], "recipients_changed");
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    let sealed = second["sealed_pem"].as_str().expect("ciphertext");
    assert!(age::open(sealed, &mine).is_none() && age::open(sealed, &other).is_some());
    assert!(t.plans_nothing());

    t.set_config(&certificate(""));
    t.workspace.apply(&[]).success();
    let third = t.object();
    assert_eq!(third["issue_reason"], "recipients_changed");
    assert_eq!(third["sealed_pem"], Json::Null);
    let newest = t.atlas.control().certificates(PROJECT, "app").pop().expect("the third");
    assert_eq!(third["combined_pem"], newest.combined_pem());
    assert_eq!(third["superseded_certificates"].as_array().map(Vec::len), Some(2));
    assert_eq!(t.posts(), 3);
    assert!(t.plans_nothing());
}

#[test]
fn recipients_that_are_unknown_in_the_plan_are_settled_in_the_apply() {
    let mine = age::pair();
    let from = |source: &str, seed: &str| {
        let unknown = format!(
            "resource \"terraform_data\" \"who\" {{\n  input = {source}\n  triggers_replace = {seed:?}\n}}\n"
        );
        let sealed = certificate("private_key_recipients = terraform_data.who.output");
        format!("{unknown}{sealed}")
    };
    let list = format!("[{:?}]", mine.recipient);
    let t = Fixture::new("");
    t.set_config(&from(&list, "1"));
    t.workspace.apply(&[]).success();
    let first = t.object();
    assert_eq!(first["combined_pem"], Json::Null);
    assert!(age::open(first["sealed_pem"].as_str().expect("ciphertext"), &mine).is_some());

    // Unknown again, and the same in the end: the planned change turns out to be none.
    t.set_config(&from(&list, "2"));
    let plan = t.workspace.plan(&[]).success().text();
    assert!(
        plan.contains("known after apply")
            && plan.contains("atlas_user_certificate.app will be updated"),
        "{plan}"
    );
    t.workspace.apply(&[]).success();
    assert_eq!(t.object()["certificate_id"], first["certificate_id"]);
    assert_eq!(t.object()["sealed_pem"], first["sealed_pem"]);
    assert_eq!(t.posts(), 1);

    // Unknown, and other ones in the end.
    let other = age::pair();
    t.set_config(&from(&format!("[{:?}]", other.recipient), "3"));
    t.workspace.apply(&[]).success();
    let changed = t.object();
    assert_eq!(changed["issue_reason"], "recipients_changed");
    assert!(age::open(changed["sealed_pem"].as_str().expect("ciphertext"), &other).is_some());
    assert_eq!(t.posts(), 2);
    assert!(t.plans_nothing());
}

#[test]
fn recipients_given_to_an_imported_certificate_wait_for_the_next_issue() {
    let t = Fixture::new("");
    let mine = age::pair();
    t.atlas.control().issue(PROJECT, "app", 3);
    t.set_config(&certificate(""));
    let id = format!("{PROJECT}/app");
    t.workspace
        .run(["import", "-no-color", "-input=false", "atlas_user_certificate.app", &id])
        .success();
    t.set_config(&certificate(&recipients(&[&mine])));
    let output = t.workspace.apply(&[]).success().text();
    assert!(!output.contains("Earlier state versions"), "there never was a key: {output}");
    let imported = t.object();
    assert_eq!((&imported["combined_pem"], &imported["sealed_pem"]), (&Json::Null, &Json::Null));
    assert_eq!(imported["issue_reason"], "imported");
    assert_eq!(t.posts(), 0);
    assert!(t.plans_nothing());

    t.advance_days(80);
    t.workspace.apply(&[]).success();
    let renewed = t.object();
    assert_eq!(renewed["issue_reason"], "renewal");
    assert_eq!(renewed["combined_pem"], Json::Null);
    let sealed = renewed["sealed_pem"].as_str().expect("ciphertext");
    assert_eq!(age::open(sealed, &mine), Some(t.newest().combined_pem()));
}
