//! When a key is sealed in place, when a certificate is issued anew, and when nothing happens.

use serde_json::Value as Json;

use super::{EIGHTY_DAYS, certificate, newest, only, posts, provider_and, recipients};
use crate::support::{
    age::{self, Pair},
    atlas::{PROJECT, atlas},
    terraform::{workspace, write_main},
};

#[test]
fn a_key_in_state_is_sealed_in_place_with_a_warning_about_earlier_versions() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    let workspace = workspace(&atlas, &certificate(""));
    workspace.apply(&[]).success();
    let before = only(&workspace);
    let plain = before["combined_pem"]
        .as_str()
        .expect("a key in state")
        .to_owned();

    write_main(
        &workspace,
        &provider_and(&certificate(&recipients(&[&mine]))),
    );
    let output = workspace.apply(&[]).success();
    let warning = output.text();
    assert!(
        warning.contains("Earlier state versions still hold the key"),
        "{warning}"
    );
    let after = only(&workspace);
    assert_eq!(after["combined_pem"], Json::Null);
    assert_eq!(after["certificate_id"], before["certificate_id"]);
    assert_eq!(after["revision"], before["revision"]);
    let sealed = after["sealed_pem"].as_str().expect("ciphertext");
    assert_eq!(
        age::open(sealed, &mine),
        Some(plain),
        "byte for byte what Atlas sent"
    );
    assert_eq!(posts(&atlas), 1);
    assert!(workspace.plans_nothing());
}

#[test]
fn the_same_recipients_in_another_order_or_twice_change_nothing() {
    let atlas = atlas(&["app"]);
    let (mine, other) = (age::pair(), age::pair());
    let workspace = workspace(&atlas, &certificate(&recipients(&[&mine, &other])));
    workspace.apply(&[]).success();
    let upper = Pair {
        recipient: mine.recipient.to_uppercase(),
        identity: String::new(),
    };
    for again in [
        vec![&other, &mine],
        vec![&mine, &other, &mine],
        vec![&other, &upper],
    ] {
        write_main(&workspace, &provider_and(&certificate(&recipients(&again))));
        assert!(workspace.plans_nothing());
    }
    assert_eq!(posts(&atlas), 1);
    let sealed = only(&workspace)["sealed_pem"]
        .as_str()
        .expect("ciphertext")
        .to_owned();
    let combined = age::open(&sealed, &mine);
    assert!(
        combined.is_some() && combined == age::open(&sealed, &other),
        "each of them opens it"
    );
}

#[test]
fn other_recipients_or_none_are_a_new_certificate_when_only_ciphertext_is_left() {
    let atlas = atlas(&["app"]);
    let (mine, other) = (age::pair(), age::pair());
    let workspace = workspace(&atlas, &certificate(&recipients(&[&mine])));
    workspace.apply(&[]).success();
    let first = only(&workspace);

    write_main(
        &workspace,
        &provider_and(&certificate(&recipients(&[&other]))),
    );
    let plan = workspace.plan(&[]).success().text();
    assert!(
        plan.contains("recipients_changed") && plan.contains("1 to change"),
        "{plan}"
    );
    workspace.apply(&[]).success();
    let second = only(&workspace);
    assert_eq!(second["issue_reason"], "recipients_changed");
    assert_eq!(second["replaces_certificate_id"], first["certificate_id"]);
    let sealed = second["sealed_pem"].as_str().expect("ciphertext");
    assert!(age::open(sealed, &mine).is_none() && age::open(sealed, &other).is_some());
    assert!(workspace.plans_nothing());

    write_main(&workspace, &provider_and(&certificate("")));
    workspace.apply(&[]).success();
    let third = only(&workspace);
    assert_eq!(third["issue_reason"], "recipients_changed");
    assert_eq!(third["sealed_pem"], Json::Null);
    let newest = atlas
        .control()
        .certificates(PROJECT, "app")
        .pop()
        .expect("the third");
    assert_eq!(third["combined_pem"], newest.combined_pem());
    assert_eq!(
        third["superseded_certificates"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(posts(&atlas), 3);
    assert!(workspace.plans_nothing());
}

#[test]
fn recipients_that_are_unknown_in_the_plan_are_settled_in_the_apply() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    let from = |source: &str, seed: &str| {
        let unknown = format!(
            "resource \"terraform_data\" \"who\" {{\n  input = {source}\n  triggers_replace = {seed:?}\n}}\n"
        );
        provider_and(&format!(
            "{unknown}{}",
            certificate("private_key_recipients = terraform_data.who.output")
        ))
    };
    let list = format!("[{:?}]", mine.recipient);
    let workspace = workspace(&atlas, "");
    write_main(&workspace, &from(&list, "1"));
    workspace.apply(&[]).success();
    let first = only(&workspace);
    assert_eq!(first["combined_pem"], Json::Null);
    assert!(age::open(first["sealed_pem"].as_str().expect("ciphertext"), &mine).is_some());

    // Unknown again, and the same in the end: the planned change turns out to be none.
    write_main(&workspace, &from(&list, "2"));
    let plan = workspace.plan(&[]).success().text();
    assert!(
        plan.contains("known after apply")
            && plan.contains("atlas_user_certificate.app will be updated"),
        "{plan}"
    );
    workspace.apply(&[]).success();
    assert_eq!(only(&workspace)["certificate_id"], first["certificate_id"]);
    assert_eq!(only(&workspace)["sealed_pem"], first["sealed_pem"]);
    assert_eq!(posts(&atlas), 1);

    // Unknown, and other ones in the end.
    let other = age::pair();
    write_main(&workspace, &from(&format!("[{:?}]", other.recipient), "3"));
    workspace.apply(&[]).success();
    let changed = only(&workspace);
    assert_eq!(changed["issue_reason"], "recipients_changed");
    assert!(age::open(changed["sealed_pem"].as_str().expect("ciphertext"), &other).is_some());
    assert_eq!(posts(&atlas), 2);
    assert!(workspace.plans_nothing());
}

#[test]
fn recipients_given_to_an_imported_certificate_wait_for_the_next_issue() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    atlas.control().issue(PROJECT, "app", 3);
    let workspace = workspace(&atlas, &certificate(""));
    let id = format!("{PROJECT}/app");
    workspace
        .run([
            "import",
            "-no-color",
            "-input=false",
            "atlas_user_certificate.app",
            &id,
        ])
        .success();
    write_main(
        &workspace,
        &provider_and(&certificate(&recipients(&[&mine]))),
    );
    let output = workspace.apply(&[]).success().text();
    assert!(
        !output.contains("Earlier state versions"),
        "there never was a key: {output}"
    );
    let imported = only(&workspace);
    assert_eq!(
        (&imported["combined_pem"], &imported["sealed_pem"]),
        (&Json::Null, &Json::Null)
    );
    assert_eq!(imported["issue_reason"], "imported");
    assert_eq!(posts(&atlas), 0);
    assert!(workspace.plans_nothing());

    atlas.control().advance(EIGHTY_DAYS);
    workspace.apply(&[]).success();
    let renewed = only(&workspace);
    assert_eq!(renewed["issue_reason"], "renewal");
    assert_eq!(renewed["combined_pem"], Json::Null);
    let sealed = renewed["sealed_pem"].as_str().expect("ciphertext");
    assert_eq!(
        age::open(sealed, &mine),
        Some(newest(&atlas).combined_pem())
    );
}

#[test]
fn ignored_recipients_are_those_of_the_plan_also_when_the_certificate_is_renewed() {
    let ignoring = "lifecycle {\n    ignore_changes = [private_key_recipients]\n  }";
    let (mine, other) = (age::pair(), age::pair());
    // (at first, configured later but ignored): the renewal keeps the form that the plan shows.
    for (first, later) in [
        (vec![&mine], vec![]),
        (vec![&mine], vec![&other]),
        (vec![], vec![&other]),
    ] {
        let atlas = atlas(&["app"]);
        let written = |list: &[&Pair]| {
            if list.is_empty() {
                String::new()
            } else {
                recipients(list)
            }
        };
        let workspace = workspace(&atlas, &certificate(&written(&first)));
        workspace.apply(&[]).success();
        write_main(
            &workspace,
            &provider_and(&certificate(&format!("{}\n  {ignoring}", written(&later)))),
        );
        atlas.control().advance(EIGHTY_DAYS);
        workspace.apply(&[]).success();
        let renewed = only(&workspace);
        assert_eq!(renewed["issue_reason"], "renewal");
        let combined = newest(&atlas).combined_pem();
        if first.is_empty() {
            assert_eq!(renewed["combined_pem"], combined);
        } else {
            assert_eq!(renewed["combined_pem"], Json::Null);
            assert_eq!(
                age::open(renewed["sealed_pem"].as_str().expect("ciphertext"), &mine),
                Some(combined)
            );
        }
        assert!(workspace.plans_nothing());
    }
}
