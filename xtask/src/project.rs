//! Where this project is, and how to build it.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value as Json;

use crate::Failure;

/// The name of the provider's package and of its binary.
pub(crate) const PROVIDER: &str = "terraform-provider-atlas";

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Builds the provider with the dev profile and says where its binary is. Cargo shows its own progress.
pub(crate) fn build_provider() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let failed = |problem: &str| Failure::Failed(format!("the provider was not built: {problem}"));
    // Both packages together, so that what was compiled for this program serves the provider, too.
    let mut child = Command::new(cargo)
        .current_dir(root())
        .args([
            "build",
            "--package",
            PROVIDER,
            "--package",
            "xtask",
            "--bin",
            PROVIDER,
        ])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("cargo cannot be started: {error}")))?;
    let lines = child
        .stdout
        .take()
        .map(|stdout| BufReader::new(stdout).lines());
    let mut binary = None;
    for line in lines.into_iter().flatten() {
        let line = line.map_err(|error| failed(&error.to_string()))?;
        binary = executable(&line).or(binary);
    }
    let status = child.wait().map_err(|error| failed(&error.to_string()))?;
    if !status.success() {
        return Err(failed("cargo's messages are above"));
    }
    binary.ok_or_else(|| failed("cargo named no binary"))
}

/// The path in cargo's message about the provider's binary.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Json = serde_json::from_str(message).ok()?;
    let is_provider =
        message["target"]["name"] == PROVIDER && message["target"]["kind"][0] == "bin";
    is_provider
        .then(|| message["executable"].as_str().map(PathBuf::from))
        .flatten()
}
