//! PKCS#12 archives: who opens them, when they are made anew, and what becomes of their password.

pub(crate) mod readers;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::{Certificate, Endpoint, LocalAtlas};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use serde_json::{Value as Json, json};
use tf_harness::{
    cli::Workspace,
    core::{Action, Core, Settings},
    plugin::{Provider, SpawnOptions},
};

use self::readers::{
    opened_by_keytool, opened_by_openssl, opened_by_p12_keystore, opened_by_picky,
};
use crate::support::{
    atlas::{PROJECT, atlas, login},
    terraform::{provider, version, workspace, write_main},
    traces::{Secret, Traces},
};

#[test]
fn every_reader_opens_both_profiles_and_the_password_is_nowhere() {
    let Some((atlas, mut workspace)) = archiving("") else {
        return;
    };
    let mut traces = Traces::start(&mut workspace);
    for (version, profile) in [(1, "modern"), (2, "legacy")] {
        write(
            &workspace,
            &format!("pkcs12_password_wo_version = {version}\n  pkcs12_profile = {profile:?}"),
        );
        for command in [["plan", "-out=it.tfplan"], ["apply", "it.tfplan"]] {
            let output = workspace.run(command).success();
            traces.collect(&workspace, &output);
        }
        let issued = newest(&atlas);
        let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
        let wanted = (der(&issued.certificate_pem), der(&issued.key_pem));
        assert_eq!(opened_by_p12_keystore(&archive), wanted, "{profile}");
        assert_eq!(opened_by_picky(&archive), wanted, "{profile}");
        let file = workspace.path().join("archive.p12");
        std::fs::write(&file, &archive).expect("written");
        if let Some(opened) = opened_by_openssl(&file, profile) {
            assert_eq!(opened, wanted, "{profile}");
        }
        if let Some(opened) = opened_by_keytool(&file) {
            assert_eq!(opened, wanted, "{profile}");
        }
        std::fs::remove_file(&file).expect("it is there");
        assert!(workspace.plans_nothing());
    }
    assert_eq!(posts(&atlas), 1, "another profile is no reason to issue");
    assert_eq!(traces.places(&Secret::text(PASSWORD)), Vec::<&str>::new());
}

#[test]
fn another_version_or_profile_makes_a_new_archive_of_the_same_certificate_without_a_call() {
    let Some((atlas, mut workspace)) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    workspace.apply(&[]).success();
    let first = only(&workspace);

    workspace.set_env("TF_VAR_password", "another password by now");
    assert!(
        workspace.plans_nothing(),
        "a password alone is no change: nobody can compare it"
    );
    // The default, spelt out, is no change of the archive.
    write(
        &workspace,
        "pkcs12_password_wo_version = 1\n  pkcs12_profile = \"modern\"",
    );
    workspace.apply(&[]).success();
    assert_eq!(archive_of(&workspace), first["pkcs12_base64"]);

    write(&workspace, "pkcs12_password_wo_version = 2");
    let plan = workspace.plan(&[]).success().text();
    assert!(
        plan.contains("pkcs12_base64 = (sensitive value)") && plan.contains("1 to change"),
        "{plan}"
    );
    workspace.apply(&[]).success();
    let second = only(&workspace);
    assert_ne!(second["pkcs12_base64"], first["pkcs12_base64"]);
    let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
    let opens = |password: &str| {
        KeyStore::from_pkcs12(&archive, password, Pkcs12ImportPolicy::Strict).is_ok()
    };
    assert!(opens("another password by now") && !opens(PASSWORD));
    for name in ["certificate_id", "combined_pem", "revision", "issue_reason"] {
        assert_eq!(second[name], first[name], "{name}");
    }

    remove_archive(&workspace);
    workspace.apply(&[]).success();
    assert_eq!(only(&workspace)["pkcs12_base64"], Json::Null);
    assert!(workspace.plans_nothing());
    assert_eq!(posts(&atlas), 1);
}

#[test]
fn a_renewal_makes_an_archive_of_the_new_certificate() {
    let Some((atlas, workspace)) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    workspace.apply(&[]).success();
    atlas.control().advance(EIGHTY_DAYS);
    workspace.apply(&[]).success();
    assert_eq!(posts(&atlas), 2);
    let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
    assert_eq!(
        opened_by_p12_keystore(&archive).0,
        der(&newest(&atlas).certificate_pem)
    );
}

#[test]
fn an_ignored_password_archives_and_an_ignored_version_without_one_warns() {
    let Some((atlas, workspace)) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    let ignoring = |names: &str| format!("lifecycle {{\n    ignore_changes = [{names}]\n  }}");
    // The password is hidden from the plan, and given to the apply.
    write(
        &workspace,
        &format!(
            "pkcs12_password_wo_version = 1\n  {}",
            ignoring("pkcs12_password_wo")
        ),
    );
    workspace.apply(&[]).success();
    write(
        &workspace,
        &format!(
            "pkcs12_password_wo_version = 2\n  {}",
            ignoring("pkcs12_password_wo")
        ),
    );
    workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
    assert_eq!(
        opened_by_p12_keystore(&archive).0,
        der(&newest(&atlas).certificate_pem)
    );

    // What is ignored stays as it is in the archive, also when that is made for another reason.
    let ignored = format!(
        "pkcs12_password_wo_version = 3\n  pkcs12_profile = \"legacy\"\n  {}",
        ignoring("pkcs12_profile")
    );
    write(&workspace, &ignored);
    workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
    assert!(contains(&archive, &AES_256_CBC), "still the modern profile");
    assert_eq!(only(&workspace)["pkcs12_profile"], Json::Null);

    // The version comes from state, and no password from anywhere.
    write_main(
        &workspace,
        &format!(
            "provider \"atlas\" {{}}\n{}",
            certificate(&ignoring("pkcs12_password_wo_version"))
        ),
    );
    assert!(workspace.plans_nothing());
    atlas.control().advance(EIGHTY_DAYS);
    let output = workspace.apply(&[]).success().text();
    assert!(
        output.contains("No password for the PKCS#12 archive"),
        "{output}"
    );
    let renewed = only(&workspace);
    assert_eq!(renewed["issue_reason"], "renewal");
    assert_eq!(renewed["pkcs12_base64"], Json::Null);
    assert!(renewed["combined_pem"].is_string());
    assert_eq!(posts(&atlas), 2);
}

#[test]
fn a_certificate_without_its_key_gets_a_warning_and_its_archive_with_the_next_issue() {
    let Some((atlas, workspace)) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    atlas.control().issue(PROJECT, "app", 3);
    remove_archive(&workspace);
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
    write(&workspace, "pkcs12_password_wo_version = 1");
    let output = workspace.apply(&[]).success().text();
    assert!(output.contains("No private key to archive"), "{output}");
    assert_eq!(only(&workspace)["pkcs12_base64"], Json::Null);
    assert!(workspace.plans_nothing());
    assert_eq!(posts(&atlas), 0);

    atlas.control().advance(EIGHTY_DAYS);
    workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
    assert_eq!(
        opened_by_p12_keystore(&archive).0,
        der(&newest(&atlas).certificate_pem)
    );
}

#[test]
fn a_password_that_is_unknown_in_the_plan_is_used_in_the_apply() {
    let Some((atlas, workspace)) = archiving("") else {
        return;
    };
    let unknown = format!(
        "resource \"terraform_data\" \"password\" {{\n  input = {PASSWORD:?}\n}}\n{}",
        certificate(
            "pkcs12_password_wo = terraform_data.password.output\n  pkcs12_password_wo_version = 1"
        )
    );
    write_main(&workspace, &format!("provider \"atlas\" {{}}\n{unknown}"));
    workspace.apply(&[]).success();
    let archive = STANDARD.decode(archive_of(&workspace)).expect("base64");
    assert_eq!(
        opened_by_p12_keystore(&archive).0,
        der(&newest(&atlas).certificate_pem)
    );
    assert!(workspace.plans_nothing());
}

#[test]
fn a_password_that_no_archive_can_have_is_refused_at_its_argument_and_not_shown() {
    let Some((_atlas, mut workspace)) = archiving("pkcs12_password_wo_version = 1") else {
        return;
    };
    for (password, problem) in [
        ("", "the password is empty"),
        ("hunter2-\u{fc}-hunter2-hunter2", "not printable ascii"),
    ] {
        workspace.set_env("TF_VAR_password", password);
        let mut traces = Traces::start(&mut workspace);
        let output = workspace.plan(&[]).failure();
        traces.collect(&workspace, &output);
        let said = output.text().to_lowercase();
        assert!(
            said.contains(problem) && said.contains("pkcs12_password_wo = var.password"),
            "{said}"
        );
        assert_eq!(
            traces.places(&Secret::text("hunter2-hunter2-hunter2")),
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
        let core = Core::new(Provider::spawn(options).await.unwrap(), settings.clone())
            .await
            .unwrap();
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
        let refusal = outcome
            .diagnostics
            .at("pkcs12_password_wo")
            .expect("an error there")
            .clone();
        assert!(
            !refusal.detail.contains(PASSWORD) && refusal.contains("1.11"),
            "{refusal:?}"
        );
        assert!(instance.is_none());
        for name in ["pkcs12_password_wo", "pkcs12_password_wo_version"] {
            config[name] = Json::Null;
        }
        let outcome = core
            .apply_config("atlas_user_certificate", &mut instance, config)
            .await
            .unwrap();
        assert_eq!(outcome.ok().unwrap().action, Action::Create, "{settings:?}");
    }
}

/// A folder whose password comes from an ephemeral variable; `None` where the CLI knows none of that, which is said.
fn archiving(arguments: &str) -> Option<(LocalAtlas, Workspace)> {
    if !version().has(11, 11) {
        eprintln!("skipped: write-only arguments need Terraform 1.11 or OpenTofu 1.11");
        return None;
    }
    let atlas = atlas(&["app"]);
    let mut workspace = workspace(&atlas, "");
    workspace.set_env("TF_VAR_password", PASSWORD);
    write(&workspace, arguments);
    Some((atlas, workspace))
}

fn write(workspace: &Workspace, arguments: &str) {
    let variable = "variable \"password\" {\n  type = string\n  ephemeral = true\n}\n";
    let resource = certificate(&format!("pkcs12_password_wo = var.password\n  {arguments}"));
    write_main(
        workspace,
        &format!("provider \"atlas\" {{}}\n{variable}{resource}"),
    );
}

fn remove_archive(workspace: &Workspace) {
    write_main(
        workspace,
        &format!("provider \"atlas\" {{}}\n{}", certificate("")),
    );
}

fn certificate(arguments: &str) -> String {
    format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  {arguments}\n}}\n"
    )
}

#[track_caller]
fn only(workspace: &Workspace) -> Json {
    let mut all = workspace.instances("atlas_user_certificate");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[track_caller]
fn archive_of(workspace: &Workspace) -> String {
    only(workspace)["pkcs12_base64"]
        .as_str()
        .expect("an archive")
        .to_owned()
}

fn newest(atlas: &LocalAtlas) -> Certificate {
    atlas
        .control()
        .certificates(PROJECT, "app")
        .pop()
        .expect("a certificate")
}

fn posts(atlas: &LocalAtlas) -> usize {
    atlas
        .control()
        .requests_to(Endpoint::IssueCertificate)
        .len()
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let lines: Vec<&str> = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(lines.concat()).expect("PEM")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The object identifier, as it stands in an archive of the modern profile.
const AES_256_CBC: [u8; 11] = [
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a,
];

/// Into the renewal window of a certificate for three months.
const EIGHTY_DAYS: Duration = Duration::from_secs(80 * 24 * 60 * 60);

pub(crate) const PASSWORD: &str = "correct horse 7Rz battery!";
