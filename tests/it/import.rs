//! Importing a certificate: its id in three forms, its identity, and what the next plan does.

use std::time::Duration;

use local_atlas::Certificate;
use serde_json::{Value as Json, json};
use tf_harness::core::Action;

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, TYPE, days, expect_warning, posts, resource},
    in_process::{config, in_process, with},
    terraform::cli_has,
};

#[test]
fn each_form_of_the_id_imports_by_command_and_by_block_and_plans_nothing() {
    let (t, [first, second]) = two_certificates();
    for (id, expected) in [
        (format!("{PROJECT}/app"), &second),
        (format!("{PROJECT}/app/{}", first.id), &first),
        (format!("{PROJECT}-app"), &second),
    ] {
        let output = t.import(&id).success().text();
        assert_eq!(output.matches("Imported without its private key").count(), 1, "{output}");
        assert!(output.contains("-replace"), "{output}");
        let object = t.object();
        for (name, value) in [
            ("certificate_id", json!(expected.id.to_string())),
            ("serial_number", json!(expected.serial)),
            ("months_until_expiration", json!(expected.months)),
            ("id", json!(format!("{PROJECT}/app"))),
            ("has_private_key", json!(false)),
            ("issue_reason", json!("imported")),
            ("combined_pem", Json::Null),
            ("sealed_pem", Json::Null),
            ("pkcs12_base64", Json::Null),
            ("issuer", Json::Null),
            ("fingerprint_sha256", Json::Null),
            ("replaces_certificate_id", Json::Null),
        ] {
            assert_eq!(object[name], value, "{id}: {name}");
        }
        assert!(t.plans_nothing(), "{id}");
        t.workspace.run(["state", "rm", "atlas_user_certificate.app"]).success();

        let import = format!("import {{\n  to = atlas_user_certificate.app\n  id = {id:?}\n}}\n");
        t.set_config(&(app() + &import));
        let output = t.workspace.apply(&[]).success().text();
        assert_eq!(output.matches("Imported without its private key").count(), 1, "{output}");
        assert!(output.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{output}");
        assert_eq!(t.object(), object);
        t.set_config(&app());
        t.workspace.run(["state", "rm", "atlas_user_certificate.app"]).success();
    }
    assert_eq!(t.posts(), 0);
}

/// With `/ % - @ +`, spaces and letters outside of ASCII, none of which is encoded in an identity.
const NAMES: [&str; 6] = ["a/b", "100%", "a-b c", "ann@example.com", "c+d", "grüße x"];

#[test]
fn an_import_block_with_an_identity_takes_every_name_and_issues_nothing() {
    if !cli_has("import by identity", 12, 12) {
        return;
    }
    let all = format!("for_each = toset({NAMES:?})\n  username = each.key");
    let import = format!(
        "import {{\n  for_each = toset({NAMES:?})\n  to = atlas_user_certificate.all[each.key]\n  \
         identity = {{\n    project_id = {PROJECT:?}\n    username = each.key\n  }}\n}}\n"
    );
    let t = Fixture::of(&NAMES, &(resource("all", &all) + &import));
    for name in NAMES {
        t.atlas.control().issue(PROJECT, name, 3);
    }
    let output = t.workspace.apply(&[]).success().text();
    assert!(output.contains("6 imported, 0 added, 0 changed, 0 destroyed"), "{output}");
    for (key, object) in t.objects() {
        assert_eq!(object.attributes["username"], key);
    }
    assert!(t.plans_nothing());
    assert_eq!((t.workspace.instances(TYPE).len(), t.posts()), (NAMES.len(), 0));
}

#[test]
fn after_an_import_a_replacement_brings_a_certificate_with_its_key() {
    let (t, [_, second]) = two_certificates();
    t.import(&format!("{PROJECT}/app")).success();
    let shown = t.apply(&["-replace=atlas_user_certificate.app"]);
    let warning = expect_warning(&shown, "Destroying does not revoke the certificate");
    assert!(warning.contains(&second.id.to_string()), "{warning:?}");
    let object = t.object();
    assert_eq!(object["has_private_key"], true);
    assert_eq!(object["combined_pem"], t.newest().combined_pem());
    assert_eq!(t.posts(), 1);
}

#[tokio::test]
async fn an_import_of_nothing_names_what_to_give_or_what_atlas_lists() {
    let (atlas, host) = in_process(&["app", "bare"]).await;
    let expired = atlas.control().issue(PROJECT, "app", 1).id;
    atlas.control().advance(days(50));
    atlas.control().issue(PROJECT, "app", 6);
    let nothing = "No certificate to import";
    for (id, title, words) in [
        (format!("{PROJECT}/app/{expired}"), nothing, "no unexpired certificate"),
        (format!("{PROJECT}/app/12"), nothing, "no unexpired certificate 12"),
        (format!("{PROJECT}/bare"), nothing, "certificate for the database user \"bare\""),
        (format!("{PROJECT}/absent"), "Database user not found", ""),
        ("5e2211c17a3e5a48f5497de3/app".to_owned(), "Project not found", ""),
        (PROJECT.to_owned(), "Invalid import id", "PROJECT_ID/USERNAME/CERTIFICATE_ID"),
        (format!("{}/app", PROJECT.to_uppercase()), "Invalid import id", ""),
        (format!("{PROJECT}/app/12/13"), "Invalid import id", "PROJECT_ID/USERNAME"),
        (format!("{PROJECT}/app/0x1b"), "Invalid import id", "decimal"),
        (format!("{PROJECT}/%ff"), "Invalid import id", ""),
        (format!("{PROJECT}/"), "Invalid import id", ""),
    ] {
        let imported = host.import(&id).await;
        let error = imported.diagnostics.errors().next().expect("an error");
        assert!(error.summary == title && error.contains(words), "{id}: {error:?}");
        assert_eq!(imported.instance, None, "{id}");
    }
}

#[tokio::test]
async fn names_are_percent_decoded_except_in_the_official_form_and_in_an_identity() {
    let mut names = NAMES.to_vec();
    names.extend(["a-b", "a%2Fb", "CN=app"]);
    let (atlas, host) = in_process(&names).await;
    for (typed, name) in [
        ("/a%2Fb", "a/b"),
        ("/100%25", "100%"),
        ("/gr%C3%BC%C3%9Fe%20x", "grüße x"),
        ("/grüße x", "grüße x"),
        ("/a-b", "a-b"),
        ("/CN=app", "CN=app"),
        ("-a-b", "a-b"),
        ("-a%2Fb", "a%2Fb"),
        ("-a/b", "a/b"),
        ("-grüße x", "grüße x"),
    ] {
        atlas.control().advance(Duration::from_secs(3600)); // so that it is the newest
        let issued = atlas.control().issue(PROJECT, name, 3);
        let mut ids = vec![format!("{PROJECT}{typed}")];
        if typed.starts_with('/') {
            ids.push(format!("{PROJECT}{typed}/{}", issued.id));
        }
        for id in ids {
            let imported = host.import(&id).await;
            assert!(!imported.diagnostics.has_errors(), "{id}:{}", imported.diagnostics);
            let mut instance = imported.instance;
            let state = &instance.as_ref().expect("an instance").state;
            assert_eq!(state["username"], name, "{id}");
            assert_eq!(state["certificate_id"], issued.id.to_string(), "{id}");
            // The id in state is an import id.
            let stored = host.import(state["id"].as_str().expect("an id")).await.instance;
            assert_eq!(stored.expect("the same").state["username"], name);
            let unchanged = host.apply(&mut instance, &config(name)).await.action;
            assert_eq!(unchanged, Action::NoOp, "{id}");
        }
        let resource = host.command().await;
        let identity = json!({ "project_id": PROJECT, "username": name });
        let imported = resource.import("", Some(&identity)).await.unwrap().instance;
        assert_eq!(imported.expect("an instance").identity, Some(identity));
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn months_are_inferred_and_only_other_ones_issue() {
    let (atlas, host) = in_process(&["app"]).await;
    let months = |months: u32| with(&config("app"), json!({ "months_until_expiration": months }));
    for number in 1..=24 {
        let issued = atlas.control().issue(PROJECT, "app", number);
        let imported = host.import(&format!("{PROJECT}/app/{}", issued.id)).await.instance;
        assert_eq!(imported.as_ref().unwrap().state["months_until_expiration"], number);
        let same = host.plan(imported.as_ref(), &months(number)).await;
        assert_eq!(same.action, Action::NoOp, "{number}");
        let other = host.plan(imported.as_ref(), &months(number % 24 + 1)).await;
        assert_eq!(other.planned["issue_reason"], "validity_changed", "{number}");
        assert_eq!(other.planned["replaces_certificate_id"], issued.id.to_string());
    }
    for issued_on in [
        "2027-01-31T23:30:00Z",
        "2028-02-29T00:10:00Z",
        "2027-08-31T12:00:00Z",
        "2027-12-01T00:30:00Z",
        "2027-11-30T00:59:00Z",
    ] {
        atlas.control().set_clock(issued_on.parse().unwrap());
        for number in [1, 2, 3, 6, 12, 24] {
            let issued = atlas.control().issue(PROJECT, "app", number);
            let imported = host.import(&format!("{PROJECT}/app/{}", issued.id)).await.instance;
            let inferred = &imported.unwrap().state["months_until_expiration"];
            assert_eq!(*inferred, number, "{issued_on}");
        }
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn an_open_window_renews_an_imported_certificate_unless_the_same_plan_postpones_it() {
    let (atlas, host) = in_process(&["app"]).await;
    let first = atlas.control().issue(PROJECT, "app", 3);
    atlas.control().advance(days(70));
    let imported = host.import(&format!("{PROJECT}/app")).await.instance;
    assert_eq!(imported.as_ref().unwrap().state["status"], "renewal_due");

    let mut postponed = imported.clone();
    let narrow = with(&config("app"), json!({ "renew_before_days": 5 }));
    let outcome = host.apply(&mut postponed, &narrow).await.ok().unwrap();
    assert_eq!((outcome.action, posts(&atlas)), (Action::Update, 0));
    assert_eq!(host.plan(postponed.as_ref(), &narrow).await.action, Action::NoOp);

    let mut renewed = imported;
    host.apply(&mut renewed, &config("app")).await.ok().unwrap();
    let state = &renewed.as_ref().unwrap().state;
    assert_eq!(state["issue_reason"], "renewal");
    assert_eq!(state["has_private_key"], true);
    let superseded = &state["superseded_certificates"][0]["certificate_id"];
    assert_eq!(*superseded, first.id.to_string());
    assert_eq!(posts(&atlas), 1);
}

#[test]
fn a_plus_in_an_id_stands_for_a_space_if_only_that_user_exists() {
    let t = Fixture::of(&["a b", "c+d", "c d"], &app());
    for (id, user) in [("a+b", "a b"), ("c+d", "c+d"), ("c%20d", "c d")] {
        t.atlas.control().issue(PROJECT, user, 3);
        t.import(&format!("{PROJECT}/{id}")).success();
        assert_eq!(t.object()["username"], user, "{id}");
        t.workspace.run(["state", "rm", "atlas_user_certificate.app"]).success();
    }
}

fn app() -> String {
    resource("app", "username = \"app\"")
}

/// A user with a certificate of a month and a newer one of six, issued elsewhere.
fn two_certificates() -> (Fixture, [Certificate; 2]) {
    let t = Fixture::new(&app());
    let first = t.atlas.control().issue(PROJECT, "app", 1);
    t.atlas.control().advance(Duration::from_secs(3600));
    let second = t.atlas.control().issue(PROJECT, "app", 6);
    (t, [first, second])
}
