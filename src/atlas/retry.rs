//! Sends a request with retries. Whether and when to retry is decided by one pure function.
//!
//! An idempotent request is retried after 429, 500, 502, 503, 504, 405 with the code of a maintenance, or a connection
//! failure. A certificate request is retried after 429, a maintenance, or a failure that certainly precedes its sending;
//! everything else may have issued a certificate that cannot be revoked. TLS failures are never retried.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use reqwest::header::HeaderValue;
use tokio::time::{Instant, sleep};

use super::{
    config::{CallOptions, Retry},
    error::{ConnectError, Error, ErrorKind, RequestInfo},
    http::{HttpClient, Response, SendError},
    request::{Idempotency, Request},
    response,
};
use crate::clock::Clock;

/// Sends requests with retries.
pub(super) struct Sender {
    pub(super) http: HttpClient,
    /// Stands in for the server's clock if a response has no date.
    pub(super) clock: Arc<dyn Clock>,
    pub(super) max_retries: u32,
    pub(super) timing: Timing,
}

/// The times that are not configurable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// The wait before the first retry, at most; it doubles with each further one.
    pub(super) initial_backoff: Duration,
    /// How long Atlas may take to issue a certificate: 0.7 to 2.3 seconds were seen. A list that is read earlier after a
    /// broken connection can miss the certificate.
    pub(super) settle_delay: Duration,
    /// A certificate request is not sent with less time than this until the deadline.
    pub(super) min_issue_time: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(500),
            settle_delay: Duration::from_secs(3),
            min_issue_time: Duration::from_secs(3),
        }
    }
}

impl Sender {
    /// Sends a request, with retries, and returns the last response, whatever its status. `authorize` returns the
    /// `Authorization` header of each attempt; `previous_attempts` were made with other credentials.
    pub(super) async fn send(
        &self,
        request: &Request,
        options: &CallOptions,
        previous_attempts: u32,
        authorize: impl Fn() -> Option<HeaderValue>,
    ) -> Result<Response, SendError> {
        let mut attempt = previous_attempts;
        let mut retries = 0;
        self.check_time(request, options, Duration::ZERO)
            .map_err(|kind| Error::new(&request.info, attempt, kind))?;
        loop {
            attempt += 1;
            let result = self.http.send(request, authorize(), options, attempt).await;
            let budget = Budget { retries, max_retries: self.max_retries };
            let decision = self.decide(request, budget, &result);
            let RetryDecision::RetryAfter { wait, consumes_budget, reason } = decision else {
                return result;
            };
            if options.retry == Retry::Never {
                return result;
            }
            if let Err(kind) = self.check_time(request, options, wait) {
                let cause = match result {
                    Ok(response) => response.status_error(request),
                    Err(failure) => failure.error,
                };
                let kind = match kind {
                    ErrorKind::Deadline => ErrorKind::RetryExceedsDeadline { wait, cause },
                    kind => kind,
                };
                return Err(Error::new(&request.info, attempt, kind).into());
            }
            retries += u32::from(consumes_budget);
            wait_before_retry(&request.info, options, wait, reason)
                .await
                .map_err(|kind| Error::new(&request.info, attempt, kind))?;
        }
    }

    fn decide(
        &self,
        request: &Request,
        budget: Budget,
        result: &Result<Response, SendError>,
    ) -> RetryDecision {
        let code;
        let outcome = match result {
            Ok(response) if response.is_success() => return RetryDecision::Return,
            Ok(response) => {
                code = response::error_code(&response.body);
                let now = response.server_time.unwrap_or_else(|| self.clock.now());
                AttemptOutcome::Status {
                    status: response.status,
                    code: code.as_deref(),
                    retry_after: response::retry_after(&response.headers, now),
                }
            }
            Err(failure) => match failure.error.kind() {
                ErrorKind::Connect(ConnectError::Tls) => AttemptOutcome::Permanent,
                ErrorKind::Connect(_) | ErrorKind::ConnectionLost | ErrorKind::TimedOut { .. } => {
                    match (request.idempotency(), failure.sent_at) {
                        (Idempotency::NotIdempotent, None) => AttemptOutcome::NotSent,
                        _ => AttemptOutcome::NoResponse,
                    }
                }
                _ => AttemptOutcome::Permanent,
            },
        };
        let backoff = self.timing.initial_backoff;
        decide(request.idempotency(), outcome, budget, backoff, jitter())
    }

    /// Whether the request can be sent after a wait. A certificate request needs time for its response, because a
    /// timeout can lose the key of a certificate.
    fn check_time(
        &self,
        request: &Request,
        options: &CallOptions,
        wait: Duration,
    ) -> Result<(), ErrorKind> {
        if options.cancel.is_cancelled() {
            return Err(ErrorKind::Cancelled);
        }
        let needed = match request.idempotency() {
            Idempotency::NotIdempotent => self.timing.min_issue_time,
            Idempotency::Idempotent => Duration::ZERO,
        };
        let left = options.deadline.saturating_duration_since(Instant::now());
        if wait.saturating_add(needed) < left { Ok(()) } else { Err(ErrorKind::Deadline) }
    }
}

async fn wait_before_retry(
    request: &RequestInfo,
    options: &CallOptions,
    wait: Duration,
    reason: &'static str,
) -> Result<(), ErrorKind> {
    if wait >= LOG_WAITS_FROM {
        tracing::info!(
            atlas.operation = request.operation.name(),
            http.path = request.target.as_str(),
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "waiting {} seconds before {} again: {reason}",
            wait.as_secs(),
            request.operation
        );
    }
    tokio::select! {
        () = sleep(wait) => Ok(()),
        () = options.cancel.cancelled() => Err(ErrorKind::Cancelled),
    }
}

/// The outcome of one attempt.
#[derive(Clone, Copy, Debug)]
enum AttemptOutcome<'a> {
    /// A response that is not a success.
    Status { status: u16, code: Option<&'a str>, retry_after: Option<Duration> },
    /// No response, and the request was certainly not processed.
    NotSent,
    /// No complete response to a request that was possibly sent.
    NoResponse,
    /// A failure that another attempt cannot change.
    Permanent,
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    retries: u32,
    max_retries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum RetryDecision {
    /// Return the response or the error.
    Return,
    RetryAfter {
        wait: Duration,
        consumes_budget: bool,
        reason: &'static str,
    },
}

/// Decides whether to retry. `jitter` is a number from 0 to 1.
fn decide(
    idempotency: Idempotency,
    outcome: AttemptOutcome<'_>,
    budget: Budget,
    initial_backoff: Duration,
    jitter: f64,
) -> RetryDecision {
    let is_idempotent = idempotency == Idempotency::Idempotent;
    let (reason, retry_after) = match outcome {
        AttemptOutcome::Status { status: 429, retry_after: Some(wait), .. } => {
            let wait = wait.max(MIN_RETRY_AFTER);
            let spread = (wait / 4).min(MAX_SPREAD).mul_f64(jitter);
            return RetryDecision::RetryAfter {
                wait: wait.saturating_add(spread),
                consumes_budget: false,
                reason: RATE_LIMITED,
            };
        }
        AttemptOutcome::Status { status: 429, .. } => (RATE_LIMITED, Some(MIN_RETRY_AFTER)),
        AttemptOutcome::Status { status: 405, code: Some(MAINTENANCE), retry_after } => {
            ("Atlas is under maintenance", retry_after)
        }
        AttemptOutcome::Status { status: 500 | 502 | 503 | 504, retry_after, .. }
            if is_idempotent =>
        {
            ("Atlas failed to respond", retry_after)
        }
        AttemptOutcome::NotSent => ("Atlas could not be reached", None),
        AttemptOutcome::NoResponse if is_idempotent => ("the connection to Atlas failed", None),
        _ => return RetryDecision::Return,
    };
    if budget.retries >= budget.max_retries {
        return RetryDecision::Return;
    }
    let backoff = initial_backoff
        .saturating_mul(1 << budget.retries.min(16))
        .min(MAX_BACKOFF)
        .mul_f64(0.5 + 0.5 * jitter);
    RetryDecision::RetryAfter {
        wait: retry_after.map_or(backoff, |wait| wait.max(MIN_RETRY_AFTER).max(backoff)),
        consumes_budget: true,
        reason,
    }
}

/// A random number from 0 to 1, so that concurrent callers do not retry together.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// Atlas has been seen to send `Retry-After: 0`.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
const MAX_SPREAD: Duration = Duration::from_secs(5);
const LOG_WAITS_FROM: Duration = Duration::from_secs(5);
const RATE_LIMITED: &str = "Atlas limits the rate of requests";
const MAINTENANCE: &str = "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONE: Budget = Budget { retries: 0, max_retries: 0 };
    const FIRST: Duration = Duration::from_millis(500);

    fn status(status: u16) -> AttemptOutcome<'static> {
        AttemptOutcome::Status { status, code: None, retry_after: None }
    }

    fn after(code: u16, seconds: u64) -> AttemptOutcome<'static> {
        AttemptOutcome::Status {
            status: code,
            code: None,
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    fn coded(status: u16, code: &'static str) -> AttemptOutcome<'static> {
        AttemptOutcome::Status { status, code: Some(code), retry_after: None }
    }

    fn waits(idempotency: Idempotency, outcome: AttemptOutcome<'_>) -> Option<(Duration, bool)> {
        let budget = Budget { retries: 0, max_retries: 5 };
        match decide(idempotency, outcome, budget, FIRST, 0.0) {
            RetryDecision::RetryAfter { wait, consumes_budget, .. } => {
                Some((wait, consumes_budget))
            }
            RetryDecision::Return => None,
        }
    }

    #[test]
    fn a_refused_certificate_request_is_retried_and_an_ambiguous_one_never() {
        let half = Some((FIRST / 2, true));
        let second = Some((Duration::from_secs(1), true));
        for (outcome, read, issue) in [
            (status(200), None, None),
            (status(201), None, None),
            (status(302), None, None),
            (status(400), None, None),
            (status(403), None, None),
            (status(404), None, None),
            (status(405), None, None),
            (coded(405, MAINTENANCE), half, half),
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
            (AttemptOutcome::Permanent, None, None),
        ] {
            assert_eq!(waits(Idempotency::Idempotent, outcome), read, "reading, {outcome:?}");
            assert_eq!(waits(Idempotency::NotIdempotent, outcome), issue, "issuing, {outcome:?}");
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
            assert_eq!(
                decide(Idempotency::Idempotent, outcome, spent, FIRST, 0.5),
                RetryDecision::Return
            );
        }
        for outcome in [after(429, 3), after(429, 0)] {
            assert!(matches!(
                decide(Idempotency::NotIdempotent, outcome, spent, FIRST, 0.5),
                RetryDecision::RetryAfter { consumes_budget: false, .. }
            ));
        }
        let never = NONE;
        assert_eq!(
            decide(Idempotency::Idempotent, status(500), never, FIRST, 0.0),
            RetryDecision::Return
        );
    }

    #[test]
    fn backoff_doubles_up_to_its_maximum() {
        let pause = |counted, jitter| {
            let budget = Budget { retries: counted, max_retries: 99 };
            match decide(Idempotency::Idempotent, status(500), budget, FIRST, jitter) {
                RetryDecision::RetryAfter { wait, .. } => wait,
                decision @ RetryDecision::Return => panic!("{decision:?}"),
            }
        };
        let millis: Vec<_> = (0..8).map(|counted| pause(counted, 1.0).as_millis()).collect();
        assert_eq!(millis, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(pause(3, 0.0).as_millis(), 2000);
        assert_eq!(pause(90, 1.0), MAX_BACKOFF);
    }

    #[test]
    fn a_retry_is_never_earlier_than_retry_after() {
        for (jitter, seconds) in [(0.0, 60.0), (1.0, 65.0), (0.5, 62.5)] {
            let RetryDecision::RetryAfter { wait, .. } =
                decide(Idempotency::NotIdempotent, after(429, 60), NONE, FIRST, jitter)
            else {
                panic!()
            };
            assert!((wait.as_secs_f64() - seconds).abs() < 0.001);
        }
    }

    proptest! {
        /// Neither an overflow nor a wait that is shorter than the server demands, for any header.
        #[test]
        fn no_retry_after_breaks_the_decision(
            seconds in any::<u64>(),
            status in prop_oneof![Just(429_u16), Just(405), Just(503), 100..600_u16],
            idempotency in prop_oneof![Just(Idempotency::Idempotent), Just(Idempotency::NotIdempotent)],
            (retries, max_retries) in any::<(u32, u32)>(),
            jitter in 0.0..=1.0_f64,
        ) {
            let outcome = AttemptOutcome::Status {
                status,
                code: Some(MAINTENANCE),
                retry_after: Some(Duration::from_secs(seconds)),
            };
            let budget = Budget { retries, max_retries };
            let decision = decide(idempotency, outcome, budget, FIRST, jitter);
            if let RetryDecision::RetryAfter { wait, consumes_budget, .. } = decision {
                prop_assert!(wait >= Duration::from_secs(seconds).max(MIN_RETRY_AFTER));
                prop_assert!(consumes_budget == (status != 429));
                prop_assert!(!consumes_budget || retries < max_retries);
            }
        }
    }
}
