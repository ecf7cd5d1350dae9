//! Numbered steps, and the output of commands while they run.

use std::{
    io::{BufRead, BufReader, pipe},
    process::{Command, ExitStatus},
    time::Instant,
};

use anyhow::{Context, Result};

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
pub(super) fn show(mut command: Command) -> Result<(ExitStatus, String)> {
    let started = Instant::now();
    let (output, end) = pipe()?;
    let mut child = command
        .stdout(end.try_clone()?)
        .stderr(end)
        .spawn()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    drop(command); // with our copies of the pipe's end
    let mut text = String::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        println!("   | {line}");
        text += &line;
        text.push('\n');
    }
    let status = child.wait()?;
    println!("   ({:.1} s)", started.elapsed().as_secs_f64());
    Ok((status, text))
}
