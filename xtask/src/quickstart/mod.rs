//! `cargo xtask quickstart`: the whole way of a certificate, with the real CLI, on this machine alone.

mod interrupt;
mod narrate;
mod stage;
mod walk;

use std::path::PathBuf;

use crate::{Arguments, Failure, Verb};

/// The verb `quickstart`.
pub const VERB: Verb = Verb {
    name: "quickstart",
    summary: "see the provider work: a real apply and a real TLS login, on this machine alone",
    help: "\
Usage: cargo xtask quickstart [--cli PATH] [--keep] [--ready-made-keys] [--provider PATH]

Builds the provider, starts a local Atlas on a free port, and lets the real Terraform or
OpenTofu plan, apply, read and destroy examples/quickstart. With the certificate that
comes out it logs in over TLS. Every step says what it proves; the exit code is 0 only if
all of it was as it should be. Nothing is left behind, and nothing outside this machine is
asked.

  --cli PATH          this terraform or tofu instead of the one on PATH
  --keep              do not destroy; leave everything running to play with, until Ctrl-C
  --ready-made-keys   RSA keys from a checked-in pool instead of fresh ones: quicker
  --provider PATH     this provider binary instead of building one
",
    run: |arguments| walk::walk(&Options::parse(arguments)?),
};

/// How to walk.
#[derive(Debug, Default)]
struct Options {
    cli: Option<PathBuf>,
    provider: Option<PathBuf>,
    keep: bool,
    ready_made_keys: bool,
}

impl Options {
    fn parse(mut arguments: Arguments) -> Result<Self, Failure> {
        let options = Self {
            cli: arguments.value("--cli")?.map(PathBuf::from),
            provider: arguments.value("--provider")?.map(PathBuf::from),
            keep: arguments.flag("--keep"),
            ready_made_keys: arguments.flag("--ready-made-keys"),
        };
        arguments.finish()?;
        Ok(options)
    }
}
