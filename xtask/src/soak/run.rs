//! Eight workers on one process, and samples of its usage.

use std::{
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use local_atlas::{LocalAtlas, Settings};
use tokio::{runtime::Runtime, task::JoinSet, time};

use super::{
    Options,
    usage::{growth, usage},
    worker::{CALLS, Worker},
};
use crate::{bench::client, project};

const WORKERS: u64 = 8;
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
    let atlas =
        LocalAtlas::start(local_atlas::Options { settings, ..local_atlas::Options::default() })?;
    let core = client::start(provider, &atlas).await?;
    let process = core.provider.process().context("the provider has no process")?;
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let worker = Worker::new(number, &core, atlas.control());
        workers.spawn(worker.run_until(begun + duration));
    }
    println!("minutes  memory KiB  descriptors  threads     calls  certificates");
    let (mut samples, mut ticks) = (Vec::new(), time::interval(duration / SAMPLES));
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
        let [memory, descriptors, threads] = usage(process.pid)?;
        let minutes = begun.elapsed().as_secs_f64() / 60.0;
        let (calls, issued) = (CALLS.load(Ordering::Relaxed), atlas.control().issued_count());
        println!(
            "{minutes:7.1}  {memory:10}  {descriptors:11}  {threads:7}  {calls:8}  {issued:12}"
        );
        samples.push([memory, descriptors, threads]);
    }
    let exit = core.provider.shutdown().await;
    let by_itself = exit.is_some_and(|exit| exit.status.success() && !exit.killed);
    ensure!(by_itself, "the provider did not shut down by itself");
    let growth = growth(&samples);
    ensure!(growth.is_empty(), "the provider grows: {}", growth.join(", "));
    println!("memory, file descriptors and threads are flat");
    Ok(())
}
