//! A local Atlas, and a folder in which the CLI finds the example, the provider and the credentials.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use local_atlas::{Keys, LocalAtlas, LoggedIn, X509Type};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

use super::output;
use crate::{
    package::{Layout, NAMESPACE},
    project,
    terraform::Terraform,
};

/// The project in `examples/quickstart`.
pub(super) const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
/// The database user in `examples/quickstart`.
pub(super) const USER: &str = "app-user";

/// Everything that runs; it ends when the value is dropped.
pub(super) struct Sandbox {
    pub(super) terraform: Terraform,
    atlas: LocalAtlas,
    folder: TempDir,
    cli_configuration: PathBuf,
    interrupt: Interrupt,
}

impl Sandbox {
    pub(super) fn start(
        terraform: Terraform,
        provider: &Path,
        ready_made_keys: bool,
    ) -> Result<Self> {
        let interrupt = Interrupt::listen()?;
        let atlas = LocalAtlas::start(local_atlas::Options {
            keys: if ready_made_keys { Keys::Pool } else { Keys::Generated },
            key_listener: Some(Arc::new(|text| println!("   | local Atlas: {text}"))),
            ..local_atlas::Options::default()
        })
        .context("the local Atlas does not start")?;
        atlas.control().add_user(PROJECT, USER, X509Type::Managed);
        println!("   API on {}, TLS logins on {}", atlas.base_url(), atlas.login_url());
        let folder = tempfile::Builder::new().prefix("atlas-").tempdir()?;
        for name in ["main.tf", "outputs.tf"] {
            fs::copy(
                project::root().join("examples/quickstart").join(name),
                folder.path().join(name),
            )?;
        }
        let mirror = Layout::new(&folder.path().join(".mirror"), NAMESPACE)?;
        let cli_configuration = mirror.link(provider, &env!("CARGO_PKG_VERSION").parse()?)?;
        Ok(Self { terraform, atlas, folder, cli_configuration, interrupt })
    }

    /// Runs a CLI command, prints its output and returns it. The command must succeed.
    pub(super) fn show(&self, arguments: &[&str]) -> Result<String> {
        let (status, text) = output::show(&mut self.command(arguments))?;
        self.interrupt.check()?;
        ensure!(status.success(), "{} {}: {status}", self.terraform.name, arguments[0]);
        Ok(text)
    }

    /// Runs a CLI command and returns its standard output. The command must succeed.
    pub(super) fn read(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output()?;
        self.interrupt.check()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} {}: {}\n{errors}",
            self.terraform.name,
            arguments[0],
            output.status
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    pub(super) fn log_in(&self, pem: &str) -> Result<LoggedIn> {
        Ok(self.interrupt.runtime.block_on(self.atlas.log_in(pem))?)
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
    pub(super) fn keep(self) {
        println!(
            "\nEverything is running. In another shell:\n\n  cd {}",
            quoted(&self.folder.path().display().to_string())
        );
        for (name, value) in self.environment() {
            println!("  export {name}={}", quoted(&value));
        }
        println!(
            "\nThen, for example:\n\n  {0} plan\n  {0} apply -replace=atlas_user_certificate.app\n  {0} destroy\n  \
             curl {1}/local-atlas/     # control of the local Atlas: users, faults, its clock\n\n\
             Ctrl-C here stops the local Atlas and removes the folder.",
            quoted(&self.terraform.path.display().to_string()),
            self.atlas.base_url()
        );
        self.interrupt.runtime.block_on(self.interrupt.notify.notified());
        println!("\nNothing is left behind.");
    }

    fn environment(&self) -> [(&'static str, String); 4] {
        let credentials = self.atlas.control().credentials();
        [
            ("TF_CLI_CONFIG_FILE", self.cli_configuration.display().to_string()),
            ("MONGODB_ATLAS_BASE_URL", self.atlas.base_url()),
            ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
            ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
        ]
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.terraform.command(self.folder.path(), arguments);
        command.envs(self.environment());
        command
    }
}

/// Ctrl-C. The CLI receives it too and ends by itself; this program then stops and removes the folder.
struct Interrupt {
    runtime: Runtime,
    pressed: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl Interrupt {
    fn listen() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (pressed, notify) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (flag, waiters) = (Arc::clone(&pressed), Arc::clone(&notify));
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                flag.store(true, Ordering::SeqCst);
                waiters.notify_one();
            }
        });
        Ok(Self { runtime, pressed, notify })
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.pressed.load(Ordering::SeqCst), "interrupted; nothing is left behind");
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
