//! The figures as tables, and the page that is kept.

use std::{fmt::Write as _, time::Duration};

use super::{
    life::COMMANDS,
    results::{EQUAL_STATE, FLOOR, Results},
    statistics::{count as number, millis, percentile},
    table::Table,
    targets,
};

/// All tables, the most wanted first.
pub(super) fn tables(results: &Results) -> Vec<Table> {
    let mut tables = Vec::new();
    if results.ours {
        tables.push(targets::table(results));
    }
    tables.push(under_the_cli(results));
    if results.client.is_some() {
        tables.extend([starts(results), latencies(results), growth(results)]);
    }
    tables.extend([processes(results), requests(results), sizes(results)]);
    tables
}

/// `BENCHMARKS.md`. `notes` is what a person wrote about an earlier run and is kept.
pub(super) fn page(results: &Results, tables: &[Table], notes: &str) -> String {
    let mut page = PREFACE.to_owned();
    for (name, value) in &results.facts {
        let _ = writeln!(page, "- {name}: {value}");
    }
    if let Some(load) = results.load {
        let _ = writeln!(page, "- load before the run: {load:.1}");
    }
    page += "\n![Growth with the number of certificates](benchmarks.svg)\n\n";
    for table in tables {
        page += &table.markdown();
        page.push('\n');
    }
    page + NOTES + notes
}

/// What stands under the heading for notes in a page.
pub(super) fn notes(page: &str) -> &str {
    page.split_once(NOTES).map_or("", |(_, notes)| notes)
}

fn under_the_cli(results: &Results) -> Table {
    let mut table = Table::new(
        "Under the CLI: medians, and ratios to the two floors",
        [
            "resources",
            "command",
            "subject",
            "wall",
            "CPU",
            "local Atlas",
            "to floor",
            "to equal-state floor",
        ],
    );
    for medians in &results.medians {
        for (index, command) in COMMANDS.iter().enumerate() {
            let timing = medians.commands[index];
            let ratio = |yardstick: &str| {
                let floor = results
                    .medians(Some(yardstick), medians.count)
                    .map(|floor| floor.commands[index].wall);
                floor.map_or_else(String::new, |floor| {
                    format!("{:.2}", timing.wall.as_secs_f64() / floor.as_secs_f64())
                })
            };
            table.row([
                medians.count.to_string(),
                (*command).to_owned(),
                medians.subject.clone(),
                seconds(timing.wall),
                seconds(timing.cpu),
                seconds(timing.atlas),
                ratio(FLOOR),
                ratio(EQUAL_STATE),
            ]);
        }
    }
    table
}

fn starts(results: &Results) -> Table {
    let mut table = Table::new(
        "Start-up, through an mTLS client",
        ["what", "median", "p90"],
    );
    let Some(client) = &results.client else {
        return table;
    };
    let mut row = |what: &str, durations: Vec<Duration>| {
        let of = |percent| milliseconds(percentile(durations.iter().copied(), percent));
        table.row([what.to_owned(), of(50), of(90)]);
    };
    row(
        "exec to handshake line",
        client
            .starts
            .iter()
            .map(|started| started.handshake)
            .collect(),
    );
    row(
        "handshake line to schema",
        client
            .starts
            .iter()
            .map(|started| started.first_answer)
            .collect(),
    );
    row("CPU of the whole process", vec![client.start_cpu]);
    table
}

fn latencies(results: &Results) -> Table {
    let mut table = Table::new(
        "Calls through mTLS that ask nobody",
        [
            "method",
            "in flight",
            "p50",
            "p99",
            "provider CPU each",
            "client CPU each",
        ],
    );
    for latency in results.client.iter().flat_map(|client| &client.latencies) {
        table.row([
            latency.method.to_owned(),
            latency.in_flight.to_string(),
            milliseconds(latency.p50),
            milliseconds(latency.p99),
            milliseconds(latency.provider_cpu),
            milliseconds(latency.client_cpu),
        ]);
    }
    table
}

fn growth(results: &Results) -> Table {
    let mut table = Table::new(
        "Growth in one process, through an mTLS client, ten in flight",
        [
            "resources",
            "apply: CPU each",
            "wall each",
            "no-op plan: CPU each",
            "wall each",
            "peak memory",
        ],
    );
    for point in results.client.iter().flat_map(|client| &client.growth) {
        table.row([
            point.count.to_string(),
            milliseconds(point.apply.cpu_each),
            milliseconds(point.apply.wall_each),
            milliseconds(point.plan.cpu_each),
            milliseconds(point.plan.wall_each),
            mebibytes(point.peak_kib),
        ]);
    }
    table
}

fn processes(results: &Results) -> Table {
    let mut table = Table::new(
        "Provider processes under the CLI, looked at every millisecond",
        [
            "resources",
            "command",
            "processes",
            "CPU of all",
            "greatest peak memory",
        ],
    );
    for (count, seen) in &results.seen {
        for (command, observed) in COMMANDS.iter().zip(&seen.commands) {
            table.row([
                count.to_string(),
                (*command).to_owned(),
                observed.processes.to_string(),
                milliseconds(observed.cpu),
                mebibytes(observed.peak_kib),
            ]);
        }
    }
    table
}

fn requests(results: &Results) -> Table {
    let mut table = Table::new("Requests to Atlas", ["resources", "command", "requests"]);
    for (count, seen) in &results.seen {
        for (command, requests) in COMMANDS.iter().zip(&seen.requests) {
            let list: Vec<String> = requests
                .iter()
                .map(|(endpoint, times)| format!("{times} {endpoint}"))
                .collect();
            let list = if list.is_empty() {
                "none".to_owned()
            } else {
                list.join(", ")
            };
            table.row([count.to_string(), (*command).to_owned(), list]);
        }
    }
    table
}

fn sizes(results: &Results) -> Table {
    let mut table = Table::new("Sizes", ["what", "bytes"]);
    table.row(["binary".to_owned(), results.binary_bytes.to_string()]);
    for (subject, bytes) in &results.state_bytes {
        table.row([format!("state for each {subject}"), bytes.to_string()]);
    }
    table
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.3} ms", millis(duration))
}

fn mebibytes(kib: u64) -> String {
    format!(
        "{:.1} MiB",
        number(usize::try_from(kib).unwrap_or(usize::MAX)) / 1024.0
    )
}

const PREFACE: &str = "\
# Benchmarks

Written by `cargo xtask bench`; everything above the notes is replaced by the next run. The CLI is the real one, Atlas is
the local one on loopback with ready-made keys (each POST still costs it an RSA-4096 signature of some 3 ms, which the
column \"local Atlas\" shows). Two yardsticks cost Terraform itself and no provider: `terraform_data` with a short input
(floor), and `terraform_data` whose state has as many bytes for each resource as ours (equal-state floor).

";

const NOTES: &str = "## Notes\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_found_again() {
        assert_eq!(notes("# Benchmarks\n\n## Notes\n\nMine.\n"), "\nMine.\n");
        assert_eq!(notes(""), "");
    }
}
