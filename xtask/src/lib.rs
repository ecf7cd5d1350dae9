//! The commands of `cargo xtask`: one module for each.
#![allow(
    clippy::print_stdout,
    clippy::doc_markdown,
    reason = "a command line tool writes to standard output, and its doc comments are help texts"
)]

pub mod bench;
pub mod docs;
pub mod package;
mod project;
pub mod quickstart;
pub mod soak;
mod terraform;

use clap::{Parser, Subcommand};

/// Development commands of terraform-provider-atlas. All tests: cargo test --workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Quickstart(quickstart::Options),
    Docs(docs::Options),
    Package(package::Options),
    Bench(bench::Options),
    Soak(soak::Options),
}

impl Xtask {
    /// Runs the command.
    ///
    /// # Errors
    /// The command fails.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Quickstart(options) => quickstart::run(&options),
            Command::Docs(options) => docs::run(&options),
            Command::Package(options) => package::run(&options),
            #[cfg(feature = "measure")]
            Command::Bench(options) => bench::run(&options),
            #[cfg(feature = "measure")]
            Command::Soak(options) => soak::run(&options),
            #[cfg(not(feature = "measure"))]
            Command::Bench(_) | Command::Soak(_) => project::rerun_with_measure(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_definitions_are_consistent() {
        Xtask::command().debug_assert();
    }

    #[test]
    fn unknown_commands_and_options_are_refused() {
        for line in ["dokcs", "docs --chekc", "quickstart --cli", "package --target pdp11 --binary"]
        {
            let words = ["xtask"].into_iter().chain(line.split(' '));
            assert!(Xtask::try_parse_from(words).is_err(), "{line}");
        }
    }
}
