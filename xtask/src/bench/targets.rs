//! The targets, and how far the figures are from them.

use std::time::Duration;

use super::{
    results::{EQUAL_STATE, FLOOR, Results},
    statistics::{count as number, median, millis},
    table::Table,
};

/// Figures beside their targets; a target that was not measured in this run is left out.
pub(super) fn table(results: &Results) -> Table {
    let mut table = Table::new("Targets", ["what", "measured", "target", ""]);
    for Target {
        what,
        measured,
        limit,
        unit,
    } in targets(results)
    {
        let verdict = if measured <= limit { "met" } else { "missed" };
        let digits = if unit.is_fine() { 2 } else { 1 };
        let show = |value: f64| format!("{value:.digits$} {}", unit.name());
        table.row([
            what,
            show(measured),
            format!("<= {}", show(limit)),
            verdict.to_owned(),
        ]);
    }
    table
}

struct Target {
    what: String,
    measured: f64,
    limit: f64,
    unit: Unit,
}

#[derive(Clone, Copy)]
enum Unit {
    Millis,
    Kilobytes,
    Mebibytes,
    Requests,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Kilobytes => "KB",
            Self::Mebibytes => "MiB",
            Self::Requests => "requests",
        }
    }

    fn is_fine(self) -> bool {
        matches!(self, Self::Millis | Self::Kilobytes)
    }
}

fn targets(results: &Results) -> Vec<Target> {
    let mut targets = under_the_cli(results);
    targets.extend(under_the_client(results));
    let names = [
        "state for each certificate",
        "state for each certificate, sealed",
    ];
    for ((name, limit), (_, bytes)) in names.into_iter().zip([7.0, 9.3]).zip(&results.state_bytes) {
        targets.push(target(name, size(*bytes) / 1000.0, limit, Unit::Kilobytes));
    }
    targets.push(target(
        "binary",
        size(results.binary_bytes) / MEBI,
        10.0,
        Unit::Mebibytes,
    ));
    targets
}

fn under_the_cli(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    let rows = [
        ("apply of 1, above the floor", 0, 1, FLOOR, 80.0),
        (
            "apply of 100, above the equal-state floor",
            0,
            100,
            EQUAL_STATE,
            300.0,
        ),
        (
            "no-op plan of 100, above the equal-state floor",
            1,
            100,
            EQUAL_STATE,
            200.0,
        ),
    ];
    for (what, command, count, yardstick, limit) in rows {
        let (ours, floor) = (
            results.medians(None, count),
            results.medians(Some(yardstick), count),
        );
        if let (Some(ours), Some(floor)) = (ours, floor) {
            let above = millis(ours.commands[command].wall) - millis(floor.commands[command].wall);
            targets.push(target(what, above, limit, Unit::Millis));
        }
    }
    for (count, seen) in &results.seen {
        let peak = seen
            .commands
            .iter()
            .map(|command| command.peak_kib)
            .max()
            .unwrap_or_default();
        let (limit, plural) = if *count == 1 { (12.0, "") } else { (20.0, "s") };
        let what = format!("memory under the CLI, {count} certificate{plural}");
        targets.push(target(&what, size(peak) / 1024.0, limit, Unit::Mebibytes));
        let requests = |command: usize, endpoint: &str| {
            number(
                seen.requests[command]
                    .get(endpoint)
                    .copied()
                    .unwrap_or_default(),
            ) / number(*count)
        };
        if *count > 1 {
            let rows = [
                ("POSTs for each create", 0, "IssueCertificate", 1.0),
                ("GETs of the user for each create", 0, "ReadUser", 2.0),
                ("GETs for each refresh", 1, "ListCertificates", 1.0),
            ];
            for (what, command, endpoint, limit) in rows {
                let what = format!("{what}, {count} certificates");
                targets.push(target(
                    &what,
                    requests(command, endpoint),
                    limit,
                    Unit::Requests,
                ));
            }
        }
    }
    targets
}

fn under_the_client(results: &Results) -> Vec<Target> {
    let Some(client) = &results.client else {
        return Vec::new();
    };
    let handshake = median(client.starts.iter().map(|started| started.handshake));
    let mut targets = vec![
        target(
            "exec to handshake line",
            millis(handshake),
            3.0,
            Unit::Millis,
        ),
        target(
            "provider CPU for each start",
            millis(client.start_cpu),
            10.0,
            Unit::Millis,
        ),
    ];
    for point in client.growth.iter().filter(|point| point.count >= 100) {
        let what = format!(
            "provider CPU for each certificate and apply, {} certificates",
            point.count
        );
        targets.push(target(
            &what,
            millis(point.apply.cpu_each),
            0.4,
            Unit::Millis,
        ));
    }
    for (count, limit) in [(1, 12.0), (1000, 20.0)] {
        if let Some(point) = client.growth.iter().find(|point| point.count == count) {
            let what = format!(
                "memory, {count} certificate{}",
                if count == 1 { "" } else { "s" }
            );
            targets.push(target(
                &what,
                size(point.peak_kib) / 1024.0,
                limit,
                Unit::Mebibytes,
            ));
        }
    }
    let worst = |part: fn(&super::latency::Latency) -> Duration| {
        client
            .latencies
            .iter()
            .filter(|latency| latency.in_flight == 10)
            .map(part)
            .max()
            .unwrap_or_default()
    };
    targets.push(target(
        "slowest RPC, p50 at 10 in flight",
        millis(worst(|l| l.p50)),
        0.3,
        Unit::Millis,
    ));
    targets.push(target(
        "slowest RPC, p99 at 10 in flight",
        millis(worst(|l| l.p99)),
        2.0,
        Unit::Millis,
    ));
    targets
}

fn target(what: &str, measured: f64, limit: f64, unit: Unit) -> Target {
    Target {
        what: what.to_owned(),
        measured,
        limit,
        unit,
    }
}

fn size(amount: u64) -> f64 {
    number(usize::try_from(amount).unwrap_or(usize::MAX))
}

const MEBI: f64 = 1_048_576.0;
