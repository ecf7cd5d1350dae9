//! A request with all its repeats: log in, send, decide, wait.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::{Instant, sleep};

use super::Core;
use super::auth::{Credential, Renewal};
use super::error::{Error, ErrorKind};
use super::request::Request;
use super::response;
use super::retry::{Saw, Step, Tries, decide};
use super::transport::{Answer, Lost};
use super::types::{CallOptions, Retry};

/// Who a request is sent as.
pub(super) enum Identity {
    /// The configured login.
    Login,
    /// Whoever this header names.
    Header(HeaderValue),
    /// Nobody in particular.
    Nobody,
}

/// A request without an answer.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Set if the request may have taken effect and must not be repeated.
    pub(super) ambiguous: Option<Box<Ambiguous>>,
}

/// What is known of a request that may have taken effect.
pub(super) struct Ambiguous {
    pub(super) written: Instant,
    /// What came of a success whose body broke off.
    pub(super) partial: Option<Answer>,
}

/// Makes a request as often as the policy has it, and returns the answer that counts, whatever its
/// status. (Boxed, because logging in for a request is itself a request.)
pub(super) fn converse<'a>(
    core: &'a Arc<Core>,
    request: &'a Request,
    call: &'a CallOptions,
    identity: Identity,
) -> Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send + 'a>> {
    Box::pin(async move {
        let mut tries = Tries {
            limit: match call.retry {
                Retry::Default => core.max_retries,
                Retry::Never => 0,
            },
            ..Tries::default()
        };
        let mut renewal: Option<Renewal> = None;
        for attempt in 1.. {
            let credential = match identity {
                Identity::Login => {
                    core.auth
                        .credential(core, request, call, renewal.take())
                        .await?
                }
                Identity::Header(_) | Identity::Nobody => Credential::Fixed,
            };
            let authorization = match &identity {
                Identity::Login => core.auth.header(&credential, request),
                Identity::Header(header) => Some(header.clone()),
                Identity::Nobody => None,
            };
            check_time(core, request, call, Duration::ZERO, None)
                .map_err(|error| error.after(attempt - 1))?;
            let result = core
                .transport
                .send(request, authorization, call, attempt)
                .await;
            let step = next_step(core, request, tries, &result);
            if let Ok(answer) = &result {
                core.notices.record(request.operation, &answer.headers);
                if answer.status != 401 {
                    core.auth.accepted(&credential);
                }
            }
            match step {
                Step::Finish => return finish(request, result, attempt),
                Step::RenewLogin => {
                    let (Identity::Login, Ok(answer)) = (&identity, &result) else {
                        return finish(request, result, attempt);
                    };
                    renewal = core.auth.renew(&credential, answer);
                    if renewal.is_none() {
                        return finish(request, result, attempt);
                    }
                    tries.renewed = true;
                }
                Step::Wait { .. } if call.retry == Retry::Never => {
                    return finish(request, result, attempt);
                }
                Step::Wait {
                    pause,
                    counts,
                    because,
                } => {
                    let cause = reason(request, result, attempt);
                    check_time(core, request, call, pause, Some(cause))
                        .map_err(|error| error.after(attempt))?;
                    tries.counted += u32::from(counts);
                    rest(request, call, pause, because)
                        .await
                        .map_err(|error| error.after(attempt))?;
                }
            }
        }
        unreachable!("there is always a next attempt until a return");
    })
}

fn next_step(core: &Core, request: &Request, tries: Tries, result: &Result<Answer, Lost>) -> Step {
    let told;
    let saw = match result {
        Ok(answer) if answer.is_success() => return Step::Finish,
        Ok(answer) => {
            told = response::error_code(&answer.body);
            let now = answer.date.unwrap_or_else(|| core.clock.now());
            Saw::Status {
                status: answer.status,
                code: told.as_deref(),
                retry_after: response::retry_after(&answer.headers, now),
            }
        }
        Err(lost) => match lost.kind {
            ErrorKind::Connect(_) | ErrorKind::ConnectionLost | ErrorKind::TimedOut { .. }
                if lost.never_sent =>
            {
                Saw::NeverSent
            }
            ErrorKind::Connect(_) | ErrorKind::ConnectionLost | ErrorKind::TimedOut { .. } => {
                Saw::NoAnswer
            }
            _ => Saw::Final,
        },
    };
    decide(
        request.issues(),
        saw,
        tries,
        core.pace.first_pause,
        jitter(),
    )
}

fn finish(
    request: &Request,
    result: Result<Answer, Lost>,
    attempts: u32,
) -> Result<Answer, Failure> {
    let mut lost = match result {
        Ok(answer) => return Ok(answer),
        Err(lost) => lost,
    };
    let partial = lost.partial.take();
    let ambiguous = match lost.written {
        Some(written) if !lost.never_sent => Some(Box::new(Ambiguous { written, partial })),
        _ => None,
    };
    let error = lost.into_error(request, attempts);
    Err(Failure { error, ambiguous })
}

/// Why a request has to be repeated.
fn reason(request: &Request, result: Result<Answer, Lost>, attempts: u32) -> Error {
    match result {
        Ok(answer) => answer.refusal(request),
        Err(lost) => lost.into_error(request, attempts),
    }
}

/// Whether after a pause there is time left to make the request. One that issues is not begun
/// without time for its answer, because giving up on it is expensive.
fn check_time(
    core: &Core,
    request: &Request,
    call: &CallOptions,
    pause: Duration,
    because: Option<Error>,
) -> Result<(), Error> {
    if call.cancel.is_cancelled() {
        return Err(Error::new(request, ErrorKind::Cancelled));
    }
    let needed = if request.issues() {
        core.pace.least_for_issuing
    } else {
        Duration::ZERO
    };
    let left = call.deadline.saturating_duration_since(Instant::now());
    if pause + needed < left {
        return Ok(());
    }
    let kind = match because {
        None => ErrorKind::Deadline,
        Some(cause) => ErrorKind::RetryExceedsDeadline { wait: pause, cause },
    };
    Err(Error::new(request, kind))
}

async fn rest(
    request: &Request,
    call: &CallOptions,
    pause: Duration,
    because: &'static str,
) -> Result<(), Error> {
    if pause >= WORTH_TELLING {
        tracing::info!(
            atlas.operation = request.operation.name(),
            http.path = request.target.as_str(),
            wait_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "waiting {} seconds before {} again: {because}",
            pause.as_secs(),
            request.operation
        );
    }
    tokio::select! {
        () = sleep(pause) => Ok(()),
        () = call.cancel.cancelled() => Err(Error::new(request, ErrorKind::Cancelled)),
    }
}

/// A number from 0 to 1 that differs between callers, so that they do not come back together.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

impl From<Error> for Failure {
    /// An error before the request was written.
    fn from(error: Error) -> Self {
        Self {
            error,
            ambiguous: None,
        }
    }
}

const WORTH_TELLING: Duration = Duration::from_secs(5);
