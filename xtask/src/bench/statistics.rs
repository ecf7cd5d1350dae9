//! Medians and percentiles.

use std::time::Duration;

/// The middle of the values; zero where there are none.
pub(super) fn median(values: impl IntoIterator<Item = Duration>) -> Duration {
    percentile(values, 50)
}

/// The smallest value that at least `percent` of the values do not exceed; zero where there are none.
pub(super) fn percentile(values: impl IntoIterator<Item = Duration>, percent: usize) -> Duration {
    let mut values: Vec<Duration> = values.into_iter().collect();
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// A number of things, for arithmetic with measures.
pub(super) fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap_or(u32::MAX))
}

/// Milliseconds, with their fraction.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(values: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Duration> {
        values.into_iter().map(Duration::from_millis)
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let of = |values: &[u64], percent| {
            percentile(durations(values.iter().copied()), percent).as_millis()
        };
        assert_eq!(of(&[], 50), 0);
        assert_eq!(of(&[7], 99), 7);
        assert_eq!(of(&[9, 1, 5], 50), 5);
        assert_eq!(of(&[4, 1, 3, 2], 50), 2);
        assert_eq!(percentile(durations(1..=100), 99).as_millis(), 99);
        assert_eq!(median(durations([3, 1, 2])).as_millis(), 2);
    }
}
