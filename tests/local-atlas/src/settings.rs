//! Behavior that differs by configuration, or that is not known of Atlas.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The settings that a test can change while the server runs. The defaults are Atlas's own values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// The list of a user that does not exist.
    pub deleted_users: DeletedUsers,
    /// Seconds until a new certificate appears in lists.
    pub list_lag_seconds: u32,
    /// Items on a page at most, whatever `itemsPerPage` says.
    pub largest_page: usize,
    /// Unexpired certificates that a user may have; `None` is no limit (Atlas's number is not known).
    pub certificate_limit: Option<usize>,
    /// The bucket shared by issuing and listing the certificates of one project.
    pub certificate_rate: Option<Rate>,
    /// The bucket of the database user endpoints of one project.
    pub user_rate: Option<Rate>,
    /// The bucket of the token endpoint, per client.
    pub token_rate: Option<Rate>,
    /// Lifetime of an access token in seconds.
    pub token_lifetime_seconds: u32,
    /// Unexpired, unrevoked access tokens that a service account may have.
    pub token_limit: usize,
    /// The addresses that may call the API.
    pub access_list: AccessList,
    /// Whether responses are compressed for clients that accept gzip.
    pub gzip: bool,
}

/// A token bucket: `refill` tokens arrive together at the end of each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// Tokens in a full bucket.
    pub capacity: u32,
    /// Tokens that arrive each period.
    pub refill: u32,
    /// Length of a period in seconds; never 0.
    pub period_seconds: u32,
    /// Whether a refusal carries `Retry-After`.
    pub retry_after: bool,
}

/// The list of a user that does not exist (Atlas's own is not known).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeletedUsers {
    /// 404 `USERNAME_NOT_FOUND`.
    #[default]
    NotFound,
    /// An empty list.
    EmptyList,
    /// The unexpired certificates issued to the name.
    Leftovers,
}

/// The API access list of the organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccessList {
    /// Not required.
    #[default]
    Open,
    /// Required, and empty: 403 `ORG_REQUIRES_ACCESS_LIST`.
    Missing,
    /// Other addresses get 403 `IP_ADDRESS_NOT_ON_ACCESS_LIST`.
    Only(Vec<IpAddr>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deleted_users: DeletedUsers::default(),
            list_lag_seconds: 0,
            largest_page: 500,
            certificate_limit: None,
            certificate_rate: Some(Rate::per_minute(1200, 500)),
            user_rate: Some(Rate::per_minute(10_000, 10_000)),
            token_rate: Some(Rate::per_minute(50, 50)),
            token_lifetime_seconds: 3600,
            token_limit: 100,
            access_list: AccessList::default(),
            gzip: false,
        }
    }
}

impl Settings {
    /// The defaults without any rate limit, for benchmarks and long runs.
    pub fn unlimited() -> Self {
        Self { certificate_rate: None, user_rate: None, token_rate: None, ..Self::default() }
    }
}

impl Rate {
    /// A bucket of `capacity` that gains `refill` each second, with `Retry-After`.
    pub fn per_second(capacity: u32, refill: u32) -> Self {
        Self { capacity, refill, period_seconds: 1, retry_after: true }
    }

    /// A bucket of `capacity` that gains `refill` each minute, with `Retry-After`.
    pub fn per_minute(capacity: u32, refill: u32) -> Self {
        Self { period_seconds: 60, ..Self::per_second(capacity, refill) }
    }
}

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
