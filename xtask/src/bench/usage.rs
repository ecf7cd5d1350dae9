//! Processor time, memory and percentiles.

use std::{fs, time::Duration};

/// Processor time of the ended child processes and theirs.
#[cfg(unix)]
pub(super) fn children() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::{TimeVal, TimeValLike};

    let duration = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map(|usage| duration(usage.user_time()) + duration(usage.system_time()))
        .unwrap_or_default()
}

/// Not measured on this system.
#[cfg(not(unix))]
pub(super) fn children() -> Duration {
    Duration::ZERO
}

/// Processor time and peak memory in KiB of a running process; zero outside Linux.
pub(super) fn of_process(pid: u32) -> (Duration, u64) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    let cpu = Duration::from_nanos(nanoseconds.sum());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    (
        cpu,
        peak.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default(),
    )
}

/// The smallest value that at least `percent` of the values do not exceed; zero for no values.
pub(super) fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A count, for arithmetic.
pub(super) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let of = |values: &[f64], percent| percentile(values.to_vec(), percent).to_string();
        assert_eq!(of(&[], 50), "0");
        assert_eq!(of(&[7.0], 99), "7");
        assert_eq!(of(&[9.0, 1.0, 5.0], 50), "5");
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0], 50), "2");
    }
}
