//! What the walk shows: numbered steps, the CLI's own output as it comes, and what was proved.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, ExitStatus},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use crate::Failure;

/// Tells the steps of the walk.
#[derive(Default)]
pub(super) struct Narrator {
    steps: usize,
}

/// How a command ended, and both its streams as they came.
pub(super) struct Shown {
    pub(super) status: ExitStatus,
    pub(super) text: String,
}

impl Narrator {
    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        println!("\n== {}. {title}", self.steps);
    }
}

/// Says what a step has shown.
pub(super) fn proved(what: &str) {
    println!("   -> {what}");
}

/// Runs a command to its end and shows each line when it comes.
pub(super) fn show(mut command: Command) -> Result<Shown, Failure> {
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| {
        Failure::Failed(format!(
            "{} cannot be started: {error}",
            command.get_program().display()
        ))
    })?;
    let text = Arc::new(Mutex::new(String::new()));
    let errors = child.stderr.take().map(|stream| {
        let text = text.clone();
        thread::spawn(move || relay(stream, &text))
    });
    if let Some(stream) = child.stdout.take() {
        relay(stream, &text);
    }
    if let Some(errors) = errors {
        let _ = errors.join();
    }
    let status = child
        .wait()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    println!("   ({:.1} s)", started.elapsed().as_secs_f64());
    let text = text.lock().map(|text| text.clone()).unwrap_or_default();
    Ok(Shown { status, text })
}

fn relay(stream: impl Read, text: &Mutex<String>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        println!("   | {line}");
        if let Ok(mut text) = text.lock() {
            text.push_str(&line);
            text.push('\n');
        }
    }
}
