//! The life of `n` resources under the real CLI: apply, a plan that finds nothing to do, destroy.

use std::{
    fs,
    path::Path,
    process::Output,
    time::{Duration, Instant},
};

use tf_host::cli::{Cli, Workspace};

use super::{
    observe::{Observed, Observer},
    server::{Requests, Server},
    subject::Subject,
    usage::Cpu,
};
use crate::Failure;

/// The three commands, in the order in which they are run.
pub(super) const COMMANDS: [&str; 3] = ["apply", "no-op plan", "destroy"];

/// What stands ready for lives.
pub(super) struct Stage<'a> {
    pub(super) cli: &'a Cli,
    pub(super) provider: &'a Path,
}

/// What a life took: one entry for each of [`COMMANDS`].
pub(super) struct Life {
    pub(super) commands: [Timing; 3],
    pub(super) state_bytes: u64,
}

/// What one command took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timing {
    pub(super) wall: Duration,
    /// Processor time of the CLI and its plugins.
    pub(super) cpu: Duration,
    /// Processor time of this program, which is the local Atlas'.
    pub(super) atlas: Duration,
}

/// What a life was seen to do: one entry for each of [`COMMANDS`].
pub(super) struct Seen {
    pub(super) commands: [Observed; 3],
    pub(super) requests: [Requests; 3],
}

impl Stage<'_> {
    /// Times a life.
    pub(super) fn time(&self, subject: &Subject, count: usize) -> Result<Life, Failure> {
        let (workspace, _server) = self.workspace(subject, count)?;
        let mut commands = [Timing::default(); 3];
        let mut state_bytes = 0;
        for (timing, arguments) in commands.iter_mut().zip(ARGUMENTS) {
            let (started, cpu) = (Instant::now(), Cpu::now());
            let output = command(&workspace, arguments, count).output();
            let Cpu {
                own: atlas,
                children: cpu,
            } = cpu.since();
            *timing = Timing {
                wall: started.elapsed(),
                cpu,
                atlas,
            };
            check(subject, arguments, output)?;
            if arguments[0] == "apply" {
                state_bytes = fs::metadata(workspace.path().join("terraform.tfstate"))
                    .map_or(0, |file| file.len());
            }
        }
        Ok(Life {
            commands,
            state_bytes,
        })
    }

    /// Watches a life, which takes time: it is not timed.
    pub(super) fn watch(&self, subject: &Subject, count: usize) -> Result<Seen, Failure> {
        let (workspace, server) = self.workspace(subject, count)?;
        let mut seen = Seen {
            commands: Default::default(),
            requests: Default::default(),
        };
        server.take_requests();
        for (index, arguments) in ARGUMENTS.into_iter().enumerate() {
            let child = command(&workspace, arguments, count).spawn();
            let child = child
                .map_err(|error| Failure::Failed(format!("the CLI cannot be started: {error}")))?;
            let observer = Observer::watch(child.id());
            let output = child.wait_with_output();
            seen.commands[index] = observer.end();
            check(subject, arguments, output)?;
            seen.requests[index] = server.take_requests();
        }
        Ok(seen)
    }

    /// How many bytes of state one more resource takes.
    pub(super) fn bytes_each(&self, subject: &Subject) -> Result<u64, Failure> {
        let (few, many) = (1, 51);
        let few_bytes = self.time(subject, few)?.state_bytes;
        let many_bytes = self.time(subject, many)?.state_bytes;
        Ok(many_bytes.saturating_sub(few_bytes) / 50)
    }

    fn workspace(&self, subject: &Subject, count: usize) -> Result<(Workspace, Server), Failure> {
        let server = Server::start(count)?;
        let failed = |error| {
            Failure::Failed(format!(
                "a folder for {} cannot be made: {error}",
                subject.name
            ))
        };
        let mut workspace = Workspace::new(self.cli, self.provider).map_err(failed)?;
        if let Some(source) = &subject.source {
            workspace
                .override_providers(&[(source, self.provider)])
                .map_err(failed)?;
        }
        for (name, text) in &subject.files {
            workspace.write(name, text).map_err(failed)?;
        }
        for (name, value) in server.login() {
            workspace.set_env(name, &value);
        }
        Ok((workspace, server))
    }
}

fn command(workspace: &Workspace, arguments: &[&str], count: usize) -> std::process::Command {
    let mut command = workspace.command(arguments);
    command
        .args(["-no-color", "-input=false", "-var"])
        .arg(format!("n={count}"));
    command
}

fn check(
    subject: &Subject,
    arguments: &[&str],
    output: std::io::Result<Output>,
) -> Result<(), Failure> {
    let what = format!("{} of {}", arguments[0], subject.name);
    let output =
        output.map_err(|error| Failure::Failed(format!("{what} cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(Failure::Failed(format!(
        "{what} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&text)
    )))
}

const ARGUMENTS: [&[&str]; 3] = [
    &["apply", "-auto-approve"],
    &["plan", "-detailed-exitcode"],
    &["destroy", "-auto-approve"],
];
