//! A local Atlas, and a folder in which the CLI finds the example, the provider and the credentials.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use local_atlas::{Keys, LocalAtlas, LoggedIn, X509Type};
use tf_harness::cli::{Cli, Output, Workspace};
use tokio::{
    runtime::{Builder, Runtime},
    signal,
    sync::watch,
};

use super::output;
use crate::{
    package::{Mirror, NAMESPACE},
    project,
    terraform::credentials,
};

/// The project in `examples/quickstart`.
pub(super) const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
/// The database user in `examples/quickstart`.
pub(super) const USER: &str = "app-user";

/// Everything that runs; it ends when the value is dropped.
pub(super) struct Sandbox {
    /// `terraform` or `tofu`.
    pub(super) name: &'static str,
    atlas: LocalAtlas,
    workspace: Workspace,
    /// The variables of its commands.
    environment: Vec<(&'static str, String)>,
    runtime: Runtime,
    /// Whether Ctrl-C was pressed. The CLI receives it too and ends by itself; this program then stops and removes the folder.
    interrupted: watch::Receiver<bool>,
}

impl Sandbox {
    pub(super) fn start(
        cli: &Cli,
        name: &'static str,
        provider: &Path,
        ready_made_keys: bool,
    ) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (pressed, interrupted) = watch::channel(false);
        runtime.spawn(async move {
            while signal::ctrl_c().await.is_ok() {
                pressed.send_replace(true);
            }
        });
        let atlas = LocalAtlas::start(local_atlas::Options {
            keys: if ready_made_keys { Keys::Pool } else { Keys::Generated },
            key_listener: Some(Arc::new(|text| println!("   | local Atlas: {text}"))),
            ..local_atlas::Options::default()
        })
        .context("the local Atlas does not start")?;
        atlas.control().add_user(PROJECT, USER, X509Type::Managed);
        println!("   API on {}, TLS logins on {}", atlas.base_url(), atlas.login_url());
        let mut workspace = Workspace::empty(cli)?;
        for file in ["main.tf", "outputs.tf"] {
            let example = project::root().join("examples/quickstart").join(file);
            fs::copy(example, workspace.path().join(file))?;
        }
        let mirror = Mirror::new(&workspace.path().join(".mirror"), NAMESPACE)?;
        let cli_configuration = mirror.link(provider, &env!("CARGO_PKG_VERSION").parse()?)?;
        let mut environment = vec![("TF_CLI_CONFIG_FILE", cli_configuration.display().to_string())];
        environment.extend(credentials(&atlas));
        for (name, value) in &environment {
            workspace.set_env(name, value);
        }
        Ok(Self { name, atlas, workspace, environment, runtime, interrupted })
    }

    /// Runs a CLI command, prints its output and returns it. The command must succeed.
    pub(super) fn show(&self, arguments: &[&str]) -> Result<String> {
        let (status, text) = output::show(self.workspace.command(arguments))?;
        self.check_interrupt()?;
        ensure!(status.success(), "{} {}: {status}", self.name, arguments[0]);
        Ok(text)
    }

    /// Runs a CLI command and returns its standard output. The command must succeed.
    pub(super) fn read(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = self.workspace.run(arguments);
        self.check_interrupt()?;
        ensure!(status.success(), "{} {}: {status}\n{stderr}", self.name, arguments[0]);
        Ok(stdout)
    }

    pub(super) fn log_in(&self, pem: &str) -> Result<LoggedIn> {
        Ok(self.runtime.block_on(self.atlas.log_in(pem))?)
    }

    pub(super) fn delete_user(&self) {
        self.atlas.control().remove_user(PROJECT, USER);
    }

    pub(super) fn expect_issued(&self, expected: usize) -> Result<()> {
        let issued = self.atlas.control().issued_count();
        ensure!(
            issued == expected,
            "the local Atlas has issued {issued} certificates instead of {expected}"
        );
        Ok(())
    }

    /// Prints how to use the running sandbox, and waits for Ctrl-C.
    pub(super) fn keep(mut self) {
        println!(
            "\nEverything is running. In another shell:\n\n  cd {}",
            quoted(&self.workspace.path().display().to_string())
        );
        for (name, value) in &self.environment {
            println!("  export {name}={}", quoted(value));
        }
        println!(
            "\nThen, for example:\n\n  {0} plan\n  {0} apply -replace=atlas_user_certificate.app\n  {0} destroy\n  \
             curl {1}/local-atlas/     # control of the local Atlas: users, faults, its clock\n\n\
             Ctrl-C here stops the local Atlas and removes the folder.",
            quoted(&self.workspace.cli().path().display().to_string()),
            self.atlas.base_url()
        );
        let _ = self.runtime.block_on(self.interrupted.wait_for(|pressed| *pressed));
        println!("\nNothing is left behind.");
    }

    fn check_interrupt(&self) -> Result<()> {
        ensure!(!*self.interrupted.borrow(), "interrupted; nothing is left behind");
        Ok(())
    }
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell_where_needed() {
        assert_eq!(quoted("/tmp/atlas-1/cli.tfrc"), "/tmp/atlas-1/cli.tfrc");
        assert_eq!(quoted("/tmp/my folder/it's"), r"'/tmp/my folder/it'\''s'");
    }
}
