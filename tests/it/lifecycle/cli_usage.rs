//! The ways in which people run the CLI.

use std::fs;

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate},
    terraform::provider,
};

#[test]
fn a_saved_destroy_plan_is_applied_later_with_its_warning_given_once() {
    let t = Fixture::applied(&certificate(""));
    let plan = t.workspace.plan(&["-destroy", "-out=saved.tfplan"]).success().text();
    assert!(plan.contains("does not revoke"), "{plan}");
    let apply = t.workspace.apply(&["saved.tfplan"]).success().text();
    assert!(!apply.contains("does not revoke"), "{apply}");
    assert!(t.is_empty());
}

#[test]
fn paths_with_spaces_are_paths() {
    let mut t = Fixture::new("");
    for folder in ["my provider", "my project", "my temporary files"] {
        fs::create_dir(t.workspace.path().join(folder)).unwrap();
    }
    let folder = t.workspace.path().join("my provider");
    let binary = folder.join("terraform-provider-atlas");
    fs::hard_link(provider(), &binary)
        .or_else(|_| fs::copy(provider(), &binary).map(|_| ()))
        .unwrap();
    let settings = format!(
        "provider_installation {{\n  dev_overrides {{\n    \"example/atlas\" = {:?}\n  }}\n  direct {{}}\n}}\n",
        folder.display().to_string()
    );
    t.workspace.write("cli.tfrc", &settings).unwrap();
    fs::rename(t.workspace.path().join("main.tf"), t.workspace.path().join("my project/main.tf"))
        .unwrap();
    t.workspace.write("my project/app.tf", &certificate("")).unwrap();
    let temporary = t.workspace.path().join("my temporary files");
    t.workspace.set_env("TMPDIR", temporary.to_str().unwrap());

    t.workspace
        .run(["-chdir=my project", "apply", "-auto-approve", "-no-color", "-input=false"])
        .success();
    assert_eq!(t.atlas.control().certificates(PROJECT, "app").len(), 1);
    let output = t.workspace.run(["-chdir=my project", "plan", "-no-color", "-detailed-exitcode"]);
    assert_eq!(output.status.code(), Some(0), "{}", output.text());
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
