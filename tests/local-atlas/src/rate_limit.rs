//! Token buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::settings::Rate;

/// All buckets by name; a bucket is full at its first use.
#[derive(Debug, Default)]
pub(crate) struct Buckets(BTreeMap<String, Bucket>);

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: u32,
    refilled_at: Timestamp,
}

impl Buckets {
    /// Takes a token from the bucket `name` and returns how many are left, or the seconds until the
    /// next ones arrive, at least one. A changed rate starts a full bucket.
    pub(crate) fn take(&mut self, name: &str, rate: Rate, now: Timestamp) -> Result<u32, i64> {
        let full = || Bucket { rate, tokens: rate.capacity, refilled_at: now };
        let bucket = self.0.entry(name.to_owned()).or_insert_with(full);
        if bucket.rate != rate || now < bucket.refilled_at {
            *bucket = full();
        }
        let period_ms = i64::from(rate.period_seconds.max(1)) * 1000;
        let since_ms = now.as_millisecond() - bucket.refilled_at.as_millisecond();
        let periods = since_ms / period_ms;
        let arrived = periods.saturating_mul(rate.refill.into());
        let tokens = arrived.saturating_add(bucket.tokens.into()).min(rate.capacity.into());
        let refilled_ms = bucket.refilled_at.as_millisecond() + periods * period_ms;
        bucket.refilled_at = Timestamp::from_millisecond(refilled_ms).unwrap_or(now);
        bucket.tokens = u32::try_from(tokens).unwrap_or(rate.capacity);
        let Some(left) = bucket.tokens.checked_sub(1) else {
            let wait_ms = refilled_ms + period_ms - now.as_millisecond();
            return Err((wait_ms + 999).div_euclid(1000).max(1));
        };
        bucket.tokens = left;
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_empty_bucket_names_the_second_of_the_next_refill() {
        let mut buckets = Buckets::default();
        for (name, second, result) in [
            ("a", 0, Ok(1)),
            ("a", 1, Ok(0)),
            ("a", 5, Err(55)),
            ("b", 5, Ok(1)),
            ("a", 60, Ok(0)),
            ("a", 61, Err(59)),
            ("a", 6000, Ok(1)),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(buckets.take(name, Rate::per_minute(2, 1), now), result, "{name} {second}");
        }
    }
}
