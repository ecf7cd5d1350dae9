//! `cargo xtask bench`: the cost of the provider beside the cost of Terraform itself, measured in one run.

#[cfg(feature = "measure")]
mod chart;
#[cfg(feature = "measure")]
pub(crate) mod client;
#[cfg(feature = "measure")]
mod report;
#[cfg(feature = "measure")]
mod run;
#[cfg(feature = "measure")]
pub(crate) mod usage;
#[cfg(feature = "measure")]
mod workload;

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "measure")]
pub use run::run;

/// Measure time, memory, state size and requests of the packaged provider, beside Terraform without a provider
///
/// Two baselines cost Terraform itself and no provider: terraform_data with a short input (floor), and terraform_data whose
/// state has as many bytes per resource as ours (equal-state floor). All run in turn and medians count. Writes BENCHMARKS.md,
/// benchmarks.svg and bench.json. Other work on the machine distorts the figures.
#[derive(Debug, Args)]
pub struct Options {
    /// Run once with few certificates and write nothing
    #[arg(long)]
    quick: bool,
    /// Greatest number of certificates under the CLI: 100, or 1000 (long)
    #[arg(long, value_name = "N", default_value_t = 100)]
    max: usize,
    /// Repetitions under the CLI
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    rounds: usize,
    /// Path of the terraform or tofu to use [default: the one on PATH]
    #[arg(long, value_name = "PATH")]
    cli: Option<PathBuf>,
    /// Measure this provider executable and build nothing
    #[arg(long, value_name = "PATH")]
    provider: Option<PathBuf>,
    /// Measure another provider too
    #[arg(long, value_name = "PATH", requires = "compare_config")]
    compare: Option<PathBuf>,
    /// Configuration for --compare: requires the provider and creates var.n resources for the database users bench-0, bench-1
    /// and so on of project 32b6e34b3d91647abb20e7b8; the environment has the credentials of the local Atlas
    #[arg(long, value_name = "FILE")]
    compare_config: Option<PathBuf>,
    /// Folder for the results [default: the workspace]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}
