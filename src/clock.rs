//! The local clock, passed as a function so that tests can set it.
//!
//! The age of a certificate is decided by the `Date` header of responses; this clock is read only where a response has
//! none, and to compare the two.

use jiff::Timestamp;

/// Returns the current time: [`now`], or a fixed time in tests.
pub type Clock = fn() -> Timestamp;

/// The time of this machine's clock.
#[cfg_attr(
    not(test),
    expect(clippy::disallowed_methods, reason = "the only reader of this machine's clock")
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
