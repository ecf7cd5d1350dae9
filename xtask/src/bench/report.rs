//! The results, their targets, and the page.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::workload::{Cost, Row};

/// Figures by name; the name ends with the unit.
pub(super) type Figures = BTreeMap<&'static str, f64>;

/// The figures of one run, as they are written to `bench.json`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Results {
    pub(super) machine: BTreeMap<&'static str, String>,
    pub(super) cli: Vec<Row>,
    pub(super) costs: Vec<Cost>,
    /// All other figures.
    pub(super) figures: Figures,
}

/// Figure, meaning, greatest value allowed, unit.
const TARGETS: [(&str, &str, f64, &str); 18] = [
    ("apply_1_above_floor_ms", "apply of 1, above the floor", 60.0, "ms"),
    ("apply_100_above_equal_state_ms", "apply of 100, above the equal-state floor", 250.0, "ms"),
    (
        "plan_100_above_equal_state_ms",
        "plan of 100 without changes, above the equal-state floor",
        150.0,
        "ms",
    ),
    ("handshake_ms", "exec to handshake line, median", 1.5, "ms"),
    (
        "plan_p50_ms",
        "PlanResourceChange without changes, through mTLS, 10 in flight, p50",
        0.35,
        "ms",
    ),
    ("plan_p99_ms", "the same, p99", 1.0, "ms"),
    ("cpu_per_start_ms", "provider CPU per start", 3.0, "ms"),
    ("cpu_per_apply_ms", "provider CPU per certificate and apply, 100 certificates", 0.28, "ms"),
    ("cpu_per_apply_1000_ms", "the same, 1,000 certificates", 0.28, "ms"),
    ("cpu_per_plan_ms", "provider CPU per refresh and plan, 100 certificates", 0.28, "ms"),
    ("memory_1_mib", "peak memory of the provider, 1 certificate", 9.5, "MiB"),
    ("memory_1000_mib", "the same, 1,000 certificates", 12.0, "MiB"),
    ("state_kb", "state per certificate", 7.0, "KB"),
    ("sealed_state_kb", "state per sealed certificate", 9.3, "KB"),
    ("binary_mib", "executable", 8.6, "MiB"),
    ("posts_per_create", "POSTs to Atlas per create", 1.0, ""),
    ("user_gets_per_create", "GETs of the user per create", 1.2, ""),
    ("lists_per_refresh", "GETs to Atlas per refresh", 1.0, ""),
];

impl Results {
    fn row(&self, count: usize, command: &str, workload: &str) -> Option<&Row> {
        let wanted = (count, command, workload);
        self.cli.iter().find(|row| (row.count, row.command, row.workload.as_str()) == wanted)
    }

    /// Adds the figures that are differences to a baseline.
    pub(super) fn add_differences(&mut self) {
        for (figure, count, command, baseline) in [
            ("apply_1_above_floor_ms", 1, "apply", "floor"),
            ("apply_100_above_equal_state_ms", 100, "apply", "equal-state floor"),
            ("plan_100_above_equal_state_ms", 100, "plan without changes", "equal-state floor"),
        ] {
            let rows = ["provider", baseline].map(|workload| self.row(count, command, workload));
            if let [Some(ours), Some(floor)] = rows {
                let difference = (ours.wall_seconds - floor.wall_seconds) * 1000.0;
                self.figures.insert(figure, difference);
            }
        }
    }
}

/// `BENCHMARKS.md` up to the notes.
pub(super) fn page(results: &Results) -> String {
    let mut page = PREFACE.to_owned();
    page += "| figure | measured | target | |\n| --- | ---: | ---: | --- |\n";
    for (figure, meaning, limit, unit) in TARGETS {
        if let Some(measured) = results.figures.get(figure) {
            let verdict = if *measured <= limit { "met" } else { "missed" };
            let _ =
                writeln!(page, "| {meaning} | {measured:.2} {unit} | {limit} {unit} | {verdict} |");
        }
    }
    page += "\n## Under the CLI\n\nWall seconds, and in parentheses processor seconds of the CLI and its plugins.\n\n";
    let mut workloads: Vec<&str> = Vec::new();
    for row in &results.cli {
        if !workloads.contains(&row.workload.as_str()) {
            workloads.push(&row.workload);
        }
    }
    let _ = writeln!(page, "| resources | command | {} |", workloads.join(" | "));
    let _ = writeln!(page, "| ---: | --- |{}", " ---: |".repeat(workloads.len()));
    for Row { count, command, .. } in results.cli.iter().filter(|row| row.workload == workloads[0])
    {
        let _ = write!(page, "| {count} | {command} |");
        let rows = workloads.iter().filter_map(|workload| results.row(*count, command, workload));
        for Row { wall_seconds, cpu_seconds, .. } in rows {
            let _ = write!(page, " {wall_seconds:.2} ({cpu_seconds:.2}) |");
        }
        page.push('\n');
    }
    if !results.costs.is_empty() {
        page += COSTS;
    }
    for Cost { workload, executable_mib, memory_mib, cpu_ms, requests } in &results.costs {
        let memory = format!("{memory_mib:.1} MiB | {cpu_ms:.0} ms");
        let _ = writeln!(page, "| {workload} | {executable_mib:.1} MiB | {memory} | {requests} |");
    }
    page += "\n## Machine\n\n";
    for (name, value) in &results.machine {
        let _ = writeln!(page, "- {name}: {value}");
    }
    page
}

/// The notes of an earlier page, with their heading.
pub(super) fn notes(page: &str) -> String {
    page.find(NOTES).map(|at| format!("\n{}", &page[at..])).unwrap_or_default()
}

const NOTES: &str = "## Notes";

const PREFACE: &str = "# Benchmarks

Written by `cargo xtask bench`; the notes at the end are written by hand. All figures are in `bench.json`. The *floor* is
`terraform_data` with a short input: Terraform's own cost without a provider. The *equal-state floor* is `terraform_data` with as many
bytes of state per resource as `atlas_user_certificate`, because Terraform's cost grows with the size of the state.

![Wall seconds by command and workload](benchmarks.svg)

";

const COSTS: &str = "
## The provider alone

One process of each provider in an apply of 100 resources.

| provider | executable | peak memory | processor time | requests to Atlas |
| --- | ---: | ---: | ---: | ---: |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_kept_from_the_earlier_page() {
        assert_eq!(notes("# Benchmarks\n\n## Notes\n\ntext\n"), "\n## Notes\n\ntext\n");
        assert_eq!(notes("# Benchmarks\n"), "");
    }
}
