//! The optimised binaries: the provider that is measured, and this program, which must not be the slow part.

use std::{ffi::OsString, path::PathBuf, process::Command};

use crate::{Failure, project};

/// Builds the provider as it is released, by itself, so that no other package's wishes add to it.
pub(super) fn provider() -> Result<PathBuf, Failure> {
    cargo([
        "build",
        "--release",
        "--package",
        project::PROVIDER,
        "--bin",
        project::PROVIDER,
    ])?;
    let name = format!("{}{}", project::PROVIDER, std::env::consts::EXE_SUFFIX);
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| project::root().join("target"), PathBuf::from);
    Ok(target.join("release").join(name))
}

/// Runs the same verb in an optimised build of this program.
pub(super) fn run_optimised() -> Result<(), Failure> {
    let arguments = std::env::args_os().skip(1);
    let run = [
        "run",
        "--quiet",
        "--profile",
        "tools",
        "--package",
        "xtask",
        "--",
    ];
    cargo(run.into_iter().map(OsString::from).chain(arguments))
}

fn cargo<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<(), Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .current_dir(project::root())
        .args(arguments.into_iter().map(Into::into))
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed(format!(
            "cargo ended with {status}; its messages are above"
        ))),
        Err(error) => Err(Failure::Failed(format!("cargo cannot be started: {error}"))),
    }
}
