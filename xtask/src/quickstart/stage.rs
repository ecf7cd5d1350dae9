//! What the CLI finds: a folder with the example, a mirror with the provider, a login in the environment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use local_atlas::LocalAtlas;
use tf_host::cli::{Cli, SOURCE, Workspace};

use crate::project::{self, PROVIDER};

/// The project in `examples/quickstart`.
pub(super) const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
/// The database user in `examples/quickstart`.
pub(super) const USER: &str = "app-user";

/// Lays everything out in a temporary folder that goes with the value.
pub(super) fn set(cli: &Cli, provider: &Path, atlas: &LocalAtlas) -> io::Result<Workspace> {
    let mut workspace = Workspace::new(cli, provider)?;
    for name in ["main.tf", "outputs.tf"] {
        let text = fs::read_to_string(
            project::root()
                .join("examples")
                .join("quickstart")
                .join(name),
        )?;
        workspace.write(name, &text)?;
    }
    mirror(&workspace, provider)?;
    for (name, value) in environment(&workspace, atlas) {
        workspace.set_env(name, &value);
    }
    Ok(workspace)
}

/// The variables that a command needs to work on this stage.
pub(super) fn environment(
    workspace: &Workspace,
    atlas: &LocalAtlas,
) -> Vec<(&'static str, String)> {
    let credentials = atlas.control().credentials();
    vec![
        (
            "TF_CLI_CONFIG_FILE",
            config_file(workspace).display().to_string(),
        ),
        ("MONGODB_ATLAS_BASE_URL", atlas.base_url()),
        ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
        ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
    ]
}

/// A folder in which the CLI finds the provider as it would in its registry, so that `init` works without a network.
fn mirror(workspace: &Workspace, provider: &Path) -> io::Result<()> {
    let mirror = workspace.path().join(".mirror");
    let version = env!("CARGO_PKG_VERSION");
    let binary = format!("{PROVIDER}_v{version}{}", std::env::consts::EXE_SUFFIX);
    for host in HOSTS {
        let folder = mirror
            .join(host)
            .join(SOURCE)
            .join(version)
            .join(platform());
        fs::create_dir_all(&folder)?;
        if fs::hard_link(provider, folder.join(&binary)).is_err() {
            fs::copy(provider, folder.join(&binary))?;
        }
    }
    let path = mirror.display().to_string();
    let text = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {path:?}\n  }}\n}}\n"
    );
    fs::write(config_file(workspace), text)
}

fn config_file(workspace: &Workspace) -> PathBuf {
    workspace.path().join("cli.tfrc")
}

/// This machine as the CLI spells it.
fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        architecture => architecture,
    };
    format!("{os}_{architecture}")
}

/// The hosts that source addresses without one belong to, in Terraform and in `OpenTofu`.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
