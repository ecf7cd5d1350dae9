//! PKCS#12 archives: which programs open them, when they are created again, and where the password is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::Certificate;
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, Core, Settings},
    plugin::{Provider, SpawnOptions},
};

use crate::support::{
    atlas::{atlas, login},
    fixture::{Fixture, TYPE, certificate},
    in_process::{config, with},
    leak_scanner::{LeakScanner, Secret},
    terraform::{cli_has, provider},
};

pub(crate) const PASSWORD: &str = "correct horse 7Rz battery!";
const VERSION_1: &str = "pkcs12_password_wo_version = 1";

#[test]
fn both_profiles_open_and_the_password_is_nowhere() {
    let Some(mut t) = archiving("") else {
        return;
    };
    let mut traces = LeakScanner::start(&mut t.workspace);
    for (version, profile) in [(1, "modern"), (2, "legacy")] {
        let version = format!("pkcs12_password_wo_version = {version}");
        write(&t, &format!("{version}\n  pkcs12_profile = {profile:?}"));
        for command in [["plan", "-out=it.tfplan"], ["apply", "it.tfplan"]] {
            let output = t.workspace.run(command).success();
            traces.collect(&t.workspace, &output);
        }
        opens(&archive_of(&t), &t.newest());
        assert!(t.plans_nothing());
    }
    assert_eq!(t.posts(), 1, "another profile is no reason to issue");
    assert_eq!(traces.occurrences(&Secret::text(PASSWORD)), Vec::<&str>::new());
}

#[test]
fn another_version_builds_a_new_archive_of_the_same_certificate_without_a_request() {
    let Some(mut t) = archiving(VERSION_1) else {
        return;
    };
    t.apply(&[]);
    let first = t.object();
    t.set_var("password", "another password by now");
    assert!(t.plans_nothing(), "a password alone is no change: it cannot be compared");
    // The default, written out, is no change of the archive.
    write(&t, &format!("{VERSION_1}\n  pkcs12_profile = \"modern\""));
    t.apply(&[]);
    assert_eq!(t.object()["pkcs12_base64"], first["pkcs12_base64"]);

    write(&t, "pkcs12_password_wo_version = 2");
    let plan = t.workspace.plan(&[]).success().text();
    for words in ["pkcs12_base64 = (sensitive value)", "1 to change"] {
        assert!(plan.contains(words), "{plan}");
    }
    t.apply(&[]);
    let second = t.object();
    assert_ne!(second["pkcs12_base64"], first["pkcs12_base64"]);
    let archive = archive_of(&t);
    let opens = |password| KeyStore::from_pkcs12(&archive, password, Pkcs12ImportPolicy::Strict);
    assert!(opens("another password by now").is_ok() && opens(PASSWORD).is_err());
    for name in ["certificate_id", "combined_pem", "revision", "issue_reason"] {
        assert_eq!(second[name], first[name], "{name}");
    }

    t.set_config(&certificate(""));
    t.apply(&[]);
    assert_eq!(t.object()["pkcs12_base64"], Json::Null);
    assert!(t.plans_nothing());
    assert_eq!(t.posts(), 1);
}

#[test]
fn an_ignored_password_archives_and_an_ignored_version_without_one_warns() {
    let Some(t) = archiving(VERSION_1) else {
        return;
    };
    let ignoring = |name: &str| format!("lifecycle {{\n    ignore_changes = [{name}]\n  }}");
    // The password is hidden from the plan, and given to the apply.
    for version in [1, 2] {
        let version = format!("pkcs12_password_wo_version = {version}");
        write(&t, &format!("{version}\n  {}", ignoring("pkcs12_password_wo")));
        t.apply(&[]);
    }
    opens(&archive_of(&t), &t.newest());

    // An ignored profile stays as it is in the archive, also when that is built for another reason.
    let legacy = "pkcs12_password_wo_version = 3\n  pkcs12_profile = \"legacy\"";
    write(&t, &format!("{legacy}\n  {}", ignoring("pkcs12_profile")));
    t.apply(&[]);
    let is_modern = archive_of(&t).windows(AES_256_CBC.len()).any(|it| it == AES_256_CBC);
    assert!(is_modern);
    assert_eq!(t.object()["pkcs12_profile"], Json::Null);

    // The version comes from state, and no password from anywhere.
    t.set_config(&certificate(&ignoring("pkcs12_password_wo_version")));
    assert!(t.plans_nothing());
    t.advance_days(80);
    let output = t.workspace.apply(&[]).success().text();
    assert!(output.contains("No password for the PKCS#12 archive"), "{output}");
    let renewed = t.object();
    assert_eq!((&renewed["issue_reason"], t.posts()), (&json!("renewal"), 2));
    assert_eq!(renewed["pkcs12_base64"], Json::Null);
    assert!(renewed["combined_pem"].is_string());
}

#[test]
fn a_certificate_without_its_key_gets_a_warning_and_its_archive_with_the_next_issue() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let mut t = Fixture::imported("");
    t.set_var("password", PASSWORD);
    write(&t, VERSION_1);
    let output = t.workspace.apply(&[]).success().text();
    assert!(output.contains("No private key to archive"), "{output}");
    assert_eq!(t.object()["pkcs12_base64"], Json::Null);
    assert!(t.plans_nothing());
    assert_eq!(t.posts(), 0);
    t.advance_days(80);
    t.apply(&[]);
    assert_eq!(t.posts(), 1);
    opens(&archive_of(&t), &t.newest());
}

#[test]
fn a_password_that_is_unknown_in_the_plan_is_used_in_the_apply() {
    let Some(t) = archiving("") else {
        return;
    };
    let later =
        format!("resource \"terraform_data\" \"password\" {{\n  input = {PASSWORD:?}\n}}\n");
    let arguments = format!("pkcs12_password_wo = terraform_data.password.output\n  {VERSION_1}");
    t.set_config(&(later + &certificate(&arguments)));
    t.apply(&[]);
    opens(&archive_of(&t), &t.newest());
    assert!(t.plans_nothing());
}

#[test]
fn a_password_that_no_archive_can_have_is_refused_at_its_argument_and_not_shown() {
    let Some(mut t) = archiving(VERSION_1) else {
        return;
    };
    for (password, problem) in
        [("", "The password is empty"), ("hunter2-\u{fc}-hunter2-hunter2", "not printable ASCII")]
    {
        t.set_var("password", password);
        let mut traces = LeakScanner::start(&mut t.workspace);
        let output = t.workspace.plan(&[]).failure();
        traces.collect(&t.workspace, &output);
        let printed = output.text();
        for words in [problem, "pkcs12_password_wo = var.password"] {
            assert!(printed.contains(words), "{printed}");
        }
        let hunter = Secret::text("hunter2-hunter2-hunter2");
        assert_eq!(traces.occurrences(&hunter), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_host_that_would_store_the_password_is_refused_at_the_argument() {
    let atlas = atlas(&["app"]);
    let archive = json!({ "pkcs12_password_wo": PASSWORD, "pkcs12_password_wo_version": 1 });
    let archived = with(&config("app"), archive);
    for settings in [
        Settings::terraform("1.5.7"),
        Settings::terraform("1.10.5"),
        Settings::opentofu("1.6.3"),
        Settings::opentofu("1.10.0"),
    ] {
        let provider = Provider::spawn(SpawnOptions::new(provider()).envs(login(&atlas))).await;
        let core = Core::new(provider.unwrap(), settings.clone()).await.unwrap();
        core.configure(json!({})).await.unwrap().ok().unwrap();
        let mut instance = None;
        let outcome =
            core.resource(TYPE).apply_config(&mut instance, archived.clone()).await.unwrap();
        assert_eq!((outcome.action, &instance), (Action::Failed, &None), "{settings:?}");
        let refusal = outcome.diagnostics.at("pkcs12_password_wo").expect("an error there");
        assert!(!refusal.detail.contains(PASSWORD) && refusal.contains("1.11"), "{refusal:?}");
        let outcome = core.resource(TYPE).apply_config(&mut instance, config("app")).await.unwrap();
        assert_eq!(outcome.ok().unwrap().action, Action::Create, "{settings:?}");
    }
}

/// A folder whose password comes from an ephemeral variable; `None` where the CLI has no write-only arguments.
fn archiving(arguments: &str) -> Option<Fixture> {
    if !cli_has("write-only arguments", 11, 11) {
        return None;
    }
    let mut t = Fixture::new("");
    t.set_var("password", PASSWORD);
    write(&t, arguments);
    Some(t)
}

fn write(t: &Fixture, arguments: &str) {
    let variable = "variable \"password\" {\n  type = string\n  ephemeral = true\n}\n";
    let resource = certificate(&format!("pkcs12_password_wo = var.password\n  {arguments}"));
    t.set_config(&format!("{variable}{resource}"));
}

#[track_caller]
fn archive_of(t: &Fixture) -> Vec<u8> {
    let object = t.object();
    STANDARD.decode(object["pkcs12_base64"].as_str().expect("an archive")).expect("base64")
}

/// Checks that a key store, as Java has them, finds this certificate and its key.
#[track_caller]
pub(crate) fn opens(archive: &[u8], issued: &Certificate) {
    let store = KeyStore::from_pkcs12(archive, PASSWORD, Pkcs12ImportPolicy::Strict);
    let store = store.expect("it opens");
    let (name, chain) = store.private_key_chain().expect("an entry with a key");
    assert_eq!(name, "app");
    let found = [chain.certs()[0].as_der(), chain.key().as_der()];
    for (found, pem) in found.iter().zip([&issued.certificate_pem, &issued.key_pem]) {
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        assert_eq!(*found, STANDARD.decode(lines.concat()).expect("PEM"));
    }
}

/// The object identifier in an archive of the modern profile.
const AES_256_CBC: [u8; 11] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
