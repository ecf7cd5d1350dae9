//! Renewal: in its window, in place, and never unasked.

use local_atlas::{Answer, Endpoint, Fault};
use serde_json::json;

use super::{Life, certificate, changed, failed, farewells, refused, warned};

const DAY: i64 = 24 * 60 * 60;
const CONSUMER: &str = "resource \"terraform_data\" \"consumer\" {\n  input = atlas_user_certificate.app.revision\n}\n";

#[test]
fn a_certificate_is_renewed_in_place_in_its_window_and_its_consumer_follows_in_the_same_apply() {
    let life = Life::begun(&(certificate("") + CONSUMER));
    let first = life.object();
    assert_eq!(first["status"], "active");
    assert_eq!(first["issue_reason"], "created");
    assert_eq!(first["months_until_expiration"], 3);
    assert_eq!(first["superseded_certificates"], json!([]));

    for _ in 0..2 {
        life.days(25);
        assert!(life.workspace.plans_nothing(), "nothing is due");
        life.apply(&[]);
        assert_eq!(changed(&first, &life.object()), Vec::<String>::new());
    }
    assert_eq!(life.posts(), 1);

    life.days(20);
    let plan = life.workspace.plan(&["-detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(2));
    let text = plan.text();
    assert!(
        text.contains("will be updated in-place") && text.contains("-> \"renewal\""),
        "{text}"
    );
    assert!(
        text.contains("Plan: 0 to add, 2 to change, 0 to destroy"),
        "{text}"
    );
    life.apply(&[]);
    let second = life.object();
    assert_eq!(life.posts(), 2);
    assert_eq!(second["issue_reason"], "renewal");
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    assert_eq!(second["certificate_id"], life.issued()[1].id.to_string());
    assert_eq!(
        second["superseded_certificates"],
        json!([{ "certificate_id": first["certificate_id"], "not_after": first["not_after"], "reason": "renewal" }])
    );
    assert_eq!(
        life.workspace.instances("terraform_data")[0]["output"]["value"].to_string(),
        second["revision"].to_string()
    );
    assert_ne!(second["revision"], first["revision"]);
    assert_eq!(second["id"], first["id"]);
    assert_eq!(
        life.logs_in().expect("the new key logs in").certificate_id,
        life.issued()[1].id.to_string()
    );
    assert!(life.workspace.plans_nothing());

    life.days(65);
    life.apply(&[]);
    let third = life.object();
    assert_eq!(life.posts(), 3);
    assert_eq!(
        third["superseded_certificates"],
        json!([{ "certificate_id": second["certificate_id"], "not_after": second["not_after"], "reason": "renewal" }]),
        "the first one has expired"
    );
    assert!(life.workspace.plans_nothing());
}

#[test]
fn auto_renew_false_warns_with_the_date_and_issues_nothing() {
    let life = Life::begun(&certificate("auto_renew = false"));
    let until = life.object()["not_after"].as_str().unwrap().to_owned();
    life.days(70);
    let warning = warned(
        &life.plan(&[]),
        "Certificate is due and auto_renew is false",
    )
    .clone();
    assert!(
        warning.contains(&format!("expires on {until}")),
        "{warning:?}"
    );
    life.apply(&[]);
    assert_eq!(life.object()["status"], "renewal_due");
    assert!(life.workspace.plans_nothing());
    life.days(30);
    let warning = warned(
        &life.apply(&[]),
        "Certificate has expired and auto_renew is false",
    )
    .clone();
    assert!(
        warning.contains(&format!("expired on {until}")),
        "{warning:?}"
    );
    assert_eq!(life.object()["status"], "expired");
    assert_eq!(life.posts(), 1);

    life.now(&certificate("auto_renew = true"));
    life.apply(&[]);
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("renewal"))
    );
}

#[test]
fn an_expired_certificate_is_renewed_and_leaves_no_entry_behind() {
    let life = Life::begun(&certificate("months_until_expiration = 1"));
    let first = life.object();
    life.days(40);
    assert!(life.logs_in().is_none());
    life.apply(&[]);
    let second = life.object();
    assert_eq!(second["issue_reason"], "renewal");
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    assert_eq!(second["superseded_certificates"], json!([]));
    assert!(life.logs_in().is_some());
    assert!(life.workspace.plans_nothing());
}

#[test]
fn months_and_triggers_issue_in_place_and_say_why() {
    let life = Life::begun(&certificate("rotate_when_changed = { image = \"1\" }"));
    life.now(&certificate(
        "months_until_expiration = 6\n  rotate_when_changed = { image = \"1\" }",
    ));
    life.apply(&[]);
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("validity_changed"))
    );
    life.now(&certificate("rotate_when_changed = { image = \"2\" }"));
    life.apply(&[]);
    let third = life.object();
    assert_eq!(
        (life.posts(), third["issue_reason"].clone()),
        (3, json!("trigger_changed"))
    );
    assert_eq!(
        third["months_until_expiration"], 6,
        "left out, it keeps what is stored"
    );
    let reasons: Vec<_> = third["superseded_certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["reason"].clone())
        .collect();
    assert_eq!(reasons, ["validity_changed", "trigger_changed"]);
    life.now(&certificate(""));
    life.apply(&[]);
    assert_eq!(life.posts(), 3);
    assert!(life.workspace.plans_nothing());
}

#[test]
fn a_trigger_that_turns_out_the_same_ends_as_no_change() {
    let with = |trigger: &str, source: &str| {
        certificate(&format!("rotate_when_changed = {{ image = {trigger} }}"))
            + &format!(
                "resource \"terraform_data\" \"image\" {{\n  input = \"1\"\n  triggers_replace = {source:?}\n}}\n"
            )
    };
    let life = Life::begun(&with("\"1\"", "a"));
    life.now(&with("terraform_data.image.output", "b"));
    let before = life.object();
    let plan = life.workspace.plan(&[]).success().text();
    assert!(
        plan.contains("atlas_user_certificate.app will be updated in-place"),
        "undecided: {plan}"
    );
    life.apply(&[]);
    assert_eq!(changed(&before, &life.object()), Vec::<String>::new());
    assert_eq!(life.posts(), 1);
}

#[test]
fn a_plan_that_was_saved_before_midnight_means_the_same_after_it() {
    let life = Life::begun(&certificate(""));
    let due = life.issued()[0].not_after.as_second() - 20 * DAY;
    let midnight = jiff::Timestamp::from_second(due - due % DAY).unwrap();
    life.atlas
        .control()
        .set_clock(midnight - jiff::SignedDuration::from_mins(1));
    life.workspace.plan(&["-out=due"]).success();
    life.atlas
        .control()
        .set_clock(midnight + jiff::SignedDuration::from_mins(1));
    life.workspace
        .run(["apply", "-input=false", "due"])
        .success();
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("renewal"))
    );

    let second = life.object();
    life.now(&certificate("auto_renew = true"));
    life.workspace.plan(&["-out=quiet"]).success();
    life.days(70);
    life.workspace
        .run(["apply", "-input=false", "quiet"])
        .success();
    assert_eq!(
        changed(&second, &life.object()),
        ["auto_renew"],
        "the plan did not announce a certificate"
    );
    assert_eq!(life.posts(), 2);
    life.apply(&[]);
    assert_eq!(life.posts(), 3);
}

#[test]
fn without_a_refresh_a_plan_goes_by_what_the_last_one_found() {
    let life = Life::begun(&certificate(""));
    let first = life.object();
    life.days(70);
    life.apply(&["-refresh=false"]);
    assert_eq!(changed(&first, &life.object()), Vec::<String>::new());

    life.apply(&["-refresh-only"]);
    assert_eq!(changed(&first, &life.object()), ["status"]);
    assert_eq!(
        (life.object()["status"].clone(), life.posts()),
        (json!("renewal_due"), 1)
    );
    life.apply(&["-refresh-only"]);

    life.apply(&["-refresh=false"]);
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("renewal"))
    );
    assert!(life.workspace.plans_nothing());
}

#[test]
fn prevent_destroy_lets_a_certificate_be_renewed() {
    let life = Life::begun(&certificate("lifecycle {\n    prevent_destroy = true\n  }"));
    life.days(70);
    let told = life.apply(&[]);
    assert_eq!((life.posts(), farewells(&told)), (2, 0));
    assert!(
        life.workspace
            .destroy(&[])
            .failure()
            .text()
            .contains("Instance cannot be destroyed")
    );
    assert_eq!(life.object()["has_private_key"], true);
}

#[test]
fn a_renewal_that_fails_keeps_the_certificate_and_its_key() {
    let life = Life::begun(&certificate(""));
    life.days(70);
    life.apply(&["-refresh-only"]);
    let before = life.object();
    let refusal = Answer::api_error(
        400,
        "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED",
        "the limit is reached",
    );
    life.atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).refuse(refusal));
    let told = refused(life.workspace.apply(&["-json"]));
    failed(&told, "Too many certificates for this user");
    assert_eq!(changed(&before, &life.object()), Vec::<String>::new());
    assert!(life.logs_in().is_some());
    life.apply(&[]);
    assert_eq!(
        life.object()["replaces_certificate_id"],
        before["certificate_id"]
    );
    assert!(life.workspace.plans_nothing());
}
