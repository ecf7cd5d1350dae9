//! `adopt_pem_wo`: a key that was stored elsewhere comes back, and no request issues a certificate.

use std::time::Duration;

use local_atlas::{Certificate, Endpoint, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_harness::cli::Workspace;

use crate::support::{
    age::{Pair, open, pair},
    atlas::{PROJECT, atlas},
    terraform::{version, workspace, write_main},
    diagnostics::{CliDiagnostic, diagnostics},
};

#[test]
fn an_adopted_key_is_in_state_like_an_issued_one_and_the_certificate_stays() {
    if !supported() {
        return;
    }
    let keys = pair();
    for sealed in [None, Some(&keys)] {
        let (atlas, certificate, mut workspace) = imported();
        let before = only(&workspace);
        let pem = certificate.combined_pem().replace('\n', "\r\n");
        workspace.set_env("TF_VAR_pem", &pem);
        write(&workspace, &adoption(sealed, 1));
        workspace.run(["plan", "-out=change"]).success();
        workspace.run(["apply", "-input=false", "change"]).success();
        let object = only(&workspace);
        assert_eq!(key_of(&object, sealed), pem);
        assert!(object["issuer"].is_string() && object["fingerprint_sha256"].is_string());
        assert_eq!(object["has_private_key"], true);
        for name in [
            "certificate_id",
            "not_after",
            "renewal_time",
            "revision",
            "issue_reason",
            "replaces_certificate_id",
        ] {
            assert_eq!(object[name], before[name], "{name}");
        }
        assert!(workspace.plans_nothing());
        assert_eq!(posts(&atlas), 0);

        // The key is never overwritten.
        write(&workspace, &adoption(sealed, 2));
        let refusal = diagnostics(&workspace.plan(&["-json"]).failure());
        failed(&refusal, "never overwritten");
        write(&workspace, &adoption(sealed, 1));

        // From here on it is a certificate like others.
        atlas.control().advance(Duration::from_secs(80 * 86_400));
        workspace.apply(&[]).success();
        assert_eq!(
            (posts(&atlas), &only(&workspace)["issue_reason"]),
            (1, &json!("renewal"))
        );
        workspace.destroy(&[]).success();
    }
}

#[test]
fn a_pem_that_does_not_match_leaves_the_object_unchanged() {
    if !supported() {
        return;
    }
    let (atlas, certificate, mut workspace) = imported();
    let before = only(&workspace);
    write(&workspace, &adoption(None, 1));
    let other = atlas.control().issue(PROJECT, "app", 3);
    let chain = format!("{}{}", other.certificate_pem, certificate.combined_pem());
    for (pem, problem) in [
        (other.combined_pem(), "To adopt that one, import it"),
        (certificate.certificate_pem.clone(), "no private key"),
        (
            format!("{}{}", certificate.certificate_pem, other.key_pem),
            "does not belong",
        ),
        (chain, "more than one certificate"),
        (String::new(), "no certificate"),
    ] {
        workspace.set_env("TF_VAR_pem", &pem);
        let refusal = diagnostics(&workspace.apply(&["-json"]).failure());
        let error = failed(&refusal, problem);
        assert_eq!(error.summary, "Private key cannot be adopted");
        assert_eq!(only(&workspace), before, "{problem}");
    }
    workspace.set_env("MONGODB_ATLAS_BASE_URL", &atlas.base_url());
    write_main(
        &workspace,
        &format!(
            "provider \"atlas\" {{\n  require_private_key_recipients = true\n}}\n{}",
            resource(&adoption(None, 1))
        ),
    );
    workspace.set_env("TF_VAR_pem", &certificate.combined_pem());
    let refusal = diagnostics(&workspace.plan(&["-json"]).failure());
    failed(&refusal, "require_private_key_recipients");
    assert_eq!(only(&workspace), before);
    assert_eq!(posts(&atlas), 0);
}

#[test]
fn a_plan_that_issues_skips_the_adoption_with_a_warning() {
    if !supported() {
        return;
    }
    let (atlas, certificate, mut workspace) = imported();
    workspace.set_env("TF_VAR_pem", &certificate.combined_pem());
    write(
        &workspace,
        &format!("months_until_expiration = 6\n{}", adoption(None, 1)),
    );
    let warnings = diagnostics(&workspace.apply(&["-json"]).success());
    assert!(
        warnings
            .iter()
            .any(|shown| shown.summary == "Nothing is adopted"),
        "{warnings:?}"
    );
    let object = only(&workspace);
    assert_ne!(object["certificate_id"], certificate.id.to_string());
    assert!(object["combined_pem"].is_string());
    assert!(workspace.plans_nothing());
    assert_eq!(posts(&atlas), 1);
}

fn supported() -> bool {
    let supported = version().has(11, 11);
    if !supported {
        eprintln!("skipped: write-only arguments need Terraform 1.11 or OpenTofu 1.11");
    }
    supported
}

/// An imported certificate without its key.
fn imported() -> (LocalAtlas, Certificate, Workspace) {
    let atlas = atlas(&["app"]);
    let certificate = atlas.control().issue(PROJECT, "app", 3);
    let mut workspace = workspace(&atlas, &resource(""));
    workspace.set_env("TF_VAR_pem", "");
    let id = format!("{PROJECT}/app");
    workspace
        .run(["import", "atlas_user_certificate.app", &id])
        .success();
    workspace.apply(&[]).success();
    (atlas, certificate, workspace)
}

fn write(workspace: &Workspace, arguments: &str) {
    write_main(
        workspace,
        &format!("provider \"atlas\" {{}}\n{}", resource(arguments)),
    );
}

fn resource(arguments: &str) -> String {
    format!(
        "variable \"pem\" {{\n  ephemeral = true\n}}\nresource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \
         \"app\"\n  {arguments}\n}}\n"
    )
}

fn adoption(sealed: Option<&Pair>, version: u32) -> String {
    let recipients = sealed.map_or_else(String::new, |keys| {
        format!("private_key_recipients = [{:?}]\n", keys.recipient)
    });
    format!("{recipients}adopt_pem_wo = var.pem\n  adopt_pem_wo_version = {version}")
}

/// The key in state, decrypted if it is sealed.
fn key_of(object: &Json, sealed: Option<&Pair>) -> String {
    match sealed {
        None => object["combined_pem"].as_str().expect("a key").to_owned(),
        Some(keys) => {
            assert!(object["combined_pem"].is_null());
            open(object["sealed_pem"].as_str().expect("a sealed key"), keys).expect("opens")
        }
    }
}

#[track_caller]
fn failed<'a>(shown: &'a [CliDiagnostic], text: &str) -> &'a CliDiagnostic {
    let found = shown
        .iter()
        .find(|shown| shown.is_error && shown.contains(text));
    found.unwrap_or_else(|| panic!("no error with {text:?}: {shown:#?}"))
}

#[track_caller]
fn only(workspace: &Workspace) -> Json {
    let mut all = workspace.instances("atlas_user_certificate");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn posts(atlas: &LocalAtlas) -> usize {
    atlas
        .control()
        .requests_to(Endpoint::IssueCertificate)
        .len()
}
