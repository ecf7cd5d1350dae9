//! `cargo xtask bench`: what the provider costs, beside what Terraform itself costs, in one run.

mod build;
mod chart;
mod client;
mod growth;
mod latency;
mod life;
mod machine;
mod observe;
mod options;
mod progress;
mod report;
mod results;
mod rounds;
mod server;
mod statistics;
mod subject;
mod table;
mod targets;
mod usage;

use std::{fs, path::Path};

use tokio::runtime::{Builder, Runtime};

use self::{
    client::Asked,
    life::Stage,
    options::Options,
    progress::Progress,
    results::{ClientResults, EQUAL_STATE, FLOOR, Results},
    server::Server,
    subject::Subject,
};
use crate::{Arguments, Failure, Verb};

/// The verb `bench`.
pub const VERB: Verb = Verb {
    name: "bench",
    summary: "measure time, memory, bytes and requests against Terraform's own floor",
    help: options::HELP,
    run,
};

fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    if cfg!(debug_assertions) {
        return build::run_optimised();
    }
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build::provider()?,
    };
    let results = measure(&options, &binary)?;
    let tables = report::tables(&results);
    for (name, value) in &results.facts {
        println!("{name}: {value}");
    }
    println!();
    for table in &tables {
        println!("{}", table.text());
    }
    let Some(folder) = &options.output else {
        return Ok(());
    };
    let page = folder.join("BENCHMARKS.md");
    let before = fs::read_to_string(&page).unwrap_or_default();
    write(
        &page,
        &report::page(&results, &tables, report::notes(&before)),
    )?;
    write(&folder.join("benchmarks.svg"), &chart::svg(&results))
}

fn measure(options: &Options, binary: &Path) -> Result<Results, Failure> {
    let progress = Progress::start();
    let load = machine::load();
    let facts = machine::facts(&options.cli, binary);
    let (subject, asked) = match &options.config {
        Some(folder) => (Subject::foreign(binary, folder)?, Asked::read(folder)?),
        None => (Subject::plain(), Some(Asked::ours())),
    };
    let stage = Stage {
        cli: &options.cli,
        provider: binary,
    };
    progress.tell("bytes of state");
    let each = stage.bytes_each(&subject)?;
    let mut state_bytes = vec![(subject.name.clone(), each)];
    if options.config.is_none() {
        let sealed = Subject::sealed();
        state_bytes.push((sealed.name.clone(), stage.bytes_each(&sealed)?));
    }
    let subjects = [
        subject,
        Subject::yardstick(FLOOR, 1),
        equal_state(&stage, each)?,
    ];
    let client = match &asked {
        Some(asked) => Some(under_the_client(options, binary, asked, &progress)?),
        None => None,
    };
    let medians = rounds::run(
        &stage,
        &subjects,
        &options.counts(),
        options.rounds,
        &progress,
    )?;
    let mut seen = Vec::new();
    let watched = options
        .counts()
        .into_iter()
        .filter(|count| *count == 1 || (10..1000).contains(count));
    for count in watched {
        progress.tell(&format!("watching {count} of {}", subjects[0].name));
        seen.push((count, stage.watch(&subjects[0], count)?));
    }
    let binary_bytes = fs::metadata(binary).map_or(0, |file| file.len());
    progress.tell("done");
    Ok(Results {
        facts,
        load,
        ours: options.config.is_none(),
        binary_bytes,
        state_bytes,
        medians,
        seen,
        client,
    })
}

/// The yardstick with so many bytes of state for each resource: it holds its input twice.
fn equal_state(stage: &Stage<'_>, bytes: u64) -> Result<Subject, Failure> {
    let least = stage.bytes_each(&Subject::yardstick(FLOOR, 1))?;
    let input = usize::try_from(bytes.saturating_sub(least) / 2).unwrap_or_default() + 1;
    Ok(Subject::yardstick(EQUAL_STATE, input))
}

fn under_the_client(
    options: &Options,
    binary: &Path,
    asked: &Asked,
    progress: &Progress,
) -> Result<ClientResults, Failure> {
    let (times, calls) = if options.quick {
        (10, 1000)
    } else {
        (60, 20_000)
    };
    // What a call costs by moving between the client's threads would count as the provider's latency.
    let (starts, start_cpu, latencies) =
        runtime(Builder::new_current_thread())?.block_on(async {
            progress.tell("start-up");
            let server = Server::start(1)?;
            let (starts, start_cpu) = client::starts(binary, asked, &server, times).await?;
            progress.tell("latency of calls");
            let client = client::Client::start(binary, asked, &server).await?;
            let latencies = latency::latencies(&client, calls).await?;
            client.end().await;
            Ok::<_, Failure>((starts, start_cpu, latencies))
        })?;
    let threads = runtime(Builder::new_multi_thread())?;
    let mut growth = Vec::new();
    for &count in options.growth() {
        progress.tell(&format!("growth: {count}"));
        growth.push(threads.block_on(growth::grow(binary, asked, count))?);
    }
    Ok(ClientResults {
        starts,
        start_cpu,
        latencies,
        growth,
    })
}

fn runtime(mut builder: Builder) -> Result<Runtime, Failure> {
    builder
        .enable_all()
        .build()
        .map_err(|error| client::failed("no runtime can be made", &error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| {
        Failure::Failed(format!("{} cannot be written: {error}", path.display()))
    })?;
    println!("written: {}", path.display());
    Ok(())
}
