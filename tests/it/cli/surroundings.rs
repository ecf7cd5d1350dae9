//! The ways in which people run the CLI.

use std::fs;

use super::{TYPE, certificate, log_in, only};
use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::{provider, workspace, write_main},
};

#[test]
fn a_saved_plan_is_applied_later_as_it_was_shown() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(
        &atlas,
        &certificate("app", "  username = \"app\"\n  months_until_expiration = 3"),
    );
    workspace.plan(&["-out=saved.tfplan"]).success();
    write_main(&workspace, "provider \"atlas\" {}\n");
    workspace.apply(&["saved.tfplan"]).success();
    let attributes = only(&workspace);
    assert_eq!(attributes["months_until_expiration"], 3);
    assert_eq!(log_in(&atlas, &attributes).unwrap().user, "app");

    let stale = workspace.apply(&["saved.tfplan"]).failure().text();
    assert!(stale.contains("Saved plan is stale"), "{stale}");
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn a_saved_destroy_plan_is_applied_later_with_its_warning_given_once() {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
    workspace.apply(&[]).success();
    let plan = workspace
        .plan(&["-destroy", "-out=saved.tfplan"])
        .success()
        .text();
    assert!(plan.contains("does not revoke"), "{plan}");
    let apply = workspace.apply(&["saved.tfplan"]).success().text();
    assert!(!apply.contains("does not revoke"), "{apply}");
    assert!(workspace.instances(TYPE).is_empty());
}

#[test]
fn a_host_without_plugin_tls_is_served() {
    let atlas = atlas(&["app"]);
    let mut workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
    workspace.set_env("TF_DISABLE_PLUGIN_TLS", "1");
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    workspace.destroy(&[]).success();
}

#[test]
fn paths_with_spaces_are_paths() {
    let atlas = atlas(&["app"]);
    let mut workspace = workspace(&atlas, "");
    for folder in ["my provider", "my project", "my temporary files"] {
        fs::create_dir(workspace.path().join(folder)).unwrap();
    }
    let folder = workspace.path().join("my provider");
    let binary = folder.join("terraform-provider-atlas");
    fs::hard_link(provider(), &binary)
        .or_else(|_| fs::copy(provider(), &binary).map(|_| ()))
        .unwrap();
    let settings = format!(
        "provider_installation {{\n  dev_overrides {{\n    \"example/atlas\" = {:?}\n  }}\n  direct {{}}\n}}\n",
        folder.display().to_string()
    );
    workspace.write("cli.tfrc", &settings).unwrap();
    fs::rename(
        workspace.path().join("main.tf"),
        workspace.path().join("my project/main.tf"),
    )
    .unwrap();
    workspace
        .write(
            "my project/app.tf",
            &certificate("app", "  username = \"app\""),
        )
        .unwrap();
    let temporary = workspace.path().join("my temporary files");
    workspace.set_env("TMPDIR", temporary.to_str().unwrap());

    workspace
        .run([
            "-chdir=my project",
            "apply",
            "-auto-approve",
            "-no-color",
            "-input=false",
        ])
        .success();
    assert_eq!(atlas.control().certificates(PROJECT, "app").len(), 1);
    let output = workspace.run([
        "-chdir=my project",
        "plan",
        "-no-color",
        "-detailed-exitcode",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", output.text());
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
