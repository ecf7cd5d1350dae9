//! The real CLI, with the provider under test and a login to a local Atlas.

use std::path::Path;

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

/// The version of that CLI.
pub fn version() -> Version {
    cli().version().expect("the CLI tells its version")
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
    let workspace = Workspace::new(&cli(), provider()).expect("a folder for the configuration");
    write_main(&workspace, configuration);
    workspace
}

/// Replaces the configuration behind the required provider.
pub fn write_main(workspace: &Workspace, configuration: &str) {
    let required = "terraform {\n  required_providers {\n    atlas = {\n      source = \"example/atlas\"\n    }\n  }\n}\n\n";
    workspace
        .write("main.tf", &format!("{required}{configuration}"))
        .expect("main.tf is written");
}
