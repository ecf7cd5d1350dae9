//! The order of the measurements.

use std::{collections::BTreeMap, fs, path::Path, process::Command, thread};

use anyhow::{Context, Result};
use jiff::Timestamp;
use tf_harness::cli::{Cli, Version};

use super::{
    Options, chart, client,
    report::{self, Results},
    usage::number,
    workload::{self, MEBIBYTE, Workload},
};
use crate::{package, project, terraform};

/// Runs the command.
///
/// # Errors
/// A command under measurement fails, or a file cannot be written.
pub fn run(options: &Options) -> Result<()> {
    let (cli, version) = terraform::find(options.cli.as_deref())?;
    let provider = match &options.provider {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string())?,
        None => package::build_for_host()?,
    };
    let mut results = Results { machine: machine(&version, &provider), ..Results::default() };
    measure(options, &cli, &provider, &mut results)?;
    let page = report::page(&results);
    println!("{page}");
    if !options.quick {
        let folder = options.output.as_deref().unwrap_or(project::root());
        let file = folder.join("BENCHMARKS.md");
        let notes = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, page + &report::notes(&notes))?;
        fs::write(folder.join("benchmarks.svg"), chart::svg(&results.cli)?)?;
        fs::write(folder.join("bench.json"), serde_json::to_string_pretty(&results)? + "\n")?;
    }
    Ok(())
}

fn measure(options: &Options, cli: &Cli, provider: &Path, results: &mut Results) -> Result<()> {
    let figures = &mut results.figures;
    figures.insert("binary_mib", number(fs::metadata(provider)?.len()) / MEBIBYTE);
    let (counts, rounds, starts, calls): (&[usize], _, _, _) = if options.quick {
        (&[1, 10], 1, 5, 500)
    } else {
        (&[1, 100, 1000], options.rounds, 60, 20_000)
    };
    let counts: Vec<usize> = counts.iter().copied().filter(|count| *count <= options.max).collect();

    progress("state size");
    let ours = Workload::ours("provider", provider, "");
    let bytes = workload::state_bytes(cli, &ours)?;
    let recipients = format!("  private_key_recipients = [{RECIPIENT:?}]\n");
    let sealed = Workload::ours("sealed", provider, &recipients);
    let least = workload::state_bytes(cli, &Workload::baseline("floor", 1))?;
    figures.insert("state_kb", number(bytes) / 1000.0);
    figures.insert("sealed_state_kb", number(workload::state_bytes(cli, &sealed)?) / 1000.0);
    // terraform_data stores its input twice.
    let input = usize::try_from(bytes.saturating_sub(least) / 2)? + 1;
    let mut workloads =
        vec![ours, Workload::baseline("floor", 1), Workload::baseline("equal-state floor", input)];
    if let (Some(binary), Some(file)) = (&options.compare, &options.compare_config) {
        workloads.push(Workload::other(binary, file)?);
    }

    progress("start-up and calls through a client with mutual TLS");
    client::measure(provider, starts, calls, &counts, figures)?;
    for count in counts {
        // With a thousand resources the differences between rounds disappear in Terraform's own time.
        let rounds = if count >= 1000 { 1 } else { rounds };
        let mut runs: Vec<Vec<workload::Run>> = workloads.iter().map(|_| Vec::new()).collect();
        for round in 1..=rounds {
            for (workload, runs) in workloads.iter().zip(&mut runs) {
                let name = &workload.name;
                progress(&format!("{count} resources, round {round} of {rounds}: {name}"));
                runs.push(workload::run(cli, workload, count)?);
            }
        }
        if count == 100 {
            for workload in &workloads {
                results.costs.extend(workload::cost(cli, workload, count)?);
            }
        }
        for (workload, runs) in workloads.iter().zip(&runs) {
            results.cli.extend(workload::medians(&workload.name, count, runs));
            if workload.name == "provider" && count > 1 {
                results.figures.extend(workload::requests(count, &runs[0]));
            }
        }
    }
    results.add_differences();
    Ok(())
}

fn machine(version: &Version, provider: &Path) -> BTreeMap<&'static str, String> {
    let read = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_default()
    };
    let first_line = |program: &Path| {
        let output = Command::new(program).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
    };
    let interpreter = package::interpreter(provider).ok().flatten();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    BTreeMap::from([
        ("date", Timestamp::now().strftime("%Y-%m-%d").to_string()),
        ("processor", format!("{cores} cores, {}", read("/proc/cpuinfo", "model name"))),
        ("load before", load.split(' ').next().unwrap_or_default().to_owned()),
        ("CLI", version.to_string()),
        ("provider", first_line(provider)),
        ("linkage", interpreter.map_or("static".to_owned(), |it| format!("dynamic, {it}"))),
        ("compiler", first_line(Path::new("rustc"))),
    ])
}

fn progress(what: &str) {
    eprintln!("bench: {what}");
}

/// The secret key of this recipient does not exist any more.
const RECIPIENT: &str = "age175y9u70yj7jxwytt9u3uazvt9j2xl2c7gj4sa6yk40pttg7u4qgqfjjtg8";
