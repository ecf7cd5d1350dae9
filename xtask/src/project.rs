//! The workspace folder, and builds of its packages.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

/// The name of the provider's package and of its binary.
pub(crate) const PROVIDER: &str = "terraform-provider-atlas";

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Cargo, in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds the provider with the dev profile and returns the path of its binary.
pub(crate) fn build_provider() -> Result<PathBuf> {
    // With xtask in the same command, features are resolved as they were for xtask, and its dependencies are not compiled again.
    let mut command = cargo();
    command.args(["build", "--package", PROVIDER, "--package", "xtask", "--bin", PROVIDER]);
    run(&mut command, PROVIDER)
}

/// Runs a cargo command that builds the binary `name`, and returns the path of that binary. Cargo prints its progress.
pub(crate) fn run(command: &mut Command, name: &str) -> Result<PathBuf> {
    let output = command
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    ensure!(output.status.success(), "{name} was not built; the messages of cargo are above");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().rev().find_map(|message| {
        let message: Json = serde_json::from_str(message).ok()?;
        let found = message["target"]["name"] == name && message["target"]["kind"][0] == "bin";
        found.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executable.with_context(|| format!("cargo reported no binary {name}"))
}

/// Runs this command again in an optimized build of xtask that includes the feature `measure`.
#[cfg(not(feature = "measure"))]
pub(crate) fn rerun_with_measure() -> Result<()> {
    let status = cargo()
        .args(["run", "--profile", "tools", "--package", "xtask", "--features", "measure", "--"])
        .args(env::args_os().skip(1))
        .status()
        .context("cargo cannot be started")?;
    ensure!(status.success(), "cargo ended with {status}");
    Ok(())
}
