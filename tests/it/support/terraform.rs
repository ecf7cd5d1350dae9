//! The real CLI, with the provider under test and a login to a local Atlas.

use std::{path::Path, sync::OnceLock};

use local_atlas::LocalAtlas;
use tf_harness::cli::{Cli, Version, Workspace};

/// The provider's binary.
pub fn provider() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_terraform-provider-atlas"))
}

/// The CLI of this machine. A machine without one fails the test with what to install.
#[track_caller]
pub fn cli() -> Cli {
    match Cli::find() {
        Ok(cli) => cli,
        Err(problem) => panic!("{problem}"),
    }
}

/// The version of that CLI, which is read once.
pub fn version() -> Version {
    static VERSION: OnceLock<Version> = OnceLock::new();
    let read = || cli().version().expect("the CLI reports its version");
    VERSION.get_or_init(read).clone()
}

/// Whether the CLI has at least these minor versions of Terraform 1 and `OpenTofu` 1, which `feature` needs. An older one
/// skips the test.
pub fn cli_has(feature: &str, terraform: u32, tofu: u32) -> bool {
    let has = version().has(terraform, tofu);
    if !has {
        skip(&format!("{feature} needs Terraform 1.{terraform} or OpenTofu 1.{tofu}"));
    }
    has
}

/// Prints that a test is skipped, or fails it if `REQUIRE_ALL=1` is set.
pub fn skip(reason: &str) {
    let require_all = std::env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!require_all, "REQUIRE_ALL=1 is set, and {reason}");
    eprintln!("skipped: {reason}");
}

/// A folder whose `main.tf` is the required provider, an empty provider block and `configuration`; the login to `atlas` is
/// in the environment.
pub fn workspace(atlas: &LocalAtlas, configuration: &str) -> Workspace {
    let mut workspace = bare_workspace(&format!("provider \"atlas\" {{}}\n\n{configuration}"));
    for (name, value) in super::atlas::login(atlas) {
        workspace.set_env(name, &value);
    }
    workspace
}

/// A folder whose `main.tf` is the required provider and `configuration`, without any login.
pub fn bare_workspace(configuration: &str) -> Workspace {
    let mut workspace = Workspace::new(&cli(), provider()).expect("a folder for the configuration");
    // A command is short: with less garbage collection it takes a tenth less processor time.
    workspace.set_env("GOGC", "400");
    write_main(&workspace, configuration);
    workspace
}

/// Replaces the configuration behind the required provider.
pub fn write_main(workspace: &Workspace, configuration: &str) {
    let required = "terraform {\n  required_providers {\n    atlas = {\n      source = \"example/atlas\"\n    }\n  }\n}\n\n";
    workspace.write("main.tf", &format!("{required}{configuration}")).expect("main.tf is written");
}

/// The option for an apply in which creates fail that return an object.
///
/// Terraform 1.16.0-rc2 panics ("has status ObjectStatus(0), which cannot be saved in state") if one resource writes the state
/// file between the two steps in which another one, whose create failed, is stored and marked as tainted.
pub fn parallelism() -> &'static str {
    if version().has(16, u32::MAX) { "-parallelism=1" } else { "-parallelism=100" }
}
