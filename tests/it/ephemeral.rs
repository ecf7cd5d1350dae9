//! The ephemeral resource that opens sealed certificates, in plans and applies of the real CLI.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::LocalAtlas;
use tf_harness::{
    cli::{Output, Workspace},
    core::{Core, Settings},
    plugin::{Provider, SpawnOptions},
    value::unknown,
};

use crate::support::{
    age::{self, Pair},
    atlas::{PROJECT, atlas, login},
    fixture::newest,
    leak_scanner::{LeakScanner, Secret},
    terraform::{bare_workspace, cli_has, provider, write_main},
};

#[test]
fn a_provisioner_gets_the_key_in_every_apply_that_issues_and_plans_between_are_empty() {
    if !has(11, 11) {
        return;
    }
    let (atlas, mine) = (atlas(&["app"]), age::pair());
    let mut workspace = signed_in(&atlas, &mine);
    let written = |trigger: &str| {
        format!(
            "{}\n{UNSEALED}\nresource \"terraform_data\" \"file\" {{\n  triggers_replace = atlas_user_certificate.app.revision\n  \
             provisioner \"local-exec\" {{\n    command = \"printf '%s' \\\"$PEM\\\" > client.pem; printf '%s' \\\"$CERTIFICATE$KEY\\\" > parts.pem\"\n    \
             environment = {{\n      PEM = ephemeral.atlas_unsealed_certificate.app.combined_pem\n      \
             CERTIFICATE = ephemeral.atlas_unsealed_certificate.app.certificate_pem\n      \
             KEY = ephemeral.atlas_unsealed_certificate.app.private_key_pem\n    }}\n  }}\n}}\n",
            certificate(&mine, &format!("rotate_when_changed = {{ at = {trigger:?} }}"))
        )
    };
    let mut traces = LeakScanner::start(&mut workspace);
    for trigger in ["one", "two"] {
        write_main(&workspace, &with_provider(&written(trigger)));
        let output = workspace.apply(&[]).success();
        let pem = fs::read_to_string(workspace.path().join("client.pem"))
            .expect("the provisioner wrote it");
        let parts = fs::read_to_string(workspace.path().join("parts.pem"))
            .expect("the provisioner wrote them");
        for file in ["client.pem", "parts.pem"] {
            fs::remove_file(workspace.path().join(file)).expect("it is there");
        }
        traces.collect(&workspace, &output);
        assert_eq!(
            pem,
            newest(&atlas).combined_pem(),
            "the key of the certificate that this apply issued"
        );
        assert_eq!(parts, pem);
        assert!(workspace.plans_nothing());
        let output = workspace.apply(&[]).success();
        assert!(output.text().contains("0 added, 0 changed, 0 destroyed"), "{}", output.text());
    }
    assert_eq!(atlas.control().issued_count(), 2);
    for issued in atlas.control().all_certificates() {
        assert_eq!(traces.occurrences(&Secret::key(&issued.key_pem)), Vec::<&str>::new());
    }
}

#[test]
fn a_write_only_argument_takes_what_was_sealed_without_a_trace() {
    if !has(11, 11) {
        return;
    }
    let (atlas, mine) = (atlas(&["app"]), age::pair());
    let mut workspace = signed_in(&atlas, &mine);
    // Any text can be sealed: here the password of an archive, by the age tools.
    let password = "a password of some length";
    let configuration = |version: u32| {
        format!(
            "ephemeral \"atlas_unsealed_certificate\" \"password\" {{\n  sealed_pem = <<-EOT\n{}\nEOT\n  age_identities = [var.identity]\n}}\n\
             resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  \
             pkcs12_password_wo = ephemeral.atlas_unsealed_certificate.password.combined_pem\n  pkcs12_password_wo_version = {version}\n}}\n",
            age::seal(password, &mine)
        )
    };
    let mut traces = LeakScanner::start(&mut workspace);
    let mut archives = Vec::new();
    for version in [1, 2] {
        write_main(&workspace, &with_provider(&format!("{IDENTITY}{}", configuration(version))));
        let output = workspace.apply(&[]).success();
        traces.collect(&workspace, &output);
        let archive = workspace.instances("atlas_user_certificate")[0]["pkcs12_base64"]
            .as_str()
            .expect("an archive")
            .to_owned();
        let der = STANDARD.decode(&archive).expect("base64");
        assert!(
            p12_keystore::KeyStore::from_pkcs12(
                &der,
                password,
                p12_keystore::Pkcs12ImportPolicy::Strict
            )
            .is_ok()
        );
        archives.push(archive);
        assert!(workspace.plans_nothing());
    }
    assert_ne!(archives[0], archives[1]);
    assert_eq!(atlas.control().issued_count(), 1);
    assert_eq!(traces.occurrences(&Secret::text(password)), Vec::<&str>::new());
}

#[test]
fn a_provider_block_takes_what_was_sealed_in_plan_and_apply() {
    if !has(10, 11) {
        return;
    }
    let (atlas, mine) = (atlas(&["app"]), age::pair());
    let mut workspace = bare_workspace("");
    workspace.set_env("MONGODB_ATLAS_BASE_URL", &atlas.base_url());
    workspace.set_env("TF_VAR_identity", &mine.identity);
    let sealed = age::seal(&atlas.control().credentials().access_token, &mine);
    write_main(
        &workspace,
        &format!(
            "{IDENTITY}provider \"atlas\" {{\n  access_token = ephemeral.atlas_unsealed_certificate.token.combined_pem\n}}\n\
             provider \"atlas\" {{\n  alias = \"opens\"\n  access_token = \"unused\"\n}}\n\
             ephemeral \"atlas_unsealed_certificate\" \"token\" {{\n  provider = atlas.opens\n  sealed_pem = <<-EOT\n{sealed}\nEOT\n  \
             age_identities = [var.identity]\n}}\n\
             resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n"
        ),
    );
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    assert_eq!(atlas.control().issued_count(), 1);
    let token = Secret::text(&atlas.control().credentials().access_token);
    let mut traces = LeakScanner::start(&mut workspace);
    let output = workspace.apply(&["-replace=atlas_user_certificate.app"]).success();
    traces.collect(&workspace, &output);
    assert_eq!(traces.occurrences(&token), Vec::<&str>::new());
}

#[test]
fn a_wrong_identity_and_a_damaged_text_are_errors_without_content() {
    if !has(11, 11) {
        return;
    }
    let (atlas, mine, other) = (atlas(&["app"]), age::pair(), age::pair());
    let mut workspace = signed_in(&atlas, &mine);
    let both = format!("{}\n{UNSEALED}", certificate(&mine, ""));
    write_main(&workspace, &with_provider(&both));
    workspace.apply(&[]).success();
    let mut traces = LeakScanner::start(&mut workspace);
    let mut refused = |workspace: &Workspace, wanted: &[&str]| {
        let output: Output = workspace.plan(&[]).failure();
        traces.collect(workspace, &output);
        for text in wanted {
            assert!(output.text().contains(text), "{text:?} is not in {}", output.text());
        }
    };
    workspace.set_env("TF_VAR_identity", &other.identity);
    refused(
        &workspace,
        &["No identity opens the sealed certificate", "encrypted to other recipients"],
    );
    workspace.set_env("TF_VAR_identity", &mine.recipient);
    refused(&workspace, &["Invalid age identity", "the public half"]);
    workspace.set_env("TF_VAR_identity", &mine.identity);
    let unsealed = UNSEALED.replace(
        "atlas_user_certificate.app.sealed_pem",
        "substr(atlas_user_certificate.app.sealed_pem, 0, 900)",
    );
    write_main(&workspace, &with_provider(&format!("{}\n{unsealed}", certificate(&mine, ""))));
    refused(&workspace, &["Sealed certificate cannot be opened", "damaged"]);
    assert_eq!(traces.occurrences(&Secret::key(&newest(&atlas).key_pem)), Vec::<&str>::new());
    for identity in [&mine.identity, &other.identity] {
        let secret = identity.strip_prefix("AGE-SECRET-KEY-1").expect("an identity");
        assert_eq!(traces.occurrences(&Secret::text(secret)), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn the_ephemeral_resource_needs_no_provider_configuration_and_no_network() {
    let mine = age::pair();
    for settings in [Settings::terraform("1.11.4"), Settings::opentofu("1.12.6")] {
        let provider = Provider::spawn(SpawnOptions::new(provider())).await.unwrap();
        let core = Core::new(provider, settings).await.unwrap();
        let config = serde_json::json!({
            "sealed_pem": age::seal("any text", &mine),
            "age_identities": ["# a comment\n".to_owned() + &mine.identity],
        });
        let opened = core.open_ephemeral("atlas_unsealed_certificate", config).await.unwrap();
        let warnings: Vec<_> = opened.diagnostics.warnings().collect();
        assert_eq!(warnings.len(), 1, "what is sealed is no certificate");
        assert_eq!(warnings[0].path, "sealed_pem");
        let instance = opened.instance.expect("it is open");
        assert_eq!(instance.result["combined_pem"], "any text");
        assert!(instance.result["private_key_pem"].is_null());
        assert!(instance.renew_at.is_none());
        instance.close().await.unwrap();
        for unsure in [
            serde_json::json!({ "sealed_pem": unknown(), "age_identities": [mine.identity] }),
            serde_json::json!({ "sealed_pem": "x", "age_identities": unknown() }),
            serde_json::json!({ "sealed_pem": unknown(), "age_identities": [unknown()] }),
        ] {
            let found =
                core.validate_ephemeral("atlas_unsealed_certificate", unsure).await.unwrap();
            assert!(found.is_empty(), "what is unknown is not judged: {found:?}");
        }
        let found = core
            .validate_ephemeral(
                "atlas_unsealed_certificate",
                serde_json::json!({ "sealed_pem": unknown(), "age_identities": [] }),
            )
            .await
            .unwrap();
        assert!(found.at("age_identities").is_some());
    }
}

/// Whether the CLI is recent enough; if not, it is said.
fn has(terraform: u32, tofu: u32) -> bool {
    cli_has("an ephemeral value of this kind", terraform, tofu)
}

/// A folder with a login, and the identity in an ephemeral variable.
fn signed_in(atlas: &LocalAtlas, pair: &Pair) -> Workspace {
    let mut workspace = bare_workspace("");
    for (name, value) in login(atlas) {
        workspace.set_env(name, &value);
    }
    workspace.set_env("TF_VAR_identity", &pair.identity);
    workspace
}

fn with_provider(configuration: &str) -> String {
    format!("provider \"atlas\" {{}}\n\n{configuration}")
}

fn certificate(pair: &Pair, more: &str) -> String {
    format!(
        "{IDENTITY}resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  \
         private_key_recipients = [{:?}]\n  {more}\n}}\n",
        pair.recipient
    )
}

const IDENTITY: &str = "variable \"identity\" {\n  type = string\n  ephemeral = true\n}\n";

const UNSEALED: &str = "ephemeral \"atlas_unsealed_certificate\" \"app\" {\n  sealed_pem = atlas_user_certificate.app.sealed_pem\n  \
    age_identities = [var.identity]\n}\n";
