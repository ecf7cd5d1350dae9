//! The server's time: real time plus an offset that a test sets.

use jiff::{SignedDuration, Span, Timestamp, fmt::rfc2822::DateTimePrinter, tz::Offset};
use parking_lot::Mutex;

/// The time of `Date`, issue, expiry, lists, tokens and TLS logins.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset: Mutex<SignedDuration>,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        shifted(Timestamp::now(), self.offset())
    }

    pub(crate) fn offset(&self) -> SignedDuration {
        *self.offset.lock()
    }

    pub(crate) fn set_offset(&self, offset: SignedDuration) {
        *self.offset.lock() = offset;
    }

    /// The `Date` header, or an HTTP date that is `later`.
    pub(crate) fn http_date(&self, later: SignedDuration) -> String {
        let shown = shifted(self.now(), later);
        DateTimePrinter::new().timestamp_to_rfc9110_string(&shown).unwrap_or_default()
    }
}

/// `from` plus calendar months at the same time of day in UTC; the day is clamped to the month's end.
pub(crate) fn add_months(from: Timestamp, months: u32) -> Option<Timestamp> {
    let later = Offset::UTC.to_datetime(from).checked_add(Span::new().months(months)).ok()?;
    Offset::UTC.to_timestamp(later).ok()
}

pub(crate) fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}
