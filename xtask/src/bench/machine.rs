//! Where and with what the figures were taken.

use std::{fs, path::Path, process::Command, thread};

use jiff::Timestamp;
use tf_host::cli::Cli;

/// Facts for the head of the report, as (name, value).
pub(super) fn facts(cli: &Cli, provider: &Path) -> Vec<(&'static str, String)> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let processor =
        line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = line("/proc/meminfo", "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    let memory = memory.map_or_else(String::new, |kib| {
        format!(", {} GiB", kib.div_ceil(1 << 20))
    });
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = cli.version().map(|version| {
        format!(
            "{} {}",
            if version.tofu {
                "OpenTofu"
            } else {
                "Terraform"
            },
            version.text
        )
    });
    vec![
        ("date", Timestamp::now().strftime("%Y-%m-%d").to_string()),
        ("machine", format!("{cores} cores of {processor}{memory}")),
        (
            "system",
            format!("{} {}", std::env::consts::OS, system.trim()),
        ),
        ("CLI", version.unwrap_or_default()),
        (
            "provider",
            first_line(Command::new(provider).arg("--version")),
        ),
        (
            "compiler",
            first_line(Command::new("rustc").arg("--version")),
        ),
    ]
}

/// How much other work the machine does: the average number of waiting or running tasks in the last minute.
pub(super) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg")
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn line(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':')
        .map(|(_, value)| value.trim().to_owned())
}

fn first_line(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    output
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}
