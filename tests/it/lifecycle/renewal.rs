//! Renewal: in its window, in place, and never unasked.

use serde_json::{Value as Json, json};

use crate::support::fixture::{Fixture, certificate, changed, destroy_warnings, expect_warning};

const DAY: i64 = 24 * 60 * 60;
const CONSUMER: &str = "resource \"terraform_data\" \"consumer\" {\n  input = atlas_user_certificate.app.revision\n}\n";

#[test]
fn a_certificate_is_renewed_in_place_in_its_window_and_its_consumer_follows_in_the_same_apply() {
    let t = Fixture::applied(&(certificate("") + CONSUMER));
    let first = t.object();
    for _ in 0..2 {
        t.advance_days(25);
        assert!(t.plans_nothing(), "nothing is due");
        t.apply(&[]);
        assert_eq!(changed(&first, &t.object()), Vec::<String>::new());
    }
    assert_eq!(t.posts(), 1);

    t.advance_days(20);
    let plan = t.workspace.plan(&["-detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(2));
    let text = plan.text();
    assert!(text.contains("will be updated in-place") && text.contains("-> \"renewal\""), "{text}");
    assert!(text.contains("Plan: 0 to add, 2 to change, 0 to destroy"), "{text}");
    t.apply(&[]);
    let second = t.object();
    let superseded = |object: &Json| json!([{ "certificate_id": object["certificate_id"], "not_after": object["not_after"], "reason": "renewal" }]);
    let id = t.issued()[1].id.to_string();
    for (name, value) in [
        ("issue_reason", &json!("renewal")),
        ("replaces_certificate_id", &first["certificate_id"]),
        ("certificate_id", &json!(id)),
        ("superseded_certificates", &superseded(&first)),
        ("id", &first["id"]),
    ] {
        assert_eq!(second[name], *value, "{name}");
    }
    let consumer = t.workspace.instances("terraform_data").remove(0);
    assert_eq!(consumer["output"]["value"].to_string(), second["revision"].to_string());
    assert_ne!(second["revision"], first["revision"]);
    assert_eq!((t.log_in().expect("a login").certificate_id, t.posts()), (id, 2));
    assert!(t.plans_nothing());

    t.advance_days(65);
    t.apply(&[]);
    assert_eq!(t.posts(), 3);
    let only_the_second = superseded(&second);
    assert_eq!(t.object()["superseded_certificates"], only_the_second, "the first has expired");
    assert!(t.plans_nothing());
}

#[test]
fn auto_renew_false_warns_with_the_date_and_issues_nothing() {
    let t = Fixture::applied(&certificate("auto_renew = false"));
    let until = t.object()["not_after"].as_str().unwrap().to_owned();
    t.advance_days(70);
    let warning = expect_warning(&t.plan(&[]), "Certificate is due and auto_renew is false");
    assert!(warning.contains(&format!("expires on {until}")), "{warning:?}");
    t.apply(&[]);
    assert_eq!(t.object()["status"], "renewal_due");
    assert!(t.plans_nothing());
    t.advance_days(30);
    let warning = expect_warning(&t.apply(&[]), "Certificate has expired and auto_renew is false");
    assert!(warning.contains(&format!("expired on {until}")), "{warning:?}");
    assert_eq!(t.object()["status"], "expired");
    assert_eq!(t.posts(), 1);

    t.set_config(&certificate("auto_renew = true"));
    t.apply(&[]);
    assert_eq!((t.posts(), t.object()["issue_reason"].clone()), (2, json!("renewal")));
}

#[test]
fn an_expired_certificate_is_renewed_and_leaves_no_entry_behind() {
    let t = Fixture::applied(&certificate("months_until_expiration = 1"));
    let first = t.object();
    t.advance_days(40);
    assert!(t.log_in().is_none());
    expect_warning(&t.apply(&[]), "Certificate has expired");
    let second = t.object();
    assert_eq!(second["issue_reason"], "renewal");
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    assert_eq!(second["superseded_certificates"], json!([]));
    assert!(t.log_in().is_some());
    assert!(t.plans_nothing());
}

#[test]
fn months_and_triggers_issue_in_place_and_say_why() {
    let t = Fixture::applied(&certificate("rotate_when_changed = { image = \"1\" }"));
    t.set_config(&certificate(
        "months_until_expiration = 6\n  rotate_when_changed = { image = \"1\" }",
    ));
    t.apply(&[]);
    assert_eq!((t.posts(), t.object()["issue_reason"].clone()), (2, json!("validity_changed")));
    t.set_config(&certificate("rotate_when_changed = { image = \"2\" }"));
    t.apply(&[]);
    let third = t.object();
    assert_eq!((t.posts(), third["issue_reason"].clone()), (3, json!("trigger_changed")));
    assert_eq!(third["months_until_expiration"], 6, "omitted, it keeps the stored value");
    let reasons: Vec<_> = third["superseded_certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["reason"].clone())
        .collect();
    assert_eq!(reasons, ["validity_changed", "trigger_changed"]);
    t.set_config(&certificate(""));
    t.apply(&[]);
    assert_eq!(t.posts(), 3);
    assert!(t.plans_nothing());
}

#[test]
fn a_trigger_that_turns_out_the_same_ends_as_no_change() {
    let with = |trigger: &str, source: &str| {
        certificate(&format!("rotate_when_changed = {{ image = {trigger} }}"))
            + &format!(
                "resource \"terraform_data\" \"image\" {{\n  input = \"1\"\n  triggers_replace = {source:?}\n}}\n"
            )
    };
    let t = Fixture::applied(&with("\"1\"", "a"));
    t.set_config(&with("terraform_data.image.output", "b"));
    let before = t.object();
    let plan = t.workspace.plan(&[]).success().text();
    assert!(
        plan.contains("atlas_user_certificate.app will be updated in-place"),
        "undecided: {plan}"
    );
    t.apply(&[]);
    assert_eq!(changed(&before, &t.object()), Vec::<String>::new());
    assert_eq!(t.posts(), 1);
}

#[test]
fn a_plan_that_was_saved_before_midnight_means_the_same_after_it() {
    let t = Fixture::applied(&certificate(""));
    let due = t.issued()[0].not_after.as_second() - 20 * DAY;
    let midnight = jiff::Timestamp::from_second(due - due % DAY).unwrap();
    t.atlas.control().set_clock(midnight - jiff::SignedDuration::from_mins(1));
    t.workspace.plan(&["-out=due"]).success();
    t.atlas.control().set_clock(midnight + jiff::SignedDuration::from_mins(1));
    t.workspace.run(["apply", "-input=false", "due"]).success();
    assert_eq!((t.posts(), t.object()["issue_reason"].clone()), (2, json!("renewal")));

    let second = t.object();
    t.set_config(&certificate("auto_renew = true"));
    t.workspace.plan(&["-out=quiet"]).success();
    t.advance_days(70);
    t.workspace.run(["apply", "-input=false", "quiet"]).success();
    assert_eq!(
        changed(&second, &t.object()),
        ["auto_renew"],
        "the plan did not announce a certificate"
    );
    assert_eq!(t.posts(), 2);
    t.apply(&[]);
    assert_eq!(t.posts(), 3);
}

#[test]
fn without_a_refresh_a_plan_goes_by_what_the_last_one_found() {
    let t = Fixture::applied(&certificate(""));
    let first = t.object();
    t.advance_days(70);
    t.apply(&["-refresh=false"]);
    assert_eq!(changed(&first, &t.object()), Vec::<String>::new());

    t.apply(&["-refresh-only"]);
    assert_eq!(changed(&first, &t.object()), ["status"]);
    assert_eq!((t.object()["status"].clone(), t.posts()), (json!("renewal_due"), 1));
    t.apply(&["-refresh-only"]);

    t.apply(&["-refresh=false"]);
    assert_eq!((t.posts(), t.object()["issue_reason"].clone()), (2, json!("renewal")));
    assert!(t.plans_nothing());
}

#[test]
fn prevent_destroy_lets_a_certificate_be_renewed() {
    let t = Fixture::applied(&certificate("lifecycle {\n    prevent_destroy = true\n  }"));
    t.advance_days(70);
    let shown = t.apply(&[]);
    assert_eq!((t.posts(), destroy_warnings(&shown)), (2, 0));
    assert!(t.workspace.destroy(&[]).failure().text().contains("cannot be destroyed"));
    assert_eq!(t.object()["has_private_key"], true);
}
