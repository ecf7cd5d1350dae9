//! Processor time and memory, of this program, of what it has started, and of a provider while it runs.

use std::{fs, path::Path, time::Duration};

/// Processor time so far: this program's own, and that of the processes that it started and that have ended, with theirs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cpu {
    pub(super) own: Duration,
    pub(super) children: Duration,
}

impl Cpu {
    pub(super) fn now() -> Self {
        Self {
            own: read::own(),
            children: read::children(),
        }
    }

    /// What has come since.
    pub(super) fn since(self) -> Self {
        let now = Self::now();
        Self {
            own: now.own.saturating_sub(self.own),
            children: now.children.saturating_sub(self.children),
        }
    }
}

/// What a running process has taken so far. Zero where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Process {
    /// Processor time.
    pub(super) cpu: Duration,
    /// The greatest memory in use at any time, in KiB.
    pub(super) peak_kib: u64,
}

impl Process {
    /// Reads Linux' process files. Threads that have ended are not counted.
    pub(super) fn read(pid: u32) -> Self {
        let folder = Path::new("/proc").join(pid.to_string());
        let tasks = fs::read_dir(folder.join("task"))
            .into_iter()
            .flatten()
            .flatten();
        let nanos = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Self {
            cpu: Duration::from_nanos(nanos.sum()),
            peak_kib: peak_kib(&folder).unwrap_or_default(),
        }
    }
}

fn peak_kib(folder: &Path) -> Option<u64> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(unix)]
mod read {
    use std::time::Duration;

    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::TimeVal,
    };

    pub(super) fn own() -> Duration {
        total(UsageWho::RUSAGE_SELF)
    }

    pub(super) fn children() -> Duration {
        total(UsageWho::RUSAGE_CHILDREN)
    }

    fn total(who: UsageWho) -> Duration {
        getrusage(who)
            .map(|usage| duration(usage.user_time()) + duration(usage.system_time()))
            .unwrap_or_default()
    }

    fn duration(time: TimeVal) -> Duration {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
        let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
        Duration::from_secs(seconds) + Duration::from_micros(micros)
    }
}

#[cfg(not(unix))]
mod read {
    use std::time::Duration;

    pub(super) fn own() -> Duration {
        Duration::ZERO
    }

    pub(super) fn children() -> Duration {
        Duration::ZERO
    }
}
