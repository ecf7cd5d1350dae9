//! `cargo xtask soak`: one provider process under random operations and failures, and whether its memory grows.

#[cfg(feature = "measure")]
mod run;
#[cfg(feature = "measure")]
mod usage;
#[cfg(feature = "measure")]
mod worker;

use clap::Args;

#[cfg(feature = "measure")]
pub use run::run;

/// Keep one provider process busy and fail if its memory, file descriptors or threads grow (Linux only)
///
/// Eight workers create, refresh, renew and plan certificates, read data sources and cancel calls, against a local Atlas whose
/// clock runs fast and whose responses fail in many ways.
#[derive(Debug, Args)]
pub struct Options {
    /// Duration
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
}
