//! The Terraform or `OpenTofu` of this machine, run without anything from the environment.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use semver::Version;
use serde_json::Value as Json;

/// A CLI that the provider supports.
pub(crate) struct Terraform {
    pub(crate) path: PathBuf,
    /// `terraform` or `tofu`.
    pub(crate) name: &'static str,
    version: Version,
}

impl Terraform {
    /// The executable at `path`; otherwise `TERRAFORM_CLI`, or terraform or tofu on PATH.
    pub(crate) fn find(path: Option<&Path>) -> Result<Self> {
        let named =
            path.map(Path::to_owned).or_else(|| env::var_os("TERRAFORM_CLI").map(PathBuf::from));
        let path = named.or_else(on_path).context(
            "neither terraform nor tofu is on PATH: install Terraform 1.5 or OpenTofu 1.6, or later, or use --cli PATH",
        )?;
        let shown = path.display();
        let path = path
            .canonicalize()
            .with_context(|| format!("there is no Terraform or OpenTofu at {shown}"))?;
        let output = Command::new(&path)
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE")
            .output();
        let version = output.ok().and_then(|output| {
            let json: Json = serde_json::from_slice(&output.stdout).ok()?;
            json["terraform_version"].as_str()?.parse::<Version>().ok()
        });
        let version = version.with_context(|| format!("{shown} is not Terraform or OpenTofu"))?;
        let tofu = path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains("tofu"));
        let (name, minor) = if tofu { ("tofu", 6) } else { ("terraform", 5) };
        ensure!(
            (version.major, version.minor) >= (1, minor),
            "{name} {version} is too old: Terraform 1.5 or OpenTofu 1.6, or later, is required"
        );
        Ok(Self { path, name, version })
    }

    /// A command in this folder, which is also the home folder.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
        for name in ["PATH", "TMPDIR", "SystemRoot", "TEMP", "TMP", "USERPROFILE"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", folder).env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
        command
    }
}

impl fmt::Display for Terraform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = if self.name == "tofu" { "OpenTofu" } else { "Terraform" };
        write!(f, "{product} {}, {}", self.version, self.path.display())
    }
}

fn on_path() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let find = |name: &str| {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        env::split_paths(&folders).map(|folder| folder.join(&file)).find(|path| path.is_file())
    };
    find("terraform").or_else(|| find("tofu"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_cli_is_named() {
        let error =
            Terraform::find(Some(Path::new("/no/such/tofu"))).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("there is no Terraform or OpenTofu at /no/such/tofu"));
    }
}
