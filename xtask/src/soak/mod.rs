//! `cargo xtask soak`: one provider process under random operations and failures, and whether its memory grows.

#[cfg(feature = "measure")]
mod usage;
#[cfg(feature = "measure")]
mod worker;

use clap::Args;

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

/// Runs the command.
///
/// # Errors
/// A call is unsound, or the process grows.
#[cfg(not(feature = "measure"))]
pub fn run(_: &Options) -> anyhow::Result<()> {
    crate::project::rerun_with_measure()
}

#[cfg(feature = "measure")]
pub use measure::run;

#[cfg(feature = "measure")]
mod measure {
    use std::{
        path::Path,
        sync::{Arc, atomic::Ordering},
        time::{Duration, Instant},
    };

    use anyhow::{Context, Result, ensure};
    use local_atlas::{LocalAtlas, Settings, X509Type};
    use serde_json::json;
    use tf_harness::{
        core::Core,
        plugin::{Provider, SpawnOptions},
    };
    use tokio::{runtime::Runtime, task::JoinSet, time};

    use super::{
        Options,
        usage::{Usage, growth},
        worker::{Counters, PROJECT, Worker, user},
    };
    use crate::project;

    const WORKERS: usize = 8;
    const SAMPLES: u32 = 20;

    /// Runs the command.
    ///
    /// # Errors
    /// A call is unsound, or the process grows.
    pub fn run(options: &Options) -> Result<()> {
        let provider = project::build_provider()?;
        let duration = Duration::from_secs(options.minutes * 60);
        Runtime::new()?.block_on(soak(&provider, duration))
    }

    async fn soak(provider: &Path, duration: Duration) -> Result<()> {
        let settings = Settings { gzip: true, ..Settings::unlimited() };
        let atlas = LocalAtlas::start(local_atlas::Options {
            settings,
            ..local_atlas::Options::default()
        })?;
        for number in 0..WORKERS {
            atlas.control().add_user(PROJECT, &user(number), X509Type::Managed);
        }
        let core = start(provider, &atlas).await?;
        let process = core.provider().process().context("the provider has no process")?;
        let (counters, end) = (Arc::new(Counters::default()), Instant::now() + duration);
        let mut workers = JoinSet::new();
        for number in 0..WORKERS {
            workers.spawn(Worker::new(number, &core, &atlas, &counters).run_until(end));
        }
        println!("minutes  memory KiB  descriptors  threads     calls  certificates");
        let (begun, mut ticks) = (Instant::now(), time::interval(duration / SAMPLES));
        let mut samples = Vec::new();
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                worker = workers.join_next() => match worker {
                    Some(result) => {
                        result??;
                        continue;
                    }
                    None => break,
                },
            }
            let usage = Usage::of(process.pid)?;
            println!(
                "{:7.1}  {:10}  {:11}  {:7}  {:8}  {:12}",
                begun.elapsed().as_secs_f64() / 60.0,
                usage.memory_kib,
                usage.descriptors,
                usage.threads,
                counters.calls.load(Ordering::Relaxed),
                atlas.control().issued_count()
            );
            samples.push(usage);
        }
        let exit = core.provider().shutdown().await;
        ensure!(
            exit.is_some_and(|exit| exit.status.success() && !exit.killed),
            "the provider did not shut down by itself"
        );
        let growth = growth(&samples);
        ensure!(growth.is_empty(), "the provider grows: {}", growth.join(", "));
        println!("memory, file descriptors and threads are flat");
        Ok(())
    }

    async fn start(provider: &Path, atlas: &LocalAtlas) -> Result<Core> {
        let credentials = atlas.control().credentials();
        let options = SpawnOptions::new(provider)
            .log("ERROR")
            .env("MONGODB_ATLAS_BASE_URL", atlas.base_url())
            .env("MONGODB_ATLAS_CLIENT_ID", credentials.client_id)
            .env("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret);
        let core =
            Core::new(Provider::spawn(options).await?, tf_harness::core::Settings::default())
                .await?;
        core.configure(json!({})).await?.ok()?;
        Ok(core)
    }
}
