//! `cargo xtask soak`: one provider process through long days, and whether it grows.

mod day;
mod growth;
mod sample;

use std::time::{Duration, Instant};

use local_atlas::{LocalAtlas, Options, Settings, X509Type};
use serde_json::json;
use tf_host::{
    core::{Core, Settings as Host},
    process::SpawnOptions,
    provider::Provider,
};
use tokio::{runtime::Runtime, task::JoinSet, time};

use self::{
    day::{Day, Tally},
    growth::Verdict,
    sample::Sample,
};
use crate::{Arguments, Failure, Verb, project};

/// The verb.
pub const VERB: Verb = Verb {
    name: "soak",
    summary: "Keeps one provider process busy for minutes and fails if it grows",
    help: HELP,
    run,
};

const HELP: &str = "\
Usage: cargo xtask soak [--minutes N]

Builds the provider (dev profile) and keeps one process of it alive while eight workers create,
refresh, renew and plan certificates, read data sources, give calls up and interrupt, against a
local Atlas whose clock runs fast and whose answers fail in every way. Prints memory, file
descriptors and threads as time goes by, and fails if any of them grows. Needs Linux.

  --minutes N       how long; 10 unless said
";

/// The project of all users.
const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
const WORKERS: usize = 8;
/// How many lines the table has.
const SAMPLES: u32 = 20;

fn run(mut arguments: Arguments) -> Result<(), Failure> {
    let minutes = match arguments.value("--minutes")?.map(|text| text.parse()) {
        None => 10,
        Some(Ok(minutes @ 1..=10_000)) => minutes,
        Some(_) => return Err(arguments.usage("--minutes needs a whole number above 0")),
    };
    arguments.finish()?;
    let binary = project::build_provider()?;
    let runtime = Runtime::new().map_err(|error| failed("no threads can be started", &error))?;
    runtime.block_on(soak(&binary, Duration::from_secs(minutes * 60)))
}

async fn soak(binary: &std::path::Path, duration: Duration) -> Result<(), Failure> {
    let atlas = start_atlas()?;
    let core = start_provider(binary, &atlas).await?;
    let tally = Tally::default();
    let end = Instant::now() + duration;
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let day = Day::new(number, core.clone(), atlas.control().clone(), tally.clone());
        workers.spawn(day.work_until(end));
    }
    println!("{}", Sample::HEAD);
    let mut samples = Vec::new();
    let begun = Instant::now();
    let mut ticks = time::interval(duration / SAMPLES);
    ticks.tick().await;
    while Instant::now() + duration / SAMPLES / 2 < end {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(ended) = workers.join_next() => {
                ended.map_err(|error| failed("a worker failed", &error))??;
                continue;
            }
        }
        let sample = Sample::take(process(&core)?, begun.elapsed(), &tally)?;
        println!("{sample}");
        samples.push(sample);
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|error| failed("a worker failed", &error))??;
    }
    end_well(&core).await?;
    let verdict = Verdict::of(&samples);
    println!("\n{verdict}");
    if verdict.is_flat() {
        Ok(())
    } else {
        Err(Failure::Failed("the provider grows".to_owned()))
    }
}

fn start_atlas() -> Result<LocalAtlas, Failure> {
    let options = Options {
        settings: Settings {
            gzip: true,
            ..Settings::unlimited()
        },
        ..Options::default()
    };
    let atlas = LocalAtlas::start(options)
        .map_err(|error| failed("the local Atlas does not start", &error))?;
    atlas.control().add_project(PROJECT);
    for worker in 0..WORKERS {
        atlas
            .control()
            .add_user(PROJECT, &day::user(worker), X509Type::Managed);
    }
    Ok(atlas)
}

async fn start_provider(binary: &std::path::Path, atlas: &LocalAtlas) -> Result<Core, Failure> {
    let credentials = atlas.control().credentials();
    let options = SpawnOptions::new(binary)
        .log("ERROR")
        .env("MONGODB_ATLAS_BASE_URL", atlas.base_url())
        .env("MONGODB_ATLAS_CLIENT_ID", credentials.client_id)
        .env("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret);
    let provider = Provider::spawn(options)
        .await
        .map_err(|error| failed("the provider does not start", &error))?;
    let core = Core::new(provider, Host::default())
        .await
        .map_err(|error| failed("its schema is unsound", &error))?;
    let told = core
        .configure(json!({}))
        .await
        .map_err(|error| failed("it cannot be configured", &error))?;
    told.ok()
        .map_err(|error| failed("it cannot be configured", &error))?;
    Ok(core)
}

/// After all that it must still end as it should.
async fn end_well(core: &Core) -> Result<(), Failure> {
    let exit = core.provider().shutdown().await;
    match exit {
        Some(exit) if exit.status.success() && !exit.killed => Ok(()),
        other => Err(Failure::Failed(format!(
            "the provider did not end well: {other:?}"
        ))),
    }
}

fn process(core: &Core) -> Result<u32, Failure> {
    let process = core.provider().process();
    process
        .map(|process| process.pid)
        .ok_or_else(|| Failure::Failed("there is no provider process".to_owned()))
}

fn failed(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::Failed(format!("{what}: {error}"))
}
