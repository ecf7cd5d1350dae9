//! One request over the network and its answer: the only file that awaits the network.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use super::config::Config;
use super::config::ConfigError;
use super::connection::{Connection, is_refused_unprocessed, unreachable};
use super::error::{ConnectError, Error, ErrorKind, Source};
use super::gate::{Gate, GatedBody};
use super::request::Request;
use super::response;
use super::types::CallOptions;

/// The way to the server.
pub(super) struct Transport {
    origin: String,
    request_timeout: Duration,
    connection: Arc<Connection>,
    client: OnceCell<reqwest::Client>,
}

/// An answer of any status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Wiped when dropped: it may hold a key.
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) date: Option<Timestamp>,
    /// When the head of the answer came.
    pub(super) received: Instant,
    /// When the request was written, if it must not be repeated.
    pub(super) written: Option<Instant>,
    /// How many times the request had been made when this came.
    pub(super) attempts: u32,
}

/// No answer, or not all of it.
pub(super) struct Lost {
    pub(super) kind: ErrorKind,
    pub(super) source: Option<Source>,
    /// Whether it is certain that the server has no whole request.
    pub(super) never_sent: bool,
    /// When the request was written, if it must not be repeated.
    pub(super) written: Option<Instant>,
    /// What came of a success whose body broke off.
    pub(super) partial: Option<Answer>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer if it is a success, else the reason why not.
    pub(super) fn into_success(self, request: &Request) -> Result<Self, Error> {
        if self.is_success() {
            Ok(self)
        } else {
            Err(self.refusal(request))
        }
    }

    /// The error that this answer, which is no success, stands for.
    pub(super) fn refusal(&self, request: &Request) -> Error {
        let kind = response::refusal(request.operation, self.status, &self.headers, &self.body);
        self.error(request, kind)
    }

    /// The error that what is wrong with this answer stands for.
    pub(super) fn error(&self, request: &Request, kind: ErrorKind) -> Error {
        Error::new(request, kind).after(self.attempts)
    }
}

impl Lost {
    /// The error that this stands for, after so many attempts.
    pub(super) fn into_error(self, request: &Request, attempts: u32) -> Error {
        Error::with_source(request, self.kind, self.source).after(attempts)
    }
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            origin: config.base_url.origin().to_owned(),
            request_timeout: config.request_timeout,
            connection: Arc::new(Connection::new(config)?),
            client: OnceCell::new(),
        })
    }

    /// Uses this HTTP client, for tests.
    #[cfg(test)]
    pub(super) fn using(&self, client: reqwest::Client) {
        assert!(self.client.set(client).is_ok(), "a client was made already");
    }

    /// Sends a request once. A request that issues is called off only while it has not been
    /// written; then it is awaited to its answer or its time.
    pub(super) async fn send(
        &self,
        request: &Request,
        authorization: Option<HeaderValue>,
        call: &CallOptions,
        attempt: u32,
    ) -> Result<Answer, Lost> {
        let began = Instant::now();
        let gate = request.issues().then(|| Arc::new(Gate::default()));
        let patience = Patience {
            call,
            until: call.deadline.min(began + self.request_timeout),
            request_timeout: self.request_timeout,
            gate: gate.as_deref(),
            attempt,
        };
        let result = match self.client().await {
            Ok(client) => {
                let built = self.build(client, request, authorization, gate.as_ref());
                exchange(client, built, request.answer_limit, &patience).await
            }
            Err(lost) => Err(lost),
        };
        log(request, &result, began, attempt);
        result
    }

    async fn client(&self) -> Result<&reqwest::Client, Lost> {
        let open = || async {
            let connection = Arc::clone(&self.connection);
            match tokio::task::spawn_blocking(move || connection.open()).await {
                Ok(Ok(client)) => Ok(client),
                Ok(Err((kind, source))) => Err(Lost::unsent(kind, Some(source))),
                Err(error) => Err(Lost::unsent(ErrorKind::Setup, Some(error.into()))),
            }
        };
        self.client.get_or_try_init(open).await
    }

    fn build(
        &self,
        client: &reqwest::Client,
        request: &Request,
        authorization: Option<HeaderValue>,
        gate: Option<&Arc<Gate>>,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.origin, request.target);
        let mut builder = client
            .request(request.method.clone(), url)
            .header(ACCEPT, request.accept);
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if let Some(content_type) = request.content_type {
            builder = builder.header(CONTENT_TYPE, content_type);
        }
        match (&request.body, gate) {
            (Some(bytes), Some(gate)) => {
                let body = GatedBody::new(Arc::clone(gate), bytes.clone());
                builder
                    .header(CONTENT_LENGTH, bytes.len())
                    .body(reqwest::Body::wrap(body))
            }
            (Some(bytes), None) => builder.body(bytes.clone()),
            (None, _) => builder,
        }
    }
}

impl Lost {
    fn unsent(kind: ErrorKind, source: Option<Source>) -> Self {
        Self {
            kind,
            source,
            never_sent: true,
            written: None,
            partial: None,
        }
    }

    fn error(error: reqwest::Error, gate: Option<&Gate>) -> Self {
        let never_left = error.is_connect() || gate.is_some_and(Gate::withdraw);
        let written = gate.and_then(Gate::written);
        let kind = match never_left {
            true if error.is_connect() => ErrorKind::Connect(unreachable(&error)),
            true => ErrorKind::Connect(ConnectError::Other),
            false => ErrorKind::ConnectionLost,
        };
        let never_sent = written.is_none() && never_left || is_refused_unprocessed(&error);
        let source = Some(error.without_url().into());
        Self {
            kind,
            source,
            never_sent,
            written,
            partial: None,
        }
    }
}

/// How long an exchange is awaited, what ends it early, and which of the request it is.
struct Patience<'a> {
    call: &'a CallOptions,
    until: Instant,
    request_timeout: Duration,
    gate: Option<&'a Gate>,
    attempt: u32,
}

impl Patience<'_> {
    /// Awaits `future`, unless the caller calls off what can be called off or the time is over.
    async fn bound<T>(&self, future: impl Future<Output = T>) -> Result<T, Lost> {
        let mut future = std::pin::pin!(future);
        let mut can_stop = true;
        loop {
            tokio::select! {
                biased;
                value = &mut future => return Ok(value),
                () = self.call.cancel.cancelled(), if can_stop => {
                    if self.gate.is_none_or(Gate::withdraw) {
                        return Err(Lost::unsent(ErrorKind::Cancelled, None));
                    }
                    can_stop = false;
                }
                () = sleep_until(self.until) => return Err(self.over()),
            }
        }
    }

    fn over(&self) -> Lost {
        let kind = if self.until == self.call.deadline {
            ErrorKind::Deadline
        } else {
            ErrorKind::TimedOut {
                after: self.request_timeout,
            }
        };
        let never_sent = self.gate.is_some_and(Gate::withdraw);
        let written = self.gate.and_then(Gate::written);
        Lost {
            kind,
            source: None,
            never_sent,
            written,
            partial: None,
        }
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: reqwest::RequestBuilder,
    limit: usize,
    patience: &Patience<'_>,
) -> Result<Answer, Lost> {
    let lost = |error| Lost::error(error, patience.gate);
    let request = request
        .build()
        .map_err(|error| Lost::unsent(ErrorKind::Setup, Some(error.without_url().into())))?;
    let mut response = patience
        .bound(client.execute(request))
        .await?
        .map_err(lost)?;
    let mut answer = Answer {
        status: response.status().as_u16(),
        date: response::date(response.headers()),
        headers: std::mem::take(response.headers_mut()),
        body: Zeroizing::new(Vec::new()),
        received: Instant::now(),
        written: patience.gate.and_then(Gate::written),
        attempts: patience.attempt,
    };
    let limit = if answer.is_success() {
        limit
    } else {
        REFUSAL_LIMIT.min(limit)
    };
    // Room at once for what is announced: a vector that grows leaves copies of a key behind.
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    answer.body.reserve(
        announced
            .unwrap_or(USUAL_SIZE)
            .min(limit)
            .min(LARGEST_RESERVE),
    );
    match patience
        .bound(read(&mut response, &mut answer.body, limit))
        .await
    {
        Ok(Ok(Ended::Whole)) => Ok(answer),
        // What refuses has said so with its status; the rest is detail.
        _ if !answer.is_success() => Ok(answer),
        Ok(Ok(Ended::TooLarge)) => Err(partial(
            ErrorKind::BodyTooLarge { limit },
            None,
            answer,
            patience,
        )),
        Ok(Err(error)) => {
            let source = error.without_url().into();
            Err(partial(
                ErrorKind::ConnectionLost,
                Some(source),
                answer,
                patience,
            ))
        }
        Err(lost) => Err(Lost {
            partial: Some(answer),
            ..lost
        }),
    }
}

enum Ended {
    Whole,
    TooLarge,
}

/// Reads the body, decompressed, as far as `limit`.
async fn read(
    response: &mut reqwest::Response,
    body: &mut Vec<u8>,
    limit: usize,
) -> reqwest::Result<Ended> {
    while let Some(chunk) = response.chunk().await? {
        if chunk.len() > limit - body.len() {
            body.extend_from_slice(&chunk[..limit - body.len()]);
            return Ok(Ended::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ended::Whole)
}

fn partial(
    kind: ErrorKind,
    source: Option<Source>,
    answer: Answer,
    patience: &Patience<'_>,
) -> Lost {
    let written = patience.gate.and_then(Gate::written);
    Lost {
        kind,
        source,
        never_sent: false,
        written,
        partial: Some(answer),
    }
}

/// One line for each request. Neither bodies nor what authorizes is ever among the fields.
fn log(request: &Request, result: &Result<Answer, Lost>, began: Instant, attempt: u32) {
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (operation, method, path) = (
        request.operation.name(),
        request.method.as_str(),
        request.target.as_str(),
    );
    match result {
        Ok(answer) => {
            let shown = |name: &'static str| {
                response::header(&answer.headers, &HeaderName::from_static(name))
            };
            tracing::debug!(
                atlas.operation = operation,
                http.method = method,
                http.path = path,
                http.status = answer.status,
                http.date = shown("date"),
                atlas.java_method = shown("x-java-method"),
                atlas.service_version = shown("x-mongodb-service-version"),
                atlas.upstream_ms = shown("x-envoy-upstream-service-time"),
                atlas.rate_limit_remaining = shown("ratelimit-remaining"),
                atlas.retry_after = shown("retry-after"),
                duration_ms,
                attempt,
                "Atlas answered {method} with {}",
                answer.status
            );
        }
        Err(lost) => tracing::debug!(
            atlas.operation = operation,
            http.method = method,
            http.path = path,
            http.status = lost.partial.as_ref().map(|answer| answer.status),
            duration_ms,
            attempt,
            "Atlas' answer to {method} was not received: it {}",
            lost.kind
        ),
    }
}

const USUAL_SIZE: usize = 8 << 10;
const LARGEST_RESERVE: usize = 256 << 10;
const REFUSAL_LIMIT: usize = 64 << 10;
