//! Token buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::settings::Rate;
use crate::shared::Shared;

/// All buckets by name; a bucket is full when it is first used.
#[derive(Debug, Default)]
pub(crate) struct Buckets(Shared<BTreeMap<String, Bucket>>);

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: u32,
    refilled_at: Timestamp,
}

/// What is left after a token was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) capacity: u32,
    pub(crate) tokens: u32,
}

/// No token is left; the next ones come in this many seconds, one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Empty {
    pub(crate) seconds: i64,
}

impl Buckets {
    /// Takes a token from the bucket `name`. A changed rate starts a full bucket.
    pub(crate) fn take(&self, name: &str, rate: Rate, now: Timestamp) -> Result<Remaining, Empty> {
        let mut buckets = self.0.lock();
        let full = || Bucket {
            rate,
            tokens: rate.capacity,
            refilled_at: now,
        };
        let bucket = buckets.entry(name.to_owned()).or_insert_with(full);
        if bucket.rate != rate || now < bucket.refilled_at {
            *bucket = full();
        }
        bucket.refill(now);
        bucket.take(now)
    }
}

impl Bucket {
    fn refill(&mut self, now: Timestamp) {
        let period_ms = i64::from(self.rate.period_seconds.max(1)) * 1000;
        let since_ms = now.as_millisecond() - self.refilled_at.as_millisecond();
        let periods = since_ms / period_ms;
        let arrived = periods.saturating_mul(i64::from(self.rate.refill));
        let tokens = i64::from(self.tokens)
            .saturating_add(arrived)
            .min(i64::from(self.rate.capacity));
        self.tokens = u32::try_from(tokens).unwrap_or(self.rate.capacity);
        let reached = self.refilled_at.as_millisecond() + periods * period_ms;
        self.refilled_at = Timestamp::from_millisecond(reached).unwrap_or(now);
    }

    fn take(&mut self, now: Timestamp) -> Result<Remaining, Empty> {
        let Some(tokens) = self.tokens.checked_sub(1) else {
            let next_ms = self.refilled_at.as_millisecond()
                + i64::from(self.rate.period_seconds.max(1)) * 1000;
            let wait_ms = next_ms - now.as_millisecond();
            return Err(Empty {
                seconds: (wait_ms + 999).div_euclid(1000).max(1),
            });
        };
        self.tokens = tokens;
        Ok(Remaining {
            capacity: self.rate.capacity,
            tokens,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn refuses_when_empty_and_names_the_second_of_the_next_refill() {
        let buckets = Buckets::default();
        let rate = Rate::per_minute(2, 1);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(
            buckets.take("a", rate, at(0)),
            Ok(Remaining {
                capacity: 2,
                tokens: 1
            })
        );
        assert_eq!(
            buckets.take("a", rate, at(1)),
            Ok(Remaining {
                capacity: 2,
                tokens: 0
            })
        );
        assert_eq!(buckets.take("a", rate, at(5)), Err(Empty { seconds: 55 }));
        assert_eq!(
            buckets.take("b", rate, at(5)),
            Ok(Remaining {
                capacity: 2,
                tokens: 1
            })
        );
        assert_eq!(
            buckets.take("a", rate, at(60)),
            Ok(Remaining {
                capacity: 2,
                tokens: 0
            })
        );
        assert_eq!(buckets.take("a", rate, at(61)), Err(Empty { seconds: 59 }));
        assert_eq!(
            buckets.take("a", rate, at(6000)),
            Ok(Remaining {
                capacity: 2,
                tokens: 1
            })
        );
    }
}
