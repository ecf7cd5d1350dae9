//! Sends a request with retries. Whether and when to retry is decided by one pure function.
//!
//! An idempotent request is retried after 429, 500, 502, 503, 504, 405 with the code of a maintenance, or a connection
//! failure. A certificate request is retried after 429, a maintenance, or a failure with the proof that it was not processed;
//! everything else may have issued a certificate that cannot be revoked. TLS failures are never retried.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use reqwest::header::HeaderValue;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    config::CallOptions,
    error::{Error, ErrorKind, Operation},
    http::{HttpClient, Response, SendError},
    request::Request,
    response,
};

impl CallOptions {
    /// Waits until the call is canceled or its deadline is reached.
    pub(super) async fn ended(&self) -> ErrorKind {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => ErrorKind::Cancelled,
            () = sleep_until(self.deadline) => ErrorKind::Deadline,
        }
    }

    /// Whether a request can be sent after a wait. A certificate request needs time: a timeout can lose the key.
    fn check_time(&self, operation: Operation, wait: Duration) -> Result<(), ErrorKind> {
        let needed = if operation.is_idempotent() { Duration::ZERO } else { MIN_ISSUE_TIME };
        let left = self.deadline.saturating_duration_since(Instant::now());
        if self.cancel.is_cancelled() {
            Err(ErrorKind::Cancelled)
        } else if wait.saturating_add(needed) < left {
            Ok(())
        } else {
            Err(ErrorKind::Deadline)
        }
    }
}

impl HttpClient {
    /// Sends a request, with retries, and returns the last response, whatever its status. `authorize` returns the
    /// `Authorization` header of each attempt; `previous_attempts` were made with other credentials.
    pub(super) async fn send(
        &self,
        request: &Request,
        options: &CallOptions,
        previous_attempts: u32,
        authorize: impl Fn() -> Option<HeaderValue>,
    ) -> Result<Response, SendError> {
        let info = &request.info;
        let mut attempt = previous_attempts;
        let mut budget = Budget { retries: 0, max_retries: self.config.max_retries };
        options
            .check_time(info.operation, Duration::ZERO)
            .map_err(|kind| Error::new(info, attempt, kind))?;
        loop {
            attempt += 1;
            let result = self.send_once(request, authorize(), options, attempt).await;
            let outcome = self.outcome(info.operation, &result).filter(|_| options.is_retried);
            let retry =
                outcome.and_then(|outcome| decide(info.operation, outcome, budget, jitter()));
            let Some(RetryAfter { wait, consumes_budget, reason }) = retry else {
                return result;
            };
            if let Err(kind) = options.check_time(info.operation, wait) {
                let kind = match (kind, result) {
                    (ErrorKind::Deadline, Ok(response)) => {
                        ErrorKind::RetryExceedsDeadline(wait, response.status_error(request))
                    }
                    (ErrorKind::Deadline, Err(failure)) => {
                        ErrorKind::RetryExceedsDeadline(wait, failure.error)
                    }
                    (kind, _) => kind,
                };
                return Err(Error::new(info, attempt, kind).into());
            }
            budget.retries += u32::from(consumes_budget);
            if wait >= LOG_WAITS_FROM {
                tracing::info!(
                    atlas.operation = info.operation.name(),
                    http.path = info.target,
                    wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                    "waiting {} seconds before {} again: {reason}",
                    wait.as_secs(),
                    info.operation
                );
            }
            tokio::select! {
                () = sleep(wait) => {}
                kind = options.ended() => return Err(Error::new(info, attempt, kind).into()),
            }
        }
    }

    /// The outcome of an attempt; `None` if another attempt cannot change it.
    fn outcome(
        &self,
        operation: Operation,
        result: &Result<Response, SendError>,
    ) -> Option<AttemptOutcome> {
        match result {
            Ok(response) if response.is_success() => None,
            Ok(Response { status, headers, body, server_time, .. }) => {
                let code = response::api_error(*status, body).and_then(|error| error.code);
                let now = server_time.unwrap_or_else(self.clock);
                Some(AttemptOutcome::Status {
                    status: *status,
                    is_maintenance: code.as_deref() == Some(MAINTENANCE),
                    retry_after: response::retry_after(headers, now),
                })
            }
            Err(failure) if !failure.error.kind().may_pass() => None,
            Err(failure) if operation.is_idempotent() || failure.sent_at.is_some() => {
                Some(AttemptOutcome::NoResponse)
            }
            Err(_) => Some(AttemptOutcome::NotSent),
        }
    }
}

/// The outcome of one attempt that another one may change.
#[derive(Clone, Copy, Debug)]
enum AttemptOutcome {
    /// A response. Whether it has the error code of a maintenance.
    Status { status: u16, is_maintenance: bool, retry_after: Option<Duration> },
    /// No response, and the request was certainly not processed.
    NotSent,
    /// No complete response to a request that was possibly sent.
    NoResponse,
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    retries: u32,
    max_retries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct RetryAfter {
    wait: Duration,
    consumes_budget: bool,
    reason: &'static str,
}

/// Decides whether to retry; if not, the response or the error is the result. `jitter` is a number from 0 to 1.
fn decide(
    operation: Operation,
    outcome: AttemptOutcome,
    budget: Budget,
    jitter: f64,
) -> Option<RetryAfter> {
    use AttemptOutcome::{NoResponse, NotSent, Status};
    let is_idempotent = operation.is_idempotent();
    let (reason, retry_after) = match outcome {
        Status { status: 429, retry_after: Some(wait), .. } => {
            let wait = wait.max(MIN_RETRY_AFTER);
            let spread = (wait / 4).min(MAX_SPREAD).mul_f64(jitter);
            let wait = wait.saturating_add(spread);
            return Some(RetryAfter { wait, consumes_budget: false, reason: RATE_LIMITED });
        }
        Status { status: 429, .. } => (RATE_LIMITED, Some(MIN_RETRY_AFTER)),
        Status { status: 405, is_maintenance: true, retry_after } => {
            ("Atlas is under maintenance", retry_after)
        }
        Status { status: 500 | 502 | 503 | 504, retry_after, .. } if is_idempotent => {
            ("Atlas failed to respond", retry_after)
        }
        NotSent => ("Atlas could not be reached", None),
        NoResponse if is_idempotent => ("the connection to Atlas failed", None),
        _ => return None,
    };
    let backoff = INITIAL_BACKOFF
        .saturating_mul(1 << budget.retries.min(16))
        .min(MAX_BACKOFF)
        .mul_f64(0.5 + 0.5 * jitter);
    (budget.retries < budget.max_retries).then(|| RetryAfter {
        wait: retry_after.map_or(backoff, |wait| wait.max(MIN_RETRY_AFTER).max(backoff)),
        consumes_budget: true,
        reason,
    })
}

/// A random number from 0 to 1, so that concurrent callers do not retry together.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// The wait before the first retry, at most; it doubles with each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// Atlas has been seen to send `Retry-After: 0`.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
const MAX_SPREAD: Duration = Duration::from_secs(5);
/// A certificate request is not sent with less time than this until the deadline.
const MIN_ISSUE_TIME: Duration = Duration::from_secs(3);
const LOG_WAITS_FROM: Duration = Duration::from_secs(5);
const RATE_LIMITED: &str = "Atlas limits the rate of requests";
const MAINTENANCE: &str = "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONE: Budget = Budget { retries: 0, max_retries: 0 };
    const READ: Operation = Operation::ReadUser;
    const ISSUE: Operation = Operation::IssueCertificate;

    fn status(status: u16) -> AttemptOutcome {
        AttemptOutcome::Status { status, is_maintenance: false, retry_after: None }
    }

    fn after(status: u16, seconds: u64) -> AttemptOutcome {
        let retry_after = Some(Duration::from_secs(seconds));
        AttemptOutcome::Status { status, is_maintenance: false, retry_after }
    }

    fn waits(operation: Operation, outcome: AttemptOutcome) -> Option<(Duration, bool)> {
        let budget = Budget { retries: 0, max_retries: 5 };
        let retry = decide(operation, outcome, budget, 0.0)?;
        Some((retry.wait, retry.consumes_budget))
    }

    #[test]
    fn a_refused_certificate_request_is_retried_and_an_ambiguous_one_never() {
        let half = Some((INITIAL_BACKOFF / 2, true));
        let second = Some((Duration::from_secs(1), true));
        for (outcome, read, issue) in [
            (status(200), None, None),
            (status(201), None, None),
            (status(302), None, None),
            (status(400), None, None),
            (status(403), None, None),
            (status(404), None, None),
            (status(405), None, None),
            (
                AttemptOutcome::Status { status: 405, is_maintenance: true, retry_after: None },
                half,
                half,
            ),
            (status(408), None, None),
            (status(409), None, None),
            (status(410), None, None),
            (status(429), second, second),
            (
                after(429, 7),
                Some((Duration::from_secs(7), false)),
                Some((Duration::from_secs(7), false)),
            ),
            (after(429, 0), Some((MIN_RETRY_AFTER, false)), Some((MIN_RETRY_AFTER, false))),
            (status(500), half, None),
            (status(501), None, None),
            (status(502), half, None),
            (status(503), half, None),
            (after(503, 9), Some((Duration::from_secs(9), true)), None),
            (status(504), half, None),
            (AttemptOutcome::NotSent, half, half),
            (AttemptOutcome::NoResponse, half, None),
        ] {
            assert_eq!(waits(READ, outcome), read, "reading, {outcome:?}");
            assert_eq!(waits(ISSUE, outcome), issue, "issuing, {outcome:?}");
        }
    }

    #[test]
    fn the_limit_does_not_apply_to_rate_limits_with_retry_after() {
        let spent = Budget { retries: 5, max_retries: 5 };
        for outcome in [
            status(500),
            status(429),
            AttemptOutcome::NoResponse,
            AttemptOutcome::NotSent,
            after(503, 3),
        ] {
            assert_eq!(decide(READ, outcome, spent, 0.5), None);
        }
        for outcome in [after(429, 3), after(429, 0)] {
            assert!(!decide(ISSUE, outcome, spent, 0.5).unwrap().consumes_budget);
        }
        assert_eq!(decide(READ, status(500), NONE, 0.0), None);
    }

    #[test]
    fn backoff_doubles_up_to_its_maximum() {
        let pause = |counted, jitter| {
            let budget = Budget { retries: counted, max_retries: 99 };
            decide(READ, status(500), budget, jitter).unwrap().wait
        };
        let millis: Vec<_> = (0..8).map(|counted| pause(counted, 1.0).as_millis()).collect();
        assert_eq!(millis, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(pause(3, 0.0).as_millis(), 2000);
        assert_eq!(pause(90, 1.0), MAX_BACKOFF);
    }

    #[test]
    fn a_retry_is_never_earlier_than_retry_after() {
        for (jitter, seconds) in [(0.0, 60.0), (1.0, 65.0), (0.5, 62.5)] {
            let wait = decide(ISSUE, after(429, 60), NONE, jitter).unwrap().wait;
            assert!((wait.as_secs_f64() - seconds).abs() < 0.001);
        }
    }

    proptest! {
        /// Neither an overflow nor a wait that is shorter than the server demands, for any header.
        #[test]
        fn no_retry_after_breaks_the_decision(
            seconds in any::<u64>(),
            status in prop_oneof![Just(429_u16), Just(405), Just(503), 100..600_u16],
            operation in prop_oneof![Just(READ), Just(ISSUE)],
            (retries, max_retries) in any::<(u32, u32)>(),
            jitter in 0.0..=1.0_f64,
        ) {
            let outcome = AttemptOutcome::Status {
                status,
                is_maintenance: true,
                retry_after: Some(Duration::from_secs(seconds)),
            };
            let budget = Budget { retries, max_retries };
            let decision = decide(operation, outcome, budget, jitter);
            if let Some(RetryAfter { wait, consumes_budget, .. }) = decision {
                prop_assert!(wait >= Duration::from_secs(seconds).max(MIN_RETRY_AFTER));
                prop_assert!(consumes_budget == (status != 429));
                prop_assert!(!consumes_budget || retries < max_retries);
            }
        }
    }
}
