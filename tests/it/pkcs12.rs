//! PKCS#12 archives: which programs open them, when they are created again, and where the password is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, Core, Settings},
    plugin::{Provider, SpawnOptions},
};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    fixture::{Fixture, certificate},
    leak_scanner::{LeakScanner, Secret},
    terraform::{cli_has, provider, write_main},
};

#[test]
fn both_profiles_open_and_the_password_is_nowhere() {
    let Some(mut t) = archiving("") else {
        return;
    };
    let mut traces = LeakScanner::start(&mut t.workspace);
    for (version, profile) in [(1, "modern"), (2, "legacy")] {
        write(
            &t,
            &format!("pkcs12_password_wo_version = {version}\n  pkcs12_profile = {profile:?}"),
        );
        for command in [["plan", "-out=it.tfplan"], ["apply", "it.tfplan"]] {
            let output = t.workspace.run(command).success();
            traces.collect(&t.workspace, &output);
        }
        let issued = t.newest();
        let archive = STANDARD.decode(archive_of(&t)).expect("base64");
        let wanted = (der(&issued.certificate_pem), der(&issued.key_pem));
        assert_eq!(opened_by_p12_keystore(&archive), wanted, "{profile}");
        assert!(t.plans_nothing());
    }
    assert_eq!(t.posts(), 1, "another profile is no reason to issue");
    assert_eq!(traces.occurrences(&Secret::text(PASSWORD)), Vec::<&str>::new());
}

#[test]
fn another_version_or_profile_makes_a_new_archive_of_the_same_certificate_without_a_call() {
    let Some(mut t) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    t.workspace.apply(&[]).success();
    let first = t.object();

    t.workspace.set_env("TF_VAR_password", "another password by now");
    assert!(t.plans_nothing(), "a password alone is no change: nobody can compare it");
    // The default, spelt out, is no change of the archive.
    write(&t, "pkcs12_password_wo_version = 1\n  pkcs12_profile = \"modern\"");
    t.workspace.apply(&[]).success();
    assert_eq!(archive_of(&t), first["pkcs12_base64"]);

    write(&t, "pkcs12_password_wo_version = 2");
    let plan = t.workspace.plan(&[]).success().text();
    assert!(
        plan.contains("pkcs12_base64 = (sensitive value)") && plan.contains("1 to change"),
        "{plan}"
    );
    t.workspace.apply(&[]).success();
    let second = t.object();
    assert_ne!(second["pkcs12_base64"], first["pkcs12_base64"]);
    let archive = STANDARD.decode(archive_of(&t)).expect("base64");
    let opens = |password: &str| {
        KeyStore::from_pkcs12(&archive, password, Pkcs12ImportPolicy::Strict).is_ok()
    };
    assert!(opens("another password by now") && !opens(PASSWORD));
    for name in ["certificate_id", "combined_pem", "revision", "issue_reason"] {
        assert_eq!(second[name], first[name], "{name}");
    }

    t.set_config(&certificate(""));
    t.workspace.apply(&[]).success();
    assert_eq!(t.object()["pkcs12_base64"], Json::Null);
    assert!(t.plans_nothing());
    assert_eq!(t.posts(), 1);
}

#[test]
fn a_renewal_makes_an_archive_of_the_new_certificate() {
    let Some(t) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    t.workspace.apply(&[]).success();
    t.advance_days(80);
    t.workspace.apply(&[]).success();
    assert_eq!(t.posts(), 2);
    let archive = STANDARD.decode(archive_of(&t)).expect("base64");
    assert_eq!(opened_by_p12_keystore(&archive).0, der(&t.newest().certificate_pem));
}

#[test]
fn an_ignored_password_archives_and_an_ignored_version_without_one_warns() {
    let Some(t) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    let ignoring = |names: &str| format!("lifecycle {{\n    ignore_changes = [{names}]\n  }}");
    // The password is hidden from the plan, and given to the apply.
    write(&t, &format!("pkcs12_password_wo_version = 1\n  {}", ignoring("pkcs12_password_wo")));
    t.workspace.apply(&[]).success();
    write(&t, &format!("pkcs12_password_wo_version = 2\n  {}", ignoring("pkcs12_password_wo")));
    t.workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&t)).expect("base64");
    assert_eq!(opened_by_p12_keystore(&archive).0, der(&t.newest().certificate_pem));

    // What is ignored stays as it is in the archive, also when that is made for another reason.
    let ignored = format!(
        "pkcs12_password_wo_version = 3\n  pkcs12_profile = \"legacy\"\n  {}",
        ignoring("pkcs12_profile")
    );
    write(&t, &ignored);
    t.workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&t)).expect("base64");
    assert!(contains(&archive, &AES_256_CBC), "still the modern profile");
    assert_eq!(t.object()["pkcs12_profile"], Json::Null);

    // The version comes from state, and no password from anywhere.
    t.set_config(&certificate(&ignoring("pkcs12_password_wo_version")));
    assert!(t.plans_nothing());
    t.advance_days(80);
    let output = t.workspace.apply(&[]).success().text();
    assert!(output.contains("No password for the PKCS#12 archive"), "{output}");
    let renewed = t.object();
    assert_eq!(renewed["issue_reason"], "renewal");
    assert_eq!(renewed["pkcs12_base64"], Json::Null);
    assert!(renewed["combined_pem"].is_string());
    assert_eq!(t.posts(), 2);
}

#[test]
fn a_certificate_without_its_key_gets_a_warning_and_its_archive_with_the_next_issue() {
    let Some(t) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    t.atlas.control().issue(PROJECT, "app", 3);
    t.set_config(&certificate(""));
    let id = format!("{PROJECT}/app");
    t.workspace
        .run(["import", "-no-color", "-input=false", "atlas_user_certificate.app", &id])
        .success();
    write(&t, "pkcs12_password_wo_version = 1");
    let output = t.workspace.apply(&[]).success().text();
    assert!(output.contains("No private key to archive"), "{output}");
    assert_eq!(t.object()["pkcs12_base64"], Json::Null);
    assert!(t.plans_nothing());
    assert_eq!(t.posts(), 0);

    t.advance_days(80);
    t.workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&t)).expect("base64");
    assert_eq!(opened_by_p12_keystore(&archive).0, der(&t.newest().certificate_pem));
}

#[test]
fn a_password_that_is_unknown_in_the_plan_is_used_in_the_apply() {
    let Some(t) = archiving("") else {
        return;
    };
    let unknown = format!(
        "resource \"terraform_data\" \"password\" {{\n  input = {PASSWORD:?}\n}}\n{}",
        certificate(
            "pkcs12_password_wo = terraform_data.password.output\n  pkcs12_password_wo_version = 1"
        )
    );
    write_main(&t.workspace, &format!("provider \"atlas\" {{}}\n{unknown}"));
    t.workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&t)).expect("base64");
    assert_eq!(opened_by_p12_keystore(&archive).0, der(&t.newest().certificate_pem));
    assert!(t.plans_nothing());
}

#[test]
fn a_password_that_no_archive_can_have_is_refused_at_its_argument_and_not_shown() {
    let Some(mut t) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    for (password, problem) in
        [("", "the password is empty"), ("hunter2-\u{fc}-hunter2-hunter2", "not printable ascii")]
    {
        t.workspace.set_env("TF_VAR_password", password);
        let mut traces = LeakScanner::start(&mut t.workspace);
        let output = t.workspace.plan(&[]).failure();
        traces.collect(&t.workspace, &output);
        let said = output.text().to_lowercase();
        assert!(
            said.contains(problem) && said.contains("pkcs12_password_wo = var.password"),
            "{said}"
        );
        assert_eq!(
            traces.occurrences(&Secret::text("hunter2-hunter2-hunter2")),
            Vec::<&str>::new()
        );
    }
}

#[tokio::test]
async fn a_host_that_would_store_the_password_is_refused_at_the_argument() {
    let atlas = atlas(&["app"]);
    for settings in [
        Settings::terraform("1.5.7"),
        Settings::terraform("1.10.5"),
        Settings::opentofu("1.6.3"),
        Settings::opentofu("1.10.0"),
    ] {
        let options = SpawnOptions::new(provider()).envs(login(&atlas));
        let core =
            Core::new(Provider::spawn(options).await.unwrap(), settings.clone()).await.unwrap();
        core.configure(json!({})).await.unwrap().ok().unwrap();
        let mut config = json!({
            "project_id": PROJECT, "username": "app", "pkcs12_password_wo": PASSWORD, "pkcs12_password_wo_version": 1,
        });
        let mut instance = None;
        let outcome = core
            .apply_config("atlas_user_certificate", &mut instance, config.clone())
            .await
            .unwrap();
        assert!(matches!(outcome.action, Action::Failed), "{settings:?}");
        let refusal = outcome.diagnostics.at("pkcs12_password_wo").expect("an error there").clone();
        assert!(!refusal.detail.contains(PASSWORD) && refusal.contains("1.11"), "{refusal:?}");
        assert!(instance.is_none());
        for name in ["pkcs12_password_wo", "pkcs12_password_wo_version"] {
            config[name] = Json::Null;
        }
        let outcome =
            core.apply_config("atlas_user_certificate", &mut instance, config).await.unwrap();
        assert_eq!(outcome.ok().unwrap().action, Action::Create, "{settings:?}");
    }
}

/// A folder whose password comes from an ephemeral variable; `None` where the CLI has no write-only arguments.
fn archiving(arguments: &str) -> Option<Fixture> {
    if !cli_has("write-only arguments", 11, 11) {
        return None;
    }
    let mut t = Fixture::new("");
    t.workspace.set_env("TF_VAR_password", PASSWORD);
    write(&t, arguments);
    Some(t)
}

fn write(t: &Fixture, arguments: &str) {
    let variable = "variable \"password\" {\n  type = string\n  ephemeral = true\n}\n";
    let resource = certificate(&format!("pkcs12_password_wo = var.password\n  {arguments}"));
    t.set_config(&format!("{variable}{resource}"));
}

#[track_caller]
fn archive_of(t: &Fixture) -> String {
    let archive = t.object()["pkcs12_base64"].as_str().map(str::to_owned);
    archive.expect("an archive")
}

/// Certificate and key in DER, as a key store of Java has them.
pub fn opened_by_p12_keystore(archive: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let store = KeyStore::from_pkcs12(archive, PASSWORD, Pkcs12ImportPolicy::Strict);
    let store = store.expect("it opens");
    let (name, chain) = store.private_key_chain().expect("an entry with a key");
    assert_eq!(name, "app");
    let certificate = chain.certs()[0].as_der().to_vec();
    (certificate, chain.key().as_der().to_vec())
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(lines.concat()).expect("PEM")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The object identifier, as it stands in an archive of the modern profile.
const AES_256_CBC: [u8; 11] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

pub(crate) const PASSWORD: &str = "correct horse 7Rz battery!";
