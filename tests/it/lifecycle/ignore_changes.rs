//! `ignore_changes`: what the provider never sees, and what it does not stop.

use serde_json::{Value as Json, json};

use crate::support::{
    age,
    fixture::{Fixture, certificate, changed},
    terraform::cli_has,
};

#[test]
fn ignored_changes_issue_nothing_and_renewal_goes_on() {
    let hidden =
        "lifecycle {\n    ignore_changes = [months_until_expiration, rotate_when_changed]\n  }";
    let arguments = |months: u32, trigger: &str| {
        certificate(&format!(
            "months_until_expiration = {months}\n  rotate_when_changed = {{ a = {trigger:?} }}\n  {hidden}"
        ))
    };
    let t = Fixture::applied(&arguments(3, "1"));
    let first = t.object();
    t.set_config(&arguments(6, "2"));
    assert!(t.plans_nothing());
    t.advance_days(70);
    t.apply(&[]);
    let second = t.object();
    assert_eq!((t.posts(), second["issue_reason"].clone()), (2, json!("renewal")));
    assert_eq!(second["months_until_expiration"], 3, "months stay as they were");
    assert_eq!(second["rotate_when_changed"], first["rotate_when_changed"]);
    assert!(t.plans_nothing());
}

#[test]
fn ignoring_all_changes_stops_no_renewal_but_a_stored_auto_renew_does() {
    let all = "lifecycle {\n    ignore_changes = all\n  }";
    let t = Fixture::applied(&certificate(all));
    t.set_config(&certificate(&format!(
        "auto_renew = false\n  months_until_expiration = 12\n  {all}"
    )));
    assert!(t.plans_nothing());
    t.advance_days(70);
    t.apply(&[]);
    assert_eq!(t.posts(), 2, "false is not in state");
    assert_eq!(t.object()["months_until_expiration"], 3);

    t.set_config(&certificate("auto_renew = false"));
    t.apply(&[]);
    t.set_config(&certificate(all));
    t.advance_days(70);
    t.apply(&[]);
    assert_eq!(t.posts(), 2, "false is in state");
    assert_eq!(t.object()["status"], "renewal_due");
}

#[test]
fn a_certificate_that_is_issued_takes_the_planned_form_and_not_the_hidden_one() {
    let hidden = "lifecycle {\n    ignore_changes = [private_key_recipients]\n  }";
    let sealed = format!("private_key_recipients = [{:?}]\n  {hidden}", age::pair().recipient);
    let t = Fixture::applied(&certificate(hidden));
    t.set_config(&certificate(&sealed));
    assert!(t.plans_nothing());
    t.advance_days(70);
    t.apply(&[]);
    let second = t.object();
    assert_eq!((t.posts(), &second["sealed_pem"]), (2, &Json::Null));
    assert!(t.log_in().is_some());

    let t = Fixture::applied(&certificate(&sealed));
    t.set_config(&certificate(hidden));
    t.advance_days(70);
    t.apply(&[]);
    let second = t.object();
    assert_eq!(
        (t.posts(), &second["combined_pem"]),
        (2, &Json::Null),
        "what was sealed stays sealed"
    );
    assert!(second["sealed_pem"].as_str().is_some());
}

#[test]
fn a_hidden_archive_is_neither_made_nor_dropped() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let hidden =
        "lifecycle {\n    ignore_changes = [pkcs12_password_wo_version, pkcs12_profile]\n  }";
    let archived = |version: u32| {
        format!(
            "pkcs12_password_wo = \"secret\"\n  pkcs12_password_wo_version = {version}\n  {hidden}"
        )
    };
    let t = Fixture::applied(&certificate(hidden));
    t.set_config(&certificate(&archived(1)));
    t.advance_days(70);
    t.apply(&[]);
    assert_eq!((t.posts(), t.object()["pkcs12_base64"].clone()), (2, Json::Null));

    let t = Fixture::applied(&certificate(&archived(1)));
    let first = t.object();
    t.set_config(&certificate(&archived(2)));
    t.apply(&[]);
    assert_eq!(changed(&first, &t.object()), Vec::<String>::new());
    assert!(first["pkcs12_base64"].as_str().is_some());
}
