//! The walk itself: each step acts, shows, and checks what it claims.

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use local_atlas::{KeyEvent, Keys, LocalAtlas, LoggedIn, X509Type};
use tf_host::cli::{Cli, Workspace};

use super::{
    Options,
    interrupt::Interrupt,
    narrate::{Narrator, Shown, proved, show},
    stage::{self, PROJECT, USER},
};
use crate::{Failure, project};

/// Walks from the build to the last check.
pub(super) fn walk(options: &Options) -> Result<(), Failure> {
    let cli = cli(options)?;
    let mut narrator = Narrator::default();
    let built = provider(&mut narrator, options)?;
    let interrupt = Interrupt::listen()
        .map_err(|error| failed(&format!("Ctrl-C cannot be listened to: {error}")))?;
    let atlas = start_atlas(&mut narrator, options)?;
    let workspace = stage::set(&cli, &built, &atlas)
        .map_err(|error| failed(&format!("the example cannot be laid out: {error}")))?;
    let mut walk = Walk {
        narrator,
        interrupt,
        atlas,
        workspace,
        name: name(&cli),
    };
    let pem = walk.bring_up()?;
    if options.keep {
        walk.keep();
        return Ok(());
    }
    walk.take_down(&pem)
}

/// Everything that runs, and goes when this goes.
struct Walk {
    narrator: Narrator,
    interrupt: Interrupt,
    atlas: LocalAtlas,
    workspace: Workspace,
    /// `terraform` or `tofu`.
    name: &'static str,
}

impl Walk {
    /// From the empty folder to a login; gives the certificate with its key.
    fn bring_up(&mut self) -> Result<String, Failure> {
        let name = self.name;
        self.narrator.step(&format!("{name} init"));
        self.quietly(&["init", "-no-color", "-input=false"])?;
        proved(
            "the CLI finds and accepts the provider, here in a mirror folder instead of its registry",
        );

        self.narrator.step(&format!("{name} plan"));
        self.succeed(&[
            "plan",
            "-no-color",
            "-input=false",
            "-out=quickstart.tfplan",
        ])?;
        self.issued(0)?;
        proved("planning issues nothing: Local Atlas has issued 0 certificates");

        self.narrator.step(&format!("{name} apply"));
        self.succeed(&["apply", "-no-color", "-input=false", "quickstart.tfplan"])?;
        self.issued(1)?;
        proved("one request, one certificate: Local Atlas has issued 1");

        self.narrator.step(&format!("{name} plan, once more"));
        self.succeed(&["plan", "-no-color", "-input=false", "-detailed-exitcode"])?;
        self.issued(1)?;
        proved("what was applied is what was asked for: nothing to do, nothing issued");

        self.narrator
            .step(&format!("{name} output -raw combined_pem"));
        let pem = self.output("combined_pem")?;
        if !(pem.contains("-----BEGIN CERTIFICATE-----")
            && pem.contains("-----BEGIN PRIVATE KEY-----"))
        {
            return Err(failed(
                "the output combined_pem is not a certificate with its private key",
            ));
        }
        proved(&format!(
            "{} bytes, a certificate and its private key: the file that tlsCertificateKeyFile wants (not shown)",
            pem.len()
        ));

        self.narrator
            .step("Log in over TLS with it, as a database driver would");
        let logged_in = self.log_in(&pem)?;
        let id = self.output("certificate_id")?;
        if logged_in.user != USER || logged_in.project != PROJECT || logged_in.certificate_id != id
        {
            return Err(failed(&format!(
                "the login was as {} of {} with certificate {}, not as {USER} of {PROJECT} with {id}",
                logged_in.user, logged_in.project, logged_in.certificate_id
            )));
        }
        proved(&format!(
            "the server took the key and says: database user {USER}, certificate {id}"
        ));
        Ok(pem)
    }

    /// Destroys, and shows what that does not do.
    fn take_down(mut self, pem: &str) -> Result<(), Failure> {
        self.narrator.step(&format!("{} destroy", self.name));
        let shown = self.succeed(&["destroy", "-no-color", "-input=false", "-auto-approve"])?;
        if !shown
            .text
            .contains("Destroying does not revoke the certificate")
        {
            return Err(failed(
                "destroy did not warn that the certificate stays valid",
            ));
        }
        proved("the certificate is out of the state, and the warning says that it still works");

        self.narrator.step("Log in with it once more");
        self.log_in(pem)?;
        proved(
            "it does: Atlas cannot revoke certificates; only deleting the database user cuts access",
        );
        self.atlas.control().remove_user(PROJECT, USER);
        if self.log_in(pem).is_ok() {
            return Err(failed(
                "the certificate logs in although its database user is deleted",
            ));
        }
        proved("the database user was deleted: now the login is refused");
        self.issued(1)?;
        println!("\nAll of it is as it should be. Nothing is left behind.");
        Ok(())
    }

    /// Says how to play, and waits.
    fn keep(self) {
        println!("\nEverything is running. In another shell:\n");
        println!(
            "  cd {}",
            quoted(&self.workspace.path().display().to_string())
        );
        for (name, value) in stage::environment(&self.workspace, &self.atlas) {
            println!("  export {name}={}", quoted(&value));
        }
        println!(
            "\nThen, for example:\n\n  {0} plan\n  {0} apply -replace=atlas_user_certificate.app\n  {0} destroy\n  \
             curl {1}/local-atlas/     # what Local Atlas can be told: users, faults, the clock\n",
            quoted(&self.workspace.cli().path().display().to_string()),
            self.atlas.base_url()
        );
        println!("Ctrl-C here ends Local Atlas and removes the folder.");
        self.interrupt.wait();
        println!("\nNothing is left behind.");
    }

    fn succeed(&self, arguments: &[&str]) -> Result<Shown, Failure> {
        let shown = show(self.command(arguments))?;
        self.interrupt.check()?;
        if shown.status.success() {
            return Ok(shown);
        }
        Err(failed(&format!(
            "{} {} ended with {}",
            self.name, arguments[0], shown.status
        )))
    }

    /// Runs a command whose words matter only if it fails; gives its standard output.
    fn quietly(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command(arguments).output();
        self.interrupt.check()?;
        let output =
            output.map_err(|error| failed(&format!("{} cannot be started: {error}", self.name)))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let told = String::from_utf8_lossy(&output.stderr);
        Err(failed(&format!(
            "{} {} ended with {}\n{told}",
            self.name, arguments[0], output.status
        )))
    }

    fn output(&self, name: &str) -> Result<String, Failure> {
        self.quietly(&["output", "-no-color", "-raw", name])
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.workspace.command(arguments)
    }

    fn log_in(&self, pem: &str) -> Result<LoggedIn, Failure> {
        self.interrupt
            .block_on(self.atlas.log_in(pem))
            .map_err(|error| failed(&format!("the certificate does not log in: {error}")))
    }

    fn issued(&self, expected: usize) -> Result<(), Failure> {
        match self.atlas.control().issued_count() {
            count if count == expected => Ok(()),
            count => Err(failed(&format!(
                "Local Atlas has issued {count} certificates, not {expected}"
            ))),
        }
    }
}

fn provider(narrator: &mut Narrator, options: &Options) -> Result<PathBuf, Failure> {
    if let Some(path) = &options.provider {
        return Ok(path.clone());
    }
    narrator.step("Build the provider");
    let built = project::build_provider()?;
    proved("one binary, written in Rust; nothing was installed");
    Ok(built)
}

fn cli(options: &Options) -> Result<Cli, Failure> {
    let cli = match &options.cli {
        Some(path) => Cli::at(path),
        None => Cli::find(),
    };
    let cli = cli.map_err(|problem| failed(&problem))?;
    let version = cli.version().map_err(|error| {
        failed(&format!(
            "{} is no Terraform or OpenTofu: {error}",
            cli.path().display()
        ))
    })?;
    let kind = if version.tofu {
        "OpenTofu"
    } else {
        "Terraform"
    };
    if !version.has(5, 6) {
        return Err(failed(&format!(
            "{kind} {} is too old: Terraform 1.5 or OpenTofu 1.6, or later, is needed",
            version.text
        )));
    }
    println!("{kind} {}, {}", version.text, cli.path().display());
    Ok(cli)
}

fn name(cli: &Cli) -> &'static str {
    let tofu = cli
        .path()
        .file_stem()
        .and_then(|stem| stem.to_str())
        .is_some_and(|stem| stem.contains("tofu"));
    if tofu { "tofu" } else { "terraform" }
}

fn start_atlas(narrator: &mut Narrator, options: &Options) -> Result<LocalAtlas, Failure> {
    narrator.step("Start a local Atlas");
    let atlas = LocalAtlas::start(local_atlas::Options {
        keys: if options.ready_made_keys {
            Keys::Pool
        } else {
            Keys::Generated
        },
        key_listener: Some(Arc::new(|event| {
            println!("   | Local Atlas: {}", told(&event));
        })),
        ..local_atlas::Options::default()
    })
    .map_err(|error| failed(&format!("Local Atlas did not start: {error}")))?;
    atlas.control().add_user(PROJECT, USER, X509Type::Managed);
    println!(
        "   API on {}, TLS logins on {}",
        atlas.base_url(),
        atlas.login_url()
    );
    proved(&format!(
        "a stand-in for the Atlas API, on this machine; its project {PROJECT} has the database user {USER}"
    ));
    Ok(atlas)
}

fn told(event: &KeyEvent) -> String {
    match event {
        KeyEvent::Started(purpose) => format!("making an RSA-4096 key for {purpose} ..."),
        KeyEvent::Finished(purpose, time) => format!(
            "the key for {purpose} took {:.1} s",
            Duration::as_secs_f64(time)
        ),
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn failed(problem: &str) -> Failure {
    Failure::Failed(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("/tmp/atlas-1/cli.tfrc"), "/tmp/atlas-1/cli.tfrc");
        assert_eq!(quoted("/tmp/my folder/it's"), r"'/tmp/my folder/it'\''s'");
    }

    #[test]
    fn a_missing_or_foreign_cli_is_one_sentence() {
        let options = Options {
            cli: Some(PathBuf::from("/no/such/tofu")),
            ..Options::default()
        };
        let problem = cli(&options)
            .err()
            .map(|failure| failure.to_string())
            .unwrap_or_default();
        assert_eq!(
            problem,
            "there is no Terraform or OpenTofu binary at /no/such/tofu"
        );
    }
}
