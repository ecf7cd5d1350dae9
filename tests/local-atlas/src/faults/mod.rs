//! Faults: what goes wrong, for which request, and how often.

mod answer;
mod handle;
mod rewrite;
mod rule;

pub use answer::{Answer, RetryAfter};
pub use handle::FaultHandle;
pub(crate) use handle::{Armed, Faults};
pub use rewrite::Rewrite;
pub(crate) use rule::Sighting;
pub use rule::{Fault, Matching, Moment, Outcome, Pause};
