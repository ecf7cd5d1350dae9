//! One certificate from its first apply to its end.

use serde_json::json;

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate, log_in},
};

#[test]
fn an_applied_certificate_logs_in_as_its_user_and_is_then_left_alone() {
    let t = Fixture::new(&certificate(""));
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("1 to add, 0 to change, 0 to destroy"), "{plan}");
    assert_eq!(t.atlas.control().issued_count(), 0, "a plan issues nothing");

    t.workspace.apply(&[]).success();
    let attributes = t.object();
    let certificate = t.atlas.control().certificates(PROJECT, "app").remove(0);
    assert_eq!(attributes["combined_pem"].as_str().unwrap(), certificate.combined_pem());
    assert_eq!(attributes["certificate_id"].as_str().unwrap(), certificate.id.to_string());
    assert_eq!(attributes["serial_number"].as_str().unwrap(), certificate.serial);
    assert_eq!(attributes["id"].as_str().unwrap(), format!("{PROJECT}/app"));
    assert_eq!(attributes["not_after"].as_str().unwrap(), certificate.not_after.to_string());
    for (name, value) in [
        ("months_until_expiration", json!(3)),
        ("status", json!("active")),
        ("has_private_key", json!(true)),
        ("issue_reason", json!("created")),
        ("replaces_certificate_id", json!(null)),
        ("superseded_certificates", json!([])),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
    let who = log_in(&t.atlas, &attributes).unwrap();
    assert_eq!((who.user.as_str(), who.project.as_str()), ("app", PROJECT));

    assert!(t.plans_nothing());
    let again = t.workspace.apply(&[]).success().text();
    assert!(again.contains("0 added, 0 changed, 0 destroyed"), "{again}");
    assert_eq!(t.object(), attributes);
    assert_eq!(t.posts(), 1);
}
