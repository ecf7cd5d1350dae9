//! The developer's verbs, behind `cargo xtask`. A verb is a module with a [`Verb`] in the list below.
#![allow(
    clippy::print_stdout,
    reason = "a command line tool answers on standard output"
)]

pub mod bench;
mod command_line;
pub mod docs;
pub mod package;
mod project;
pub mod quickstart;
pub mod soak;

pub use command_line::{Arguments, Failure};

/// What `cargo xtask NAME` does.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// The word on the command line.
    pub name: &'static str,
    /// One line for the list of verbs.
    pub summary: &'static str,
    /// What `--help` says: how it is called, what it does, its options.
    pub help: &'static str,
    /// Does it.
    pub run: fn(Arguments) -> Result<(), Failure>,
}

/// Every verb, in the order a newcomer meets them.
pub const VERBS: &[Verb] = &[
    quickstart::VERB,
    docs::VERB,
    package::VERB,
    bench::VERB,
    soak::VERB,
];

/// Does what the arguments behind `cargo xtask` ask for.
///
/// # Errors
/// The verb is not known, its arguments are wrong, or it did not succeed.
pub fn run(arguments: impl IntoIterator<Item = String>) -> Result<(), Failure> {
    let mut arguments: Vec<String> = arguments.into_iter().collect();
    if arguments.is_empty() || is_help(&arguments[0]) {
        println!("{}", overview());
        return Ok(());
    }
    let name = arguments.remove(0);
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        return Err(Failure::Usage(format!(
            "there is no verb {name:?}; cargo xtask --help lists them"
        )));
    };
    if arguments.iter().any(|argument| is_help(argument)) {
        println!("{}", verb.help.trim_end());
        return Ok(());
    }
    (verb.run)(Arguments::new(verb.name, arguments))
}

fn overview() -> String {
    let verbs: Vec<String> = VERBS
        .iter()
        .map(|Verb { name, summary, .. }| format!("  {name:<12}{summary}"))
        .collect();
    format!(
        "Usage: cargo xtask VERB [OPTIONS]\n\n{}\n\n\
         cargo xtask VERB --help says more about one of them. All tests: cargo test --workspace",
        verbs.join("\n")
    )
}

fn is_help(argument: &str) -> bool {
    ["--help", "-h", "-help", "help"].contains(&argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<(), Failure> {
        run(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_verb_explains_itself() {
        assert!(asked("").is_ok());
        assert!(asked("--help").is_ok());
        for verb in VERBS {
            assert!(overview().contains(verb.name));
            assert!(
                verb.help
                    .starts_with(&format!("Usage: cargo xtask {}", verb.name)),
                "{}",
                verb.name
            );
            assert!(asked(&format!("{} --help", verb.name)).is_ok());
        }
    }

    #[test]
    fn an_unknown_verb_or_option_is_named() {
        for (line, culprit) in [
            ("dokcs", "dokcs"),
            ("docs --chekc", "--chekc"),
            ("quickstart --cli", "--cli"),
        ] {
            let failure = asked(line)
                .err()
                .map(|failure| failure.to_string())
                .unwrap_or_default();
            assert!(failure.contains(culprit), "{line}: {failure}");
        }
    }
}
