//! What a waiting person sees, on stderr.

use std::time::Instant;

/// Tells what is being done, and since when.
pub(super) struct Progress {
    started: Instant,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(super) fn tell(&self, what: &str) {
        eprintln!("{:>5} s  {what}", self.started.elapsed().as_secs());
    }
}
