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
    let peak = of_status(pid, "VmHWM:").unwrap_or_default();
    (Duration::from_nanos(nanoseconds.sum()), peak)
}

/// A figure in the status of a running process; none outside Linux.
pub(crate) fn of_status(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The smallest value that at least `percent` of the values do not exceed; zero for no values.
pub(super) fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// An amount, for arithmetic.
#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
pub(super) fn number(amount: u64) -> f64 {
    amount as f64
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
