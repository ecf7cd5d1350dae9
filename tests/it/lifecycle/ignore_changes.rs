//! `ignore_changes`: changes that the provider never sees, and renewals that it does not stop.

use serde_json::{Value as Json, json};

use crate::support::{
    age,
    fixture::{Fixture, certificate, changed},
    terraform::cli_has,
};

/// A certificate with these arguments, whose changes of the named ones are ignored.
fn ignoring(names: &str, arguments: &str) -> String {
    certificate(&format!("{arguments}\n  lifecycle {{\n    ignore_changes = {names}\n  }}"))
}

#[test]
fn ignored_changes_issue_nothing_and_renewal_goes_on() {
    let with = |months: u32, trigger: &str| {
        let trigger = format!("rotate_when_changed = {{ a = {trigger:?} }}");
        let arguments = format!("months_until_expiration = {months}\n  {trigger}");
        ignoring("[months_until_expiration, rotate_when_changed]", &arguments)
    };
    let t = Fixture::applied(&with(3, "1"));
    let first = t.object();
    t.set_config(&with(6, "2"));
    assert!(t.plans_nothing());
    t.advance_days(70);
    t.apply(&[]);
    let second = t.object();
    assert_eq!((t.posts(), &second["issue_reason"]), (2, &json!("renewal")));
    for name in ["months_until_expiration", "rotate_when_changed"] {
        assert_eq!(second[name], first[name], "{name}");
    }
    assert!(t.plans_nothing());
}

#[test]
fn ignoring_all_changes_stops_no_renewal_but_a_stored_auto_renew_does() {
    let t = Fixture::applied(&ignoring("all", ""));
    t.set_config(&ignoring("all", "auto_renew = false\n  months_until_expiration = 12"));
    assert!(t.plans_nothing());
    t.advance_days(70);
    t.apply(&[]);
    assert_eq!(t.posts(), 2, "false is not in state");
    assert_eq!(t.object()["months_until_expiration"], 3);

    t.set_config(&certificate("auto_renew = false"));
    t.apply(&[]);
    t.set_config(&ignoring("all", ""));
    t.advance_days(70);
    t.apply(&[]);
    assert_eq!(t.posts(), 2, "false is in state");
    assert_eq!(t.object()["status"], "renewal_due");
}

/// (first, later but ignored): a renewal stores the key in the form that the plan shows.
#[test]
fn ignored_recipients_are_those_of_the_plan_also_when_the_certificate_is_renewed() {
    let (mine, other) = (age::pair(), age::pair());
    let list = |pair: &age::Pair| format!("private_key_recipients = [{:?}]", pair.recipient);
    let none = String::new;
    for (first, later) in
        [(none(), list(&other)), (list(&mine), none()), (list(&mine), list(&other))]
    {
        let t = Fixture::applied(&certificate(&first));
        t.set_config(&ignoring("[private_key_recipients]", &later));
        assert!(t.plans_nothing());
        t.advance_days(80);
        t.apply(&[]);
        let renewed = t.object();
        assert_eq!((t.posts(), &renewed["issue_reason"]), (2, &json!("renewal")));
        let pem = t.newest().combined_pem();
        if first.is_empty() {
            assert_eq!(
                (&renewed["combined_pem"], &renewed["sealed_pem"]),
                (&json!(pem), &Json::Null)
            );
        } else {
            assert_eq!(renewed["combined_pem"], Json::Null);
            let sealed = renewed["sealed_pem"].as_str().expect("ciphertext");
            assert_eq!(age::open(sealed, &mine), Some(pem));
        }
        assert!(t.plans_nothing());
    }
}

#[test]
fn an_ignored_archive_is_neither_built_nor_removed() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let names = "[pkcs12_password_wo_version, pkcs12_profile]";
    let archived = |version: u32| {
        let password = "pkcs12_password_wo = \"secret\"\n  pkcs12_password_wo_version";
        ignoring(names, &format!("{password} = {version}"))
    };
    let t = Fixture::applied(&ignoring(names, ""));
    t.set_config(&archived(1));
    t.advance_days(70);
    t.apply(&[]);
    assert_eq!((t.posts(), &t.object()["pkcs12_base64"]), (2, &Json::Null));

    let t = Fixture::applied(&archived(1));
    let first = t.object();
    assert!(first["pkcs12_base64"].is_string());
    t.set_config(&archived(2));
    t.apply(&[]);
    assert_eq!(changed(&first, &t.object()), Vec::<String>::new());
}
