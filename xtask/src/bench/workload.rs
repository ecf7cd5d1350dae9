//! `n` resources under the real CLI: apply, a plan without changes, destroy.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use local_atlas::{Endpoint, LocalAtlas, Settings, X509Type};
use serde::Serialize;
use tf_harness::cli::{Cli, Workspace};

use super::usage;
use crate::{package::NAMESPACE, terraform::credentials};

pub(super) const MEBIBYTE: f64 = 1_048_576.0;
pub(super) const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

const COMMANDS: [(&str, [&str; 2]); 3] = [
    ("apply", ["apply", "-auto-approve"]),
    ("plan without changes", ["plan", "-detailed-exitcode"]),
    ("destroy", ["destroy", "-auto-approve"]),
];

/// A configuration that takes the number of resources as `var.n`.
pub(super) struct Workload {
    pub(super) name: String,
    /// Source address and executable.
    provider: Option<(String, PathBuf)>,
    configuration: String,
}

impl Workload {
    /// Our resource, with more arguments.
    pub(super) fn ours(name: &str, provider: &Path, arguments: &str) -> Self {
        let source = format!("{NAMESPACE}/atlas");
        let configuration = format!(
            "terraform {{\n  required_providers {{\n    atlas = {{\n      source = {source:?}\n    }}\n  }}\n}}\n\n\
             resource \"atlas_user_certificate\" \"bench\" {{\n  count = var.n\n  project_id = {PROJECT:?}\n  \
             username = \"bench-${{count.index}}\"\n{arguments}}}\n"
        );
        Self { name: name.to_owned(), provider: Some((source, provider.to_owned())), configuration }
    }

    /// `terraform_data` with an input of this size.
    pub(super) fn baseline(name: &str, input_bytes: usize) -> Self {
        let input = "x".repeat(input_bytes);
        let configuration = format!(
            "resource \"terraform_data\" \"bench\" {{\n  count = var.n\n  input = \"{input}\"\n}}\n"
        );
        Self { name: name.to_owned(), provider: None, configuration }
    }

    /// Another provider, with its configuration file.
    pub(super) fn other(binary: &Path, file: &Path) -> Result<Self> {
        let configuration = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let source = configuration
            .lines()
            .find_map(|line| line.trim().strip_prefix("source")?.split('"').nth(1));
        let source = source
            .with_context(|| format!("{} names no source address", file.display()))?
            .to_owned();
        let binary = binary.canonicalize().with_context(|| binary.display().to_string())?;
        Ok(Self { name: source.clone(), provider: Some((source, binary)), configuration })
    }
}

/// The figures of one run, one entry per command.
#[derive(Default)]
pub(super) struct Run {
    wall: [f64; 3],
    cpu: [f64; 3],
    /// The endpoint of each request.
    requests: [Vec<Endpoint>; 3],
    state_bytes: u64,
}

/// The medians of a command.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) count: usize,
    pub(super) command: &'static str,
    pub(super) workload: String,
    pub(super) wall_seconds: f64,
    /// Processor time of the CLI and its plugins.
    pub(super) cpu_seconds: f64,
}

/// A new local Atlas, and a folder with the configuration.
fn prepare(cli: &Cli, workload: &Workload, count: usize) -> Result<(LocalAtlas, Workspace)> {
    let atlas = start_atlas(count)?;
    let mut workspace = Workspace::empty(cli)?;
    let variable = format!("variable \"n\" {{\n  type    = number\n  default = {count}\n}}\n\n");
    workspace.write("main.tf", &format!("{variable}{}", workload.configuration))?;
    let provider = workload.provider.iter();
    let provider: Vec<_> = provider.map(|it| (it.0.as_str(), it.1.as_path())).collect();
    workspace.override_providers(&provider)?;
    for (name, value) in credentials(&atlas) {
        workspace.set_env(name, &value);
    }
    Ok((atlas, workspace))
}

/// Runs the three commands in a new folder against a new local Atlas.
pub(super) fn run(cli: &Cli, workload: &Workload, count: usize) -> Result<Run> {
    let (atlas, workspace) = prepare(cli, workload, count)?;
    let mut run = Run::default();
    for (index, (name, arguments)) in COMMANDS.into_iter().enumerate() {
        let mut command = workspace.command(arguments);
        command.args(["-no-color", "-input=false"]);
        atlas.control().clear_requests();
        let (started, cpu) = (Instant::now(), usage::children());
        let output = command.output()?;
        run.wall[index] = started.elapsed().as_secs_f64();
        run.cpu[index] = usage::children().saturating_sub(cpu).as_secs_f64();
        let (status, text) = (output.status, String::from_utf8_lossy(&output.stderr));
        ensure!(status.success(), "{name} of {count} {}: {status}\n{text}", workload.name);
        let requests = atlas.control().requests().into_iter().filter_map(|it| it.endpoint);
        run.requests[index] = requests.collect();
        if index == 0 {
            run.state_bytes = fs::metadata(workspace.path().join("terraform.tfstate"))?.len();
        }
    }
    Ok(run)
}

/// What the provider of a workload costs by itself.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    pub(super) workload: String,
    pub(super) executable_mib: f64,
    /// Highest resident memory in an apply.
    pub(super) memory_mib: f64,
    /// Processor time of an apply.
    pub(super) cpu_ms: f64,
    /// Requests to Atlas in an apply, logins included.
    pub(super) requests: usize,
}

/// Applies with a provider that runs in debug mode, so that it is still there to be measured afterwards.
pub(super) fn cost(cli: &Cli, workload: &Workload, count: usize) -> Result<Option<Cost>> {
    let Some((_, binary)) = &workload.provider else { return Ok(None) };
    let (atlas, mut workspace) = prepare(cli, workload, count)?;
    let mut command = Command::new(binary);
    command.arg("-debug").envs(credentials(&atlas)).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut provider = command.spawn()?;
    let lines = BufReader::new(provider.stdout.take().context("it has no output")?).lines();
    let reattach = lines.map_while(Result::ok).find_map(|line| {
        line.trim()
            .strip_prefix("TF_REATTACH_PROVIDERS=")
            .map(|it| it.trim_matches('\'').to_owned())
    });
    workspace.set_env("TF_REATTACH_PROVIDERS", &reattach.unwrap_or_default());
    let output = workspace.command(COMMANDS[0].1).output()?;
    let (cpu, peak) = usage::of_process(provider.id());
    provider.kill()?;
    provider.wait()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && cpu > Duration::ZERO, "{}: {text}", workload.name);
    Ok(Some(Cost {
        workload: workload.name.clone(),
        executable_mib: usage::number(fs::metadata(binary)?.len()) / MEBIBYTE,
        memory_mib: usage::number(peak) / 1024.0,
        cpu_ms: usage::milliseconds(cpu),
        requests: atlas.control().requests().len(),
    }))
}

/// The bytes of state of one more resource.
pub(super) fn state_bytes(cli: &Cli, workload: &Workload) -> Result<u64> {
    let (few, many) = (run(cli, workload, 1)?, run(cli, workload, 11)?);
    Ok(many.state_bytes.saturating_sub(few.state_bytes) / 10)
}

pub(super) fn medians(workload: &str, count: usize, runs: &[Run]) -> Vec<Row> {
    let median = |of: &dyn Fn(&Run) -> f64| usage::percentile(runs.iter().map(of).collect(), 50);
    let rows = COMMANDS.iter().enumerate().map(|(index, (command, _))| Row {
        count,
        command,
        workload: workload.to_owned(),
        wall_seconds: median(&|run| run.wall[index]),
        cpu_seconds: median(&|run| run.cpu[index]),
    });
    rows.collect()
}

/// Requests to Atlas for each resource.
pub(super) fn requests(count: usize, run: &Run) -> [(&'static str, f64); 3] {
    let each = |command: usize, endpoint: Endpoint| {
        let requests = run.requests[command].iter().filter(|of| **of == endpoint).count();
        usage::number(requests as u64) / usage::number(count as u64)
    };
    [
        ("posts_per_create", each(0, Endpoint::IssueCertificate)),
        ("user_gets_per_create", each(0, Endpoint::ReadUser)),
        ("lists_per_refresh", each(1, Endpoint::ListCertificates)),
    ]
}

/// A local Atlas without rate limits, with ready-made keys and the users `bench-0`, `bench-1` and so on.
pub(super) fn start_atlas(users: usize) -> Result<LocalAtlas> {
    let settings = Settings::unlimited();
    let atlas =
        LocalAtlas::start(local_atlas::Options { settings, ..local_atlas::Options::default() })?;
    for index in 0..users {
        atlas.control().add_user(PROJECT, &format!("bench-{index}"), X509Type::Managed);
    }
    // The first certificate of a project creates its CA, and each of the 16 keys in the pool is read once.
    atlas.control().add_user(PROJECT, "warm-up", X509Type::Managed);
    for _ in 0..16 {
        atlas.control().issue(PROJECT, "warm-up", 1);
    }
    Ok(atlas)
}
