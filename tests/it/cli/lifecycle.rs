//! One certificate from its first apply to its end.

use local_atlas::Endpoint;
use serde_json::json;

use super::{certificate, log_in, only, text};
use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::workspace,
};

#[test]
fn an_applied_certificate_logs_in_as_its_user_and_is_then_left_alone() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
    let plan = workspace.plan(&[]).success().text();
    assert!(
        plan.contains("1 to add, 0 to change, 0 to destroy"),
        "{plan}"
    );
    assert_eq!(atlas.control().issued_count(), 0, "a plan issues nothing");

    workspace.apply(&[]).success();
    let attributes = only(&workspace);
    let certificate = atlas.control().certificates(PROJECT, "app").remove(0);
    assert_eq!(
        text(&attributes, "combined_pem"),
        certificate.combined_pem()
    );
    assert_eq!(
        text(&attributes, "certificate_id"),
        certificate.id.to_string()
    );
    assert_eq!(text(&attributes, "serial_number"), certificate.serial);
    assert_eq!(text(&attributes, "id"), format!("{PROJECT}/app"));
    assert_eq!(
        text(&attributes, "not_after"),
        certificate.not_after.to_string()
    );
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
    let who = log_in(&atlas, &attributes).unwrap();
    assert_eq!((who.user.as_str(), who.project.as_str()), ("app", PROJECT));

    assert!(workspace.plans_nothing());
    let again = workspace.apply(&[]).success().text();
    assert!(again.contains("0 added, 0 changed, 0 destroyed"), "{again}");
    assert_eq!(only(&workspace), attributes);
    assert_eq!(
        atlas
            .control()
            .requests_to(Endpoint::IssueCertificate)
            .len(),
        1
    );
}
