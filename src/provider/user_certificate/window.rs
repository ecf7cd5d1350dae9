//! The renewal window of one certificate.

use jiff::{SignedDuration, Timestamp};
use tf_provider::{Diagnostic, Path};

/// Days of window that each month of validity allows: half a life, or the next certificate would be due at once.
pub(super) const DAYS_PER_MONTH: i64 = 14;

/// Days before the expiry at which a certificate of average length is renewed at the latest, when nothing is configured.
const DEFAULT_DAYS: i64 = 30;

/// When the window opens. `days` is what is configured; longer than half the life, it is cut to that.
pub(super) fn opens(not_before: Timestamp, not_after: Timestamp, days: Option<i64>) -> Timestamp {
    let life = not_after.duration_since(not_before);
    let window = match days {
        Some(days) => SignedDuration::from_secs(days.saturating_mul(86_400)).min(life / 2),
        None => (life / 3).min(SignedDuration::from_hours(DEFAULT_DAYS * 24)),
    };
    let seconds = window.max(SignedDuration::ZERO).as_secs();
    not_after - SignedDuration::from_secs(seconds)
}

/// Whether a configured window is longer than half of this certificate's life.
pub(super) fn exceeds(not_before: Timestamp, not_after: Timestamp, days: i64) -> bool {
    SignedDuration::from_secs(days.saturating_mul(86_400))
        > not_after.duration_since(not_before) / 2
}

/// The error for a window that would issue without end.
pub(super) fn too_long(days: i64, months: i64) -> Diagnostic {
    Diagnostic::error(
        "Renewal window too long",
        format!(
            "renew_before_days = {days} is more than {} days, half the life of a certificate of {months} month(s): each new one would be \
             due for renewal soon after it is issued, without end. Choose at most {DAYS_PER_MONTH} days for each month of validity.",
            DAYS_PER_MONTH * months,
        ),
    )
    .at(Path::attribute("renew_before_days"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_window_opens_where_the_rules_say() {
        let cases = [
            (
                "2026-01-01T00:00:00Z",
                "2026-04-01T01:00:00Z",
                None,
                "2026-03-02T01:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-01-31T00:00:00Z",
                None,
                "2026-01-21T00:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-04-01T01:00:00Z",
                Some(10),
                "2026-03-22T01:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-04-01T01:00:00Z",
                Some(0),
                "2026-04-01T01:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-01-31T00:00:00Z",
                Some(99),
                "2026-01-16T00:00:00Z",
            ),
        ];
        for (from, to, days, expected) in cases {
            assert_eq!(opens(at(from), at(to), days), at(expected), "{days:?}");
        }
    }

    #[test]
    fn half_a_life_is_the_longest_window() {
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-31T00:00:00Z"));
        assert!(!exceeds(from, to, 15));
        assert!(exceeds(from, to, 16));
        assert!(exceeds(from, to, i64::MAX));
    }
}
