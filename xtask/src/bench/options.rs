//! What the command line asks for.

use std::path::{Path, PathBuf};

use tf_host::cli::Cli;

use crate::{Arguments, Failure, project};

/// What `cargo xtask bench --help` prints.
pub(super) const HELP: &str = "\
Usage: cargo xtask bench [--quick] [--max N] [--rounds N] [--cli PATH] [--output FOLDER]
                         [--provider PATH [--config FOLDER]]

Measures the provider (release profile) with the real Terraform or OpenTofu against a local
Atlas with ready-made keys, beside two yardsticks that cost the CLI itself and no provider:
terraform_data with a short input (floor), and terraform_data whose state has as many bytes
for each resource as ours (equal-state floor). All three run in turn; the medians count.
Beside that: start-up, latency and growth through an mTLS client, memory, CPU, bytes of
state, requests to Atlas, size of the binary.

Prints a table with the targets, writes BENCHMARKS.md and benchmarks.svg. A machine that
does other work at the same time gives figures of that work.

  --quick           a smoke test: one round of 1 and 10, little growth; writes nothing
  --max N           the greatest number of certificates under the CLI: 100, or 1000 (long)
  --rounds N        how often each is measured; 5 unless said
  --cli PATH        the Terraform or OpenTofu to use; else terraform or tofu from PATH
  --output FOLDER   where BENCHMARKS.md and benchmarks.svg go; else the project's folder
  --provider PATH   this binary instead of a fresh build of ours; writes nothing unless
                    --output says where
  --config FOLDER   another provider's configuration: *.tf files with a variable \"n\", the number of
                    resources. The environment holds the login to the local Atlas, whose
                    project 32b6e34b3d91647abb20e7b8 has the users bench-0, bench-1 and so on.
                    For start-up, latency and growth (protocol 5) also bench.json:
                    {\"type\": \"atlas_user_certificate\", \"provider\": {},
                     \"resource\": {\"username\": \"bench-{index}\", ...}}
";

/// The parsed command line.
pub(super) struct Options {
    pub(super) quick: bool,
    pub(super) max: usize,
    pub(super) rounds: usize,
    pub(super) cli: Cli,
    /// Where the report goes, if anywhere.
    pub(super) output: Option<PathBuf>,
    /// A binary that is built already.
    pub(super) binary: Option<PathBuf>,
    /// The folder with another provider's configuration.
    pub(super) config: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(mut arguments: Arguments) -> Result<Self, Failure> {
        let quick = arguments.flag("--quick");
        let max = number(&mut arguments, "--max")?.unwrap_or(if quick { 10 } else { 100 });
        let rounds = number(&mut arguments, "--rounds")?.unwrap_or(if quick { 1 } else { 5 });
        let cli = match arguments.value("--cli")? {
            Some(path) => Cli::at(Path::new(&path)),
            None => Cli::find(),
        };
        let output = arguments.value("--output")?.map(PathBuf::from);
        let binary = arguments.value("--provider")?.map(PathBuf::from);
        let config = arguments.value("--config")?.map(PathBuf::from);
        if config.is_some() && binary.is_none() {
            return Err(arguments.usage("--config needs --provider"));
        }
        arguments.finish()?;
        let project = || (!quick && binary.is_none()).then(|| project::root().to_owned());
        Ok(Self {
            quick,
            max,
            rounds,
            cli: cli.map_err(Failure::Failed)?,
            output: output.or_else(project),
            binary,
            config,
        })
    }

    /// How many certificates the CLI is measured with.
    pub(super) fn counts(&self) -> Vec<usize> {
        [1, 10, 100, 1000]
            .into_iter()
            .filter(|count| *count <= self.max)
            .collect()
    }

    /// How many certificates the mTLS client is measured with.
    pub(super) fn growth(&self) -> &'static [usize] {
        if self.quick {
            &[1, 10, 50]
        } else {
            &[1, 10, 100, 1000, 5000]
        }
    }
}

fn number(arguments: &mut Arguments, name: &str) -> Result<Option<usize>, Failure> {
    match arguments.value(name)?.map(|text| text.parse()) {
        None => Ok(None),
        Some(Ok(number)) if number > 0 => Ok(Some(number)),
        Some(_) => Err(arguments.usage(&format!("{name} needs a whole number above 0"))),
    }
}
