//! The ephemeral resource that opens sealed certificates, in plans and applies of the real CLI.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::X509Type;
use serde_json::json;
use tf_harness::{
    core::{Core, Settings},
    plugin::{Provider, SpawnOptions},
};

use crate::{
    pkcs12::{PASSWORD, opens},
    support::{
        age::{self, Pair},
        atlas::PROJECT,
        fixture::{Fixture, TYPE, certificate, resource},
        leak_scanner::{LeakScanner, Secret},
        terraform::{cli_has, provider},
    },
};

const UNSEALED: &str = "atlas_unsealed_certificate";

#[test]
fn a_provisioner_gets_the_key_in_every_apply_that_issues_and_plans_between_are_empty() {
    let Some((mut t, mine)) = with_identity() else {
        return;
    };
    let parts = ["PEM=combined_pem", "CERTIFICATE=certificate_pem", "KEY=private_key_pem"];
    let command =
        "printf '%s' \\\"$PEM\\\" > client.pem; printf '%s' \\\"$CERTIFICATE$KEY\\\" > parts.pem";
    let provisioner = provisioner("atlas_user_certificate.app.revision", command, &parts);
    let mut traces = LeakScanner::start(&mut t.workspace);
    for trigger in ["one", "two"] {
        let trigger = format!("rotate_when_changed = {{ at = {trigger:?} }}");
        t.set_config(&(sealed(&mine, &trigger) + &unsealed("") + &provisioner));
        let output = t.workspace.apply(&[]).success();
        let [pem, parts] = ["client.pem", "parts.pem"].map(|file| take(&t, file));
        traces.collect(&t.workspace, &output);
        assert_eq!(pem, t.newest().combined_pem(), "the certificate that this apply issued");
        assert_eq!(parts, pem);
        assert!(t.plans_nothing());
    }
    assert_eq!(t.posts(), 2);
    for issued in t.issued() {
        assert_eq!(traces.occurrences(&Secret::key(&issued.key_pem)), Vec::<&str>::new());
    }
}

#[test]
fn an_unsealed_archive_opens_and_a_write_only_argument_leaves_no_byte_of_it() {
    let Some((mut t, mine)) = with_identity() else {
        return;
    };
    t.atlas.control().add_user(PROJECT, "other", X509Type::Managed);
    t.set_var("password", PASSWORD);
    let mut traces = LeakScanner::start(&mut t.workspace);
    let mut archives = Vec::new();
    for (version, profile) in [("1", "modern"), ("2", "legacy")] {
        let archive = format!("ephemeral.{UNSEALED}.app.pkcs12_base64");
        let other =
            format!("pkcs12_password_wo = {archive}\n  pkcs12_password_wo_version = {version}");
        let command = "printf '%s' \\\"$P12\\\" > archive.txt";
        t.set_config(
            &[
                variable("password"),
                sealed(&mine, ""),
                unsealed(&format!(
                    "pkcs12_password = var.password\n  pkcs12_profile = {profile:?}"
                )),
                resource("other", &format!("username = \"other\"\n  {other}")),
                provisioner(version, command, &["P12=pkcs12_base64"]),
            ]
            .concat(),
        );
        traces.collect(&t.workspace, &t.workspace.plan(&["-out=it.tfplan"]).success());
        let output = t.workspace.run(["apply", "it.tfplan"]).success();
        let archive = STANDARD.decode(take(&t, "archive.txt")).expect("base64");
        traces.collect(&t.workspace, &output);
        opens(&archive, &t.newest());
        archives.push(archive);
    }
    assert_ne!(archives[0], archives[1]);
    for archive in archives {
        // Ciphertext only: the headers are the same in the archive of the other certificate, which is in state.
        assert_eq!(traces.occurrences(&Secret::bytes(&archive[300..700])), Vec::<&str>::new());
    }
    assert_eq!(traces.occurrences(&Secret::text(PASSWORD)), Vec::<&str>::new());
}

#[test]
fn a_provider_block_takes_an_unsealed_token_in_plan_and_apply() {
    let Some((mut t, mine)) = with_identity() else {
        return;
    };
    t.clear_credentials();
    let token = t.atlas.control().credentials().access_token;
    let opener = "provider \"atlas\" {\n  alias = \"opens\"\n  access_token = \"unused\"\n}\n";
    let text = format!("<<-EOT\n{}\nEOT\n  provider = atlas.opens", age::seal(&token, &mine));
    let unsealed = unsealed("").replace("atlas_user_certificate.app.sealed_pem", &text);
    let block = format!("access_token = ephemeral.{UNSEALED}.app.combined_pem");
    t.set_provider(&block, &[opener, &variable("identity"), &unsealed, &certificate("")].concat());
    t.workspace.apply(&[]).success();
    assert!(t.plans_nothing());
    let mut traces = LeakScanner::start(&mut t.workspace);
    let output = t.workspace.apply(&["-replace=atlas_user_certificate.app"]).success();
    traces.collect(&t.workspace, &output);
    assert_eq!(t.posts(), 2);
    assert_eq!(traces.occurrences(&Secret::text(&token)), Vec::<&str>::new());
}

#[test]
fn a_wrong_identity_and_a_damaged_text_are_errors_without_content() {
    let Some((mut t, mine)) = with_identity() else {
        return;
    };
    let other = age::pair();
    t.set_config(&(sealed(&mine, "") + &unsealed("")));
    t.workspace.apply(&[]).success();
    let mut traces = LeakScanner::start(&mut t.workspace);
    let cut = unsealed("").replace(".app.sealed_pem", ".app.sealed_pem, 0, 900)");
    let cut = cut.replace("= atlas_user_certificate", "= substr(atlas_user_certificate");
    for (identity, text, title, words) in [
        (
            &other.identity,
            unsealed(""),
            "No identity opens the sealed certificate",
            "encrypted to other recipients",
        ),
        (&mine.recipient, unsealed(""), "Invalid age identity", "the public half"),
        (&mine.identity, cut, "Sealed certificate cannot be opened", "damaged"),
    ] {
        t.set_var("identity", identity);
        t.set_config(&(sealed(&mine, "") + &text));
        let output = t.workspace.plan(&[]).failure();
        traces.collect(&t.workspace, &output);
        let printed = output.text();
        assert!(printed.contains(title) && printed.contains(words), "{printed}");
    }
    assert_eq!(traces.occurrences(&Secret::key(&t.newest().key_pem)), Vec::<&str>::new());
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
        let sealed = age::seal("any text", &mine);
        let identity = format!("# a comment\n{}", mine.identity);
        let config = json!({ "sealed_pem": sealed, "age_identities": [identity] });
        let opened = core.open_ephemeral(UNSEALED, config).await.unwrap();
        let warnings: Vec<_> = opened.diagnostics.warnings().map(|it| it.path.as_str()).collect();
        assert_eq!(warnings, ["sealed_pem"], "the text is no certificate");
        let instance = opened.instance.expect("it is open");
        assert_eq!(instance.result["combined_pem"], "any text");
        assert!(instance.result["private_key_pem"].is_null() && instance.renew_at.is_none());
        instance.close().await.unwrap();
    }
}

/// A folder with an age identity in an ephemeral variable; `None` where the CLI has no write-only arguments.
fn with_identity() -> Option<(Fixture, Pair)> {
    if !cli_has("ephemeral values and write-only arguments", 11, 11) {
        return None;
    }
    let (mut t, mine) = (Fixture::new(""), age::pair());
    t.set_var("identity", &mine.identity);
    Some((t, mine))
}

fn variable(name: &str) -> String {
    format!("variable {name:?} {{\n  type = string\n  ephemeral = true\n}}\n")
}

/// The variable with the identity, and a sealed certificate.
fn sealed(pair: &Pair, more: &str) -> String {
    let recipients = format!("private_key_recipients = [{:?}]", pair.recipient);
    variable("identity") + &certificate(&format!("{recipients}\n  {more}"))
}

fn unsealed(more: &str) -> String {
    format!(
        "ephemeral {UNSEALED:?} \"app\" {{\n  sealed_pem = {TYPE}.app.sealed_pem\n  age_identities = [var.identity]\n  {more}\n}}\n"
    )
}

/// A provisioner that gets attributes of the unsealed certificate in its environment.
fn provisioner(trigger: &str, command: &str, environment: &[&str]) -> String {
    let line = |it: &&str| {
        let (name, attribute) = it.split_once('=').expect("NAME=attribute");
        format!("      {name} = ephemeral.{UNSEALED}.app.{attribute}\n")
    };
    let environment: String = environment.iter().map(line).collect();
    format!(
        "resource \"terraform_data\" \"file\" {{\n  triggers_replace = {trigger}\n  provisioner \"local-exec\" {{\n    \
         command = \"{command}\"\n    environment = {{\n{environment}    }}\n  }}\n}}\n"
    )
}

/// The content of a file that the provisioner wrote, which is removed.
fn take(t: &Fixture, file: &str) -> String {
    let path = t.workspace.path().join(file);
    let text = fs::read_to_string(&path).expect("the provisioner wrote it");
    fs::remove_file(path).expect("it is there");
    text
}
