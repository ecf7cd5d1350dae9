//! PKCS#12 archives from the ephemeral resource, in applies of the real CLI.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tf_harness::cli::Workspace;

use crate::{
    pkcs12::{PASSWORD, der, opened_by_p12_keystore},
    support::{
        age,
        atlas::{PROJECT, atlas, login},
        leak_scanner::{LeakScanner, Secret},
        terraform::{bare_workspace, cli_has, write_main},
    },
};

#[test]
fn an_unsealed_archive_opens_and_a_write_only_argument_leaves_no_byte_of_it() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let (atlas, mine) = (atlas(&["app", "other"]), age::pair());
    let mut workspace = bare_workspace("");
    for (name, value) in login(&atlas) {
        workspace.set_env(name, &value);
    }
    workspace.set_env("TF_VAR_identity", &mine.identity);
    workspace.set_env("TF_VAR_password", PASSWORD);
    let mut traces = LeakScanner::start(&mut workspace);
    let mut archives = Vec::new();
    for (version, profile) in [(1, "modern"), (2, "legacy")] {
        write_main(&workspace, &configuration(&mine.recipient, version, profile));
        let output = workspace.run(["plan", "-out=it.tfplan"]).success();
        traces.collect(&workspace, &output);
        let output = workspace.run(["apply", "it.tfplan"]).success();
        let archive = take_archive(&workspace);
        traces.collect(&workspace, &output);
        let issued = atlas.control().certificates(PROJECT, "app").pop().expect("a certificate");
        let expected = (der(&issued.certificate_pem), der(&issued.key_pem));
        assert_eq!(opened_by_p12_keystore(&archive), expected, "{profile}");
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
fn a_password_or_a_profile_that_cannot_be_used_is_an_error_at_its_argument() {
    if !cli_has("ephemeral resources", 10, 11) {
        return;
    }
    let workspace = bare_workspace("");
    for (argument, summary) in [
        ("pkcs12_password = \"Zürich-2026-Zürich\"", "Invalid password"),
        ("pkcs12_password = \"\"", "Invalid password"),
        ("pkcs12_profile = \"old\"", "Invalid pkcs12_profile"),
    ] {
        write_main(
            &workspace,
            &format!(
                "ephemeral \"atlas_unsealed_certificate\" \"app\" {{\n  sealed_pem = \"x\"\n  age_identities = [{:?}]\n  {argument}\n}}\n",
                age::pair().identity
            ),
        );
        let text = workspace.run(["validate", "-no-color"]).failure().text();
        assert!(text.contains(summary) && text.contains(argument), "{text}");
    }
}

/// The archive that the provisioner wrote.
fn take_archive(workspace: &Workspace) -> Vec<u8> {
    let file = workspace.path().join("archive.txt");
    let archive =
        STANDARD.decode(fs::read(&file).expect("the provisioner wrote it")).expect("base64");
    fs::remove_file(&file).expect("it is there");
    archive
}

fn configuration(recipient: &str, version: u32, profile: &str) -> String {
    format!(
        "provider \"atlas\" {{}}\n\
         variable \"identity\" {{\n  type = string\n  ephemeral = true\n}}\n\
         variable \"password\" {{\n  type = string\n  ephemeral = true\n}}\n\
         resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  \
         private_key_recipients = [{recipient:?}]\n}}\n\
         ephemeral \"atlas_unsealed_certificate\" \"app\" {{\n  sealed_pem = atlas_user_certificate.app.sealed_pem\n  \
         age_identities = [var.identity]\n  pkcs12_password = var.password\n  pkcs12_profile = {profile:?}\n}}\n\
         resource \"atlas_user_certificate\" \"other\" {{\n  project_id = {PROJECT:?}\n  username = \"other\"\n  \
         pkcs12_password_wo = ephemeral.atlas_unsealed_certificate.app.pkcs12_base64\n  pkcs12_password_wo_version = {version}\n}}\n\
         resource \"terraform_data\" \"file\" {{\n  triggers_replace = {version}\n  provisioner \"local-exec\" {{\n    \
         command = \"printf '%s' \\\"$P12\\\" > archive.txt\"\n    environment = {{\n      \
         P12 = ephemeral.atlas_unsealed_certificate.app.pkcs12_base64\n    }}\n  }}\n}}\n"
    )
}
