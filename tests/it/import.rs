//! Importing a certificate: its id in three forms, and what the next plan does.

use local_atlas::{Certificate, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_harness::core::Action;

use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::diagnostics,
    fixture::{days, only, posts},
    in_process::InProcess,
    terraform::{cli_has, workspace},
};

#[test]
fn each_form_of_the_id_imports_by_command_and_plans_nothing() {
    for (id, newest) in [
        (|_| format!("{PROJECT}/app"), true),
        (|first: &Certificate| format!("{PROJECT}/app/{}", first.id), false),
        (|_| format!("{PROJECT}-app"), true),
    ] as [(fn(&Certificate) -> String, bool); 3]
    {
        let (atlas, certificates) = two_certificates("app");
        let workspace = workspace(&atlas, &resource("app", ""));
        let id = id(&certificates[0]);
        let output = workspace
            .run(["import", "-no-color", "atlas_user_certificate.app", &id])
            .success()
            .text();
        assert_eq!(output.matches("Imported without its private key").count(), 1, "{output}");
        assert!(output.contains("-replace"), "{output}");
        let expected = &certificates[usize::from(newest)];
        let object = only(&workspace);
        assert_eq!(object["certificate_id"], expected.id.to_string(), "{id}");
        assert_eq!(object["serial_number"], expected.serial);
        assert_eq!(object["months_until_expiration"], expected.months, "{id}");
        assert_eq!(object["id"], format!("{PROJECT}/app"));
        assert_eq!(
            (&object["has_private_key"], &object["issue_reason"]),
            (&json!(false), &json!("imported"))
        );
        for name in [
            "combined_pem",
            "sealed_pem",
            "pkcs12_base64",
            "issuer",
            "fingerprint_sha256",
            "replaces_certificate_id",
        ] {
            assert_eq!(object[name], Json::Null, "{name}");
        }
        assert!(workspace.plans_nothing(), "{id}");
        assert_eq!(posts(&atlas), 0);
    }
}

#[test]
fn an_import_block_takes_the_same_ids_and_issues_nothing() {
    if !cli_has("import blocks", 5, 6) {
        return;
    }
    let (atlas, certificates) = two_certificates("app");
    for id in [
        format!("{PROJECT}/app"),
        format!("{PROJECT}/app/{}", certificates[0].id),
        format!("{PROJECT}-app"),
    ] {
        let import = format!("import {{\n  to = atlas_user_certificate.app\n  id = {id:?}\n}}\n");
        let workspace = workspace(&atlas, &resource("app", &import));
        let output = workspace.apply(&["-json"]).success();
        assert_eq!(
            diagnostics(&output)
                .iter()
                .filter(|shown| shown.summary == "Imported without its private key")
                .count(),
            1
        );
        assert!(
            output.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed")
                || output.stdout.contains("\"import\":1"),
            "{}",
            output.stdout
        );
        assert!(workspace.plans_nothing(), "{id}");
    }
    assert_eq!(posts(&atlas), 0);
}

#[test]
fn after_an_import_a_replacement_brings_a_certificate_with_its_key() {
    let (atlas, certificates) = two_certificates("app");
    let workspace = workspace(&atlas, &resource("app", ""));
    workspace.run(["import", "atlas_user_certificate.app", &format!("{PROJECT}/app")]).success();
    let output = workspace.apply(&["-json", "-replace=atlas_user_certificate.app"]).success();
    let destroy_warning = diagnostics(&output)
        .into_iter()
        .find(|shown| shown.summary == "Destroying does not revoke the certificate");
    assert!(destroy_warning.expect("a warning").contains(&certificates[1].id.to_string()));
    let object = only(&workspace);
    assert_eq!(object["has_private_key"], true);
    let pem = object["combined_pem"].as_str().expect("a key");
    assert_eq!(pem, atlas.control().certificates(PROJECT, "app")[2].combined_pem());
    assert_eq!(posts(&atlas), 1);
}

#[test]
fn an_import_of_nothing_says_what_to_give_or_what_atlas_lists() {
    let (atlas, certificates) = two_certificates("app");
    atlas.control().add_user(PROJECT, "bare", local_atlas::X509Type::Managed);
    atlas.control().advance(days(50)); // the first one of a month expires
    let workspace = workspace(&atlas, &resource("app", ""));
    let other = "5e2211c17a3e5a48f5497de3";
    for (id, said) in [
        (format!("{PROJECT}/app/{}", certificates[0].id), "no unexpired certificate"),
        (format!("{PROJECT}/app/12"), "no unexpired certificate 12"),
        (format!("{PROJECT}/bare"), "no unexpired certificate for the database user \"bare\""),
        (format!("{PROJECT}/nobody"), "Database user not found"),
        (format!("{other}/app"), "Project not found"),
        (PROJECT.to_owned(), "Invalid import id"),
        (format!("{}/app", PROJECT.to_uppercase()), "Invalid import id"),
        (format!("{PROJECT}/app/12/13"), "PROJECT_ID/USERNAME/CERTIFICATE_ID"),
        (format!("{PROJECT}/app/0x1b"), "Invalid import id"),
        (format!("{PROJECT}/%ff"), "Invalid import id"),
        (format!("{PROJECT}/"), "Invalid import id"),
    ] {
        let output = workspace
            .run(["import", "-no-color", "atlas_user_certificate.app", &id])
            .failure()
            .text();
        assert!(output.contains(said), "{id}: {output}");
        assert!(workspace.instances("atlas_user_certificate").is_empty(), "{id}");
    }
}

#[tokio::test]
async fn names_are_percent_decoded_but_for_the_official_form() {
    let names = ["a/b", "100%", "grüße x", "a-b", "a%2Fb", "CN=app"];
    let atlas = atlas(&names);
    let host = InProcess::new(&atlas, json!({})).await;
    for (typed, name) in [
        ("/a%2Fb", "a/b"),
        ("/100%25", "100%"),
        ("/gr%C3%BC%C3%9Fe%20x", "grüße x"),
        ("/grüße x", "grüße x"),
        ("/a-b", "a-b"),
        ("-a-b", "a-b"),
        ("-a%2Fb", "a%2Fb"),
        ("-a/b", "a/b"),
        ("-grüße x", "grüße x"),
        ("/CN=app", "CN=app"),
    ] {
        atlas.control().advance(std::time::Duration::from_secs(3600)); // so that it is the newest
        let certificate = atlas.control().issue(PROJECT, name, 3);
        for id in [format!("{PROJECT}{typed}"), format!("{PROJECT}{typed}/{}", certificate.id)] {
            if id.starts_with(&format!("{PROJECT}-")) && id.ends_with(&certificate.id.to_string()) {
                continue; // that form knows no certificate
            }
            let imported = host.import(&id).await;
            assert!(!imported.diagnostics.has_errors(), "{id}:{}", imported.diagnostics);
            let mut instance = imported.instance;
            let state = &instance.as_ref().expect("an instance").state;
            assert_eq!(state["username"], name, "{id}");
            assert_eq!(state["certificate_id"], certificate.id.to_string().as_str(), "{id}");
            // What state calls the object is an id to import it by.
            let stored = state["id"].as_str().expect("an id").to_owned();
            assert_eq!(
                host.import(&stored).await.instance.expect("the same").state["username"],
                name
            );
            let config = json!({ "project_id": PROJECT, "username": name });
            assert_eq!(host.apply(&mut instance, &config).await.action, Action::NoOp, "{id}");
        }
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn months_are_inferred_and_only_other_ones_issue() {
    let atlas = atlas(&["app"]);
    let host = InProcess::new(&atlas, json!({})).await;
    for months in 1..=24 {
        let certificate = atlas.control().issue(PROJECT, "app", months);
        let imported = host.import(&format!("{PROJECT}/app/{}", certificate.id)).await.instance;
        assert_eq!(imported.as_ref().unwrap().state["months_until_expiration"], i64::from(months));
        let config = |months: u32| json!({ "project_id": PROJECT, "username": "app", "months_until_expiration": months });
        assert_eq!(
            host.plan(imported.as_ref(), &config(months)).await.action,
            Action::NoOp,
            "{months}"
        );
        let plan = host.plan(imported.as_ref(), &config(months % 24 + 1)).await;
        assert_eq!(
            (plan.action, &plan.planned["issue_reason"]),
            (Action::Update, &"validity_changed".into()),
            "{months}"
        );
        assert_eq!(plan.planned["replaces_certificate_id"], certificate.id.to_string().as_str());
    }
    assert_eq!(posts(&atlas), 0);
}

#[tokio::test]
async fn months_are_inferred_from_every_day_of_issue() {
    let atlas = atlas(&["app"]);
    let host = InProcess::new(&atlas, json!({})).await;
    for issued_on in [
        "2027-01-31T23:30:00Z",
        "2028-02-29T00:10:00Z",
        "2027-08-31T12:00:00Z",
        "2027-12-01T00:30:00Z",
        "2027-11-30T00:59:00Z",
    ] {
        atlas.control().set_clock(issued_on.parse().unwrap());
        for months in [1, 2, 3, 6, 12, 24] {
            let certificate = atlas.control().issue(PROJECT, "app", months);
            let imported =
                host.import(&format!("{PROJECT}/app/{}", certificate.id)).await.instance.unwrap();
            assert_eq!(imported.state["months_until_expiration"], i64::from(months), "{issued_on}");
        }
    }
}

#[tokio::test]
async fn an_open_window_renews_what_was_imported_unless_the_same_plan_postpones_it() {
    let atlas = atlas(&["app"]);
    let host = InProcess::new(&atlas, json!({})).await;
    let first = atlas.control().issue(PROJECT, "app", 3);
    atlas.control().advance(days(70));
    let imported = host.import(&format!("{PROJECT}/app")).await.instance;
    assert_eq!(imported.as_ref().unwrap().state["status"], "renewal_due");

    let mut postponed = imported.clone();
    let narrow = json!({ "project_id": PROJECT, "username": "app", "renew_before_days": 5 });
    let outcome = host.apply(&mut postponed, &narrow).await.ok().unwrap();
    assert_eq!((outcome.action, posts(&atlas)), (Action::Update, 0));
    assert_eq!(host.plan(postponed.as_ref(), &narrow).await.action, Action::NoOp);

    let mut renewed = imported;
    let config = json!({ "project_id": PROJECT, "username": "app" });
    host.apply(&mut renewed, &config).await.ok().unwrap();
    let state = &renewed.as_ref().unwrap().state;
    assert_eq!(
        (&state["issue_reason"], &state["has_private_key"]),
        (&"renewal".into(), &true.into())
    );
    assert_eq!(
        state["superseded_certificates"][0]["certificate_id"],
        first.id.to_string().as_str()
    );
    assert_eq!(posts(&atlas), 1);
}

/// An Atlas whose user has a certificate of a month and a newer one of six, issued elsewhere.
fn two_certificates(user: &str) -> (LocalAtlas, [Certificate; 2]) {
    let atlas = atlas(&[user]);
    let first = atlas.control().issue(PROJECT, user, 1);
    atlas.control().advance(std::time::Duration::from_secs(3600));
    let second = atlas.control().issue(PROJECT, user, 6);
    (atlas, [first, second])
}

fn resource(user: &str, more: &str) -> String {
    format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = {user:?}\n}}\n\n{more}"
    )
}

#[test]
fn a_plus_in_an_id_stands_for_a_space_if_only_that_user_exists() {
    let atlas = atlas(&["a b", "c+d", "c d"]);
    for (user, id, imported) in
        [("a b", "a+b", "a b"), ("c+d", "c+d", "c+d"), ("c d", "c%20d", "c d")]
    {
        atlas.control().issue(PROJECT, user, 3);
        let workspace = workspace(&atlas, &resource(user, ""));
        let id = format!("{PROJECT}/{id}");
        workspace.run(["import", "atlas_user_certificate.app", &id]).success();
        assert_eq!(only(&workspace)["username"], imported, "{id}");
    }
}
