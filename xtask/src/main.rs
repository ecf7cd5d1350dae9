//! `cargo xtask COMMAND`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match xtask::Xtask::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
