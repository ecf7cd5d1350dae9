//! The local clock, behind a trait so that tests decide what time it is.
//!
//! What a certificate's age means is decided by the `Date` of Atlas's answers; this clock stands in
//! only where an answer carries none, and shows how far the two disagree.

use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg_attr(
        not(test),
        expect(clippy::disallowed_methods, reason = "the only reader of this machine's clock")
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still, for tests.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
