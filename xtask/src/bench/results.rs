//! Everything that one run has measured.

use std::time::Duration;

use super::{client::Started, growth::Point, latency::Latency, life::Seen, rounds::Medians};

/// The figures of one run.
pub(super) struct Results {
    /// The head of the report, as (name, value).
    pub(super) facts: Vec<(&'static str, String)>,
    /// The machine's load before the run.
    pub(super) load: Option<f64>,
    /// Whether it was our provider, for which there are targets.
    pub(super) ours: bool,
    /// The binary, in bytes.
    pub(super) binary_bytes: u64,
    /// Bytes of state for one more resource, as (subject, bytes).
    pub(super) state_bytes: Vec<(String, u64)>,
    /// The first subject is the one that is measured; then the yardsticks.
    pub(super) medians: Vec<Medians>,
    /// Watched lives, as (count, what was seen).
    pub(super) seen: Vec<(usize, Seen)>,
    /// What the mTLS client measured, if the provider could be driven by it.
    pub(super) client: Option<ClientResults>,
}

/// What was measured without the CLI.
pub(super) struct ClientResults {
    pub(super) starts: Vec<Started>,
    /// Processor time of a process that starts, tells its schema, is configured, and ends.
    pub(super) start_cpu: Duration,
    pub(super) latencies: Vec<Latency>,
    pub(super) growth: Vec<Point>,
}

/// The name of the yardstick with a short input.
pub(super) const FLOOR: &str = "floor";
/// The name of the yardstick with as much state as the subject.
pub(super) const EQUAL_STATE: &str = "equal-state floor";

impl Results {
    /// The medians of a subject at a count; of the measured one where the name is `None`.
    pub(super) fn medians(&self, subject: Option<&str>, count: usize) -> Option<&Medians> {
        let name =
            subject.or_else(|| self.medians.first().map(|medians| medians.subject.as_str()))?;
        self.medians
            .iter()
            .find(|medians| medians.subject == name && medians.count == count)
    }
}
