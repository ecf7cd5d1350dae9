//! What the process takes at one moment.

use std::{fmt, fs, time::Duration};

use super::day::Tally;
use crate::Failure;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    at: Duration,
    /// Memory in use, in KiB.
    pub(super) memory: u64,
    pub(super) descriptors: u64,
    pub(super) threads: u64,
    calls: u64,
    issued: u64,
}

impl Sample {
    pub(super) const HEAD: &str =
        "  minutes  memory KiB  descriptors  threads     calls  certificates";

    pub(super) fn take(pid: u32, at: Duration, tally: &Tally) -> Result<Self, Failure> {
        let unreadable = || {
            Failure::Failed(
                "the process' figures cannot be read: this needs Linux, and a provider that lives"
                    .to_owned(),
            )
        };
        let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|_| unreadable())?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        // A provider closes its files to everybody but root. The size of its table of descriptors is open to all.
        let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Ok(open) => u64::try_from(open.count()).ok(),
            Err(_) => field("FDSize:"),
        };
        Ok(Self {
            at,
            memory: field("VmRSS:").ok_or_else(unreadable)?,
            descriptors: descriptors.ok_or_else(unreadable)?,
            threads: field("Threads:").ok_or_else(unreadable)?,
            calls: tally.calls(),
            issued: tally.issued(),
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  {:7.1}  {:10}  {:11}  {:7}  {:8}  {:12}",
            self.at.as_secs_f64() / 60.0,
            self.memory,
            self.descriptors,
            self.threads,
            self.calls,
            self.issued
        )
    }
}

#[cfg(test)]
impl Sample {
    pub(super) fn of(memory: u64, descriptors: u64, threads: u64) -> Self {
        Self {
            at: Duration::ZERO,
            memory,
            descriptors,
            threads,
            calls: 0,
            issued: 0,
        }
    }
}
