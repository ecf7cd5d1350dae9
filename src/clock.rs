//! The local clock, behind a trait so that tests can set it.
//!
//! The age of a certificate is decided by the `Date` header of responses; this clock is read only where a response has
//! none, and to compare the two.

use jiff::Timestamp;

/// The clock of this machine, or a fixed one in tests.
pub trait Clock: Send + Sync {
    /// The current time.
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

/// A clock that stands still.
#[cfg(test)]
impl Clock for Timestamp {
    fn now(&self) -> Timestamp {
        *self
    }
}
