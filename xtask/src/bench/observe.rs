//! Watches the provider processes that a CLI starts. Needs Linux' process files; elsewhere nothing is seen.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::usage::Process;

/// What the provider processes of one command took.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    /// How many there were.
    pub(super) processes: usize,
    /// The processor time of all of them.
    pub(super) cpu: Duration,
    /// The memory of the greatest of them at its greatest, in KiB.
    pub(super) peak_kib: u64,
}

/// A thread that looks again and again, until it is told to end.
pub(super) struct Observer {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Observed>,
}

impl Observer {
    /// Watches the children of this process.
    pub(super) fn watch(parent: u32) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut seen: BTreeMap<u32, Process> = BTreeMap::new();
            while !told.load(Ordering::Relaxed) {
                for pid in children(parent).into_iter().filter(|pid| is_provider(*pid)) {
                    let (now, known) = (Process::read(pid), seen.entry(pid).or_default());
                    // A process that is ending has no memory any more, and fewer threads.
                    known.cpu = known.cpu.max(now.cpu);
                    known.peak_kib = known.peak_kib.max(now.peak_kib);
                }
                thread::sleep(PERIOD);
            }
            Observed {
                processes: seen.len(),
                cpu: seen.values().map(|process| process.cpu).sum(),
                peak_kib: seen
                    .values()
                    .map(|process| process.peak_kib)
                    .max()
                    .unwrap_or_default(),
            }
        });
        Self { ended, thread }
    }

    pub(super) fn end(self) -> Observed {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Any thread may be the one that started a child.
fn children(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir(Path::new("/proc").join(parent.to_string()).join("task"));
    let lists = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Between fork and exec a child is still a copy of the CLI.
fn is_provider(pid: u32) -> bool {
    // The link to the binary is closed to all but root: a provider closes its memory.
    let command = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline"));
    let binary = command.map(|command| {
        let name = command.split(|byte| *byte == 0).next().unwrap_or_default();
        PathBuf::from(String::from_utf8_lossy(name).into_owned())
    });
    let name = |path: PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    binary
        .ok()
        .and_then(name)
        .is_some_and(|name| name.starts_with("terraform-provider-"))
}

const PERIOD: Duration = Duration::from_millis(1);
