//! Every example is formatted, and plans against an Atlas without issuing anything.

use std::fs;

use local_atlas::X509Type;
use tf_harness::cli::Workspace;

use super::{blocks::needs, root, shown, walk};
use crate::support::{
    age,
    atlas::{PROJECT, atlas},
    fixture::Fixture,
    terraform::{cli, cli_has, provider},
};

#[test]
fn every_example_is_formatted() {
    if !cli_has("the syntax of provider functions", 8, 7) {
        return;
    }
    let workspace = Workspace::new(&cli(), provider()).unwrap();
    let examples = root().join("examples").display().to_string();
    workspace.run(["fmt", "-check", "-diff", "-recursive", &examples]).success();
}

#[test]
fn every_example_plans_and_issues_nothing() {
    let atlas = atlas(&["app-user", "billing", "reports", "search"]);
    atlas.control().add_user(PROJECT, "app-user", X509Type::Managed);
    let issued = atlas.control().issue(PROJECT, "app-user", 3);
    let keys = age::pair();
    let mut t = Fixture::over(atlas, "");
    for (variable, value) in [
        ("age_recipient", keys.recipient.as_str()),
        ("age_identity", &keys.identity),
        ("certificate_pem", &issued.certificate_pem),
        ("hardware_recipient", age::CLASSICAL),
        ("keystore_password", "correct horse"),
        ("pem", &issued.certificate_pem),
        ("payments_client_id", "mdb_sa_id_32b6e34b3d91647abb20e7b8"),
        ("payments_client_secret", "mdb_sa_sk_example"),
    ] {
        t.set_var(variable, value);
    }
    let mut examples = 0;
    walk(&root().join("examples"), &mut |file| {
        let is_configuration = file.extension().is_some_and(|extension| extension == "tf");
        let is_part = ["modules", "delivery"].iter().any(|folder| shown(file).contains(folder));
        if !is_configuration || is_part || file.ends_with("outputs.tf") {
            return;
        }
        let text = fs::read_to_string(file).unwrap();
        examples += 1;
        let (terraform, tofu) = needs(&text);
        if !cli_has(&shown(file), terraform, tofu) {
            return;
        }
        // The certificate that an example names, and the resource that an import block is about.
        let mut text = text.replace("1976722359483124370", &issued.id.to_string());
        if text.starts_with("import {") {
            text += &fs::read_to_string(file.with_file_name("resource.tf")).unwrap();
        }
        t.workspace.write("main.tf", &text).unwrap();
        let output = t.workspace.plan(&[]);
        assert!(output.status.success(), "{}\n{}", shown(file), output.text());
    });
    assert!(examples > 12, "{examples} examples are found");
    assert_eq!(t.atlas.control().issued_count(), 1, "the one that existed before");
}
