//! The guide "Test your module without Atlas", with its files and commands as written.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use xtask::package::{Mirror, NAMESPACE};

use super::{blocks::blocks, root, walk};
use crate::support::terraform::{cli, cli_has, provider};

#[test]
fn the_guide_for_module_tests_runs_as_written() {
    // The guide's assertions refer to an earlier run.
    if !cli_has("terraform test", 6, 6) {
        return;
    }
    let page = root().join("docs/guides/test-your-module-without-atlas.md");
    let folder = tempfile::tempdir().unwrap();
    for block in blocks(&page, &["terraform", "hcl"]) {
        let path = block.text.lines().next().unwrap().strip_prefix("# ").unwrap();
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &block.text).unwrap();
    }
    let commands: Vec<String> =
        blocks(&page, &["shell"]).into_iter().map(|block| block.text).collect();
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    symlink(cli().path(), programs.join("terraform")).unwrap();
    symlink(local_atlas(), programs.join("local-atlas")).unwrap();
    let mirror = Mirror::new(&folder.path().join(".mirror"), NAMESPACE).unwrap();
    let configuration =
        mirror.link(provider(), &env!("CARGO_PKG_VERSION").parse().unwrap()).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = format!("trap 'kill $(jobs -p) || true' EXIT\n{}", commands.join("\n"));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HOME", folder.path())
        .env("TF_CLI_CONFIG_FILE", configuration)
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .unwrap();
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("5 passed, 0 failed"), "{text}");
    // Three in `terraform test`; then three requests, of which the last was cut after Atlas had issued.
    assert_eq!(text.matches("\"serial\"").count(), 6, "{text}");
    assert!(errors.contains("Error: "), "{errors}");
}

/// The program. Cargo builds it with all tests; it is built here if it is older than its sources.
fn local_atlas() -> PathBuf {
    let program = provider().with_file_name("local-atlas");
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let mut newest = None;
    walk(&root().join("tests/local-atlas/src"), &mut |file| {
        newest = newest.max(modified(file));
    });
    if modified(&program) < newest {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--package", "local-atlas", "--bin", "local-atlas"];
        let status = Command::new(cargo).current_dir(root()).args(arguments).status();
        assert!(status.unwrap().success());
    }
    program
}
