//! One certificate from its first apply to its end.

use local_atlas::{DeletedUsers, Endpoint, X509Type};
use serde_json::json;

use super::{certificate, log_in, only, text};
use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::{workspace, write_main},
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

#[test]
fn the_private_key_is_never_printed() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
    let printed = [
        workspace.plan(&[]).success().text(),
        workspace.apply(&[]).success().text(),
        workspace.run(["show", "-no-color"]).success().text(),
        workspace.destroy(&[]).success().text(),
    ];
    for text in printed {
        assert!(
            text.contains("combined_pem = (sensitive value)") || !text.contains("combined_pem"),
            "{text}"
        );
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
}

#[test]
fn another_username_replaces_the_certificate_and_says_that_the_old_one_stays_valid() {
    let atlas = atlas(&["one", "two"]);
    let workspace = workspace(&atlas, &certificate("it", "  username = \"one\""));
    workspace.apply(&[]).success();
    let before = only(&workspace);

    write_main(
        &workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}",
            certificate("it", "  username = \"two\"")
        ),
    );
    let plan = workspace.plan(&["-out=replace.tfplan"]).success().text();
    for words in [
        "must be replaced",
        "# forces replacement",
        "Destroying does not revoke the certificate",
        text(&before, "certificate_id"),
        text(&before, "not_after"),
    ] {
        assert!(plan.contains(words), "{words} is not in: {plan}");
    }
    let apply = workspace.apply(&["replace.tfplan"]).success().text();
    assert!(!apply.contains("does not revoke"), "told once: {apply}");

    let after = only(&workspace);
    assert_eq!(log_in(&atlas, &after).unwrap().user, "two");
    assert_eq!(log_in(&atlas, &before).unwrap().user, "one");
    assert_eq!(
        after["superseded_certificates"],
        json!([]),
        "another user's certificate is not ours any more"
    );
    assert!(workspace.plans_nothing());
}

#[test]
fn a_replacement_that_the_user_asks_for_warns_when_it_is_applied() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
    workspace.apply(&[]).success();
    let before = only(&workspace);
    let apply = workspace
        .apply(&["-replace=atlas_user_certificate.app"])
        .success()
        .text();
    assert!(
        apply.contains("Destroying does not revoke the certificate"),
        "{apply}"
    );
    assert!(apply.contains(text(&before, "certificate_id")), "{apply}");
    assert_ne!(only(&workspace)["certificate_id"], before["certificate_id"]);
    assert!(workspace.plans_nothing());
}

#[test]
fn another_validity_issues_anew_in_place_and_keeps_account_of_the_old_one() {
    let atlas = atlas(&["app"]);
    let block = |months: u32| {
        certificate(
            "app",
            &format!("  username = \"app\"\n  months_until_expiration = {months}"),
        )
    };
    let workspace = workspace(&atlas, &block(3));
    workspace.apply(&[]).success();
    let before = only(&workspace);

    write_main(
        &workspace,
        &format!("provider \"atlas\" {{}}\n{}", block(12)),
    );
    let plan = workspace.plan(&[]).success().text();
    for words in [
        "updated in-place",
        "months_until_expiration = 3 -> 12",
        "\"created\" -> \"validity_changed\"",
        &format!(
            "+ replaces_certificate_id = \"{}\"",
            text(&before, "certificate_id")
        ),
    ] {
        assert!(plan.contains(words), "{words} is not in: {plan}");
    }
    workspace.apply(&[]).success();
    let after = only(&workspace);
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["replaces_certificate_id"], before["certificate_id"]);
    assert!(after["revision"].as_i64() > before["revision"].as_i64());
    let superseded = &after["superseded_certificates"][0];
    assert_eq!(
        superseded,
        &json!({
            "certificate_id": before["certificate_id"],
            "not_after": before["not_after"],
            "reason": "validity_changed",
        })
    );
    assert!(log_in(&atlas, &after).is_ok() && log_in(&atlas, &before).is_ok());
    assert!(workspace.plans_nothing());

    write_main(
        &workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}",
            certificate("app", "  username = \"app\"")
        ),
    );
    assert!(
        workspace.plans_nothing(),
        "left out, the validity stays as it is"
    );
}

#[test]
fn destroying_warns_with_every_certificate_that_stays_valid_and_how_to_cut_access() {
    let atlas = atlas(&["app"]);
    let block = |months: u32| {
        certificate(
            "app",
            &format!("  username = \"app\"\n  months_until_expiration = {months}"),
        )
    };
    let workspace = workspace(&atlas, &block(3));
    workspace.apply(&[]).success();
    let first = only(&workspace);
    write_main(
        &workspace,
        &format!("provider \"atlas\" {{}}\n{}", block(6)),
    );
    workspace.apply(&[]).success();
    let second = only(&workspace);

    let output = workspace.destroy(&[]).success().text();
    for words in [
        "Warning: Destroying does not revoke the certificate",
        "\"app\"",
        PROJECT,
        "delete the database user",
        &format!(
            "{}, valid until {}",
            text(&first, "certificate_id"),
            text(&first, "not_after")
        ),
        &format!(
            "{}, valid until {}",
            text(&second, "certificate_id"),
            text(&second, "not_after")
        ),
    ] {
        assert!(output.contains(words), "{words} is not in: {output}");
    }
    assert_eq!(
        output.matches("Destroying does not revoke").count(),
        1,
        "{output}"
    );
    assert!(workspace.instances("atlas_user_certificate").is_empty());
    assert_eq!(
        log_in(&atlas, &second).unwrap().user,
        "app",
        "the warning is true"
    );
    assert_eq!(
        atlas
            .control()
            .requests_to(Endpoint::IssueCertificate)
            .len(),
        2
    );
}

#[test]
fn a_deleted_user_keeps_the_key_in_state_until_the_user_is_back() {
    for deleted in [
        DeletedUsers::NotFound,
        DeletedUsers::EmptyList,
        DeletedUsers::Leftovers,
    ] {
        let atlas = atlas(&["app"]);
        atlas
            .control()
            .configure(|settings| settings.deleted_users = deleted);
        let workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
        workspace.apply(&[]).success();
        let before = only(&workspace);

        atlas.control().remove_user(PROJECT, "app");
        assert!(log_in(&atlas, &before).is_err());
        let refreshed = workspace.apply(&["-refresh-only"]).success().text();
        let gone = only(&workspace);
        if deleted != DeletedUsers::Leftovers {
            assert_eq!(text(&gone, "status"), "user_missing", "{refreshed}");
            let plan = workspace.plan(&[]).success().text();
            assert!(plan.contains("Database user does not exist"), "{plan}");
            assert!(plan.contains("No changes"), "nothing can be issued: {plan}");
        }
        assert_eq!(gone["combined_pem"], before["combined_pem"]);

        atlas.control().add_user(PROJECT, "app", X509Type::Managed);
        workspace.apply(&[]).success();
        assert_eq!(only(&workspace), before);
        assert_eq!(log_in(&atlas, &before).unwrap().user, "app");
        assert_eq!(atlas.control().issued_count(), 1);
    }
}
