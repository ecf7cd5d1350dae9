//! Numbered steps, and the output of commands while they run.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};

/// Numbers the steps.
#[derive(Default)]
pub(super) struct Steps(usize);

impl Steps {
    pub(super) fn begin(&mut self, title: &str) {
        self.0 += 1;
        println!("\n== {}. {title}", self.0);
    }
}

/// Prints what a step has checked.
pub(super) fn checked(result: &str) {
    println!("   -> {result}");
}

/// Runs a command and prints each line of its output at once. Returns both streams.
pub(super) fn show(command: &mut Command) -> Result<(ExitStatus, String)> {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let errors = child.stderr.take().map(|stream| thread::spawn(move || relay(stream)));
    let mut text = child.stdout.take().map(relay).unwrap_or_default();
    if let Some(errors) = errors {
        text += &errors.join().map_err(|_| anyhow!("standard error cannot be read"))?;
    }
    let status = child.wait()?;
    println!("   ({:.1} s)", started.elapsed().as_secs_f64());
    Ok((status, text))
}

fn relay(stream: impl Read) -> String {
    let mut text = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        println!("   | {line}");
        text += &line;
        text.push('\n');
    }
    text
}
