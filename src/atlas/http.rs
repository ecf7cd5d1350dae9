//! Sends one request and receives its response: the only file that awaits the network.

use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use reqwest::{
    Body, Certificate,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::{
    sync::OnceCell,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::{
    config::{CallOptions, Config, ConfigError},
    error::{Error, ErrorKind, Source},
    http_settings::{UNUSABLE, build_client, connect_error, extra_roots, is_refused_unprocessed},
    request::Request,
    response::{self, DeprecationNotice},
    single_use_body::{SendState, SingleUseBody},
};
use crate::clock::Clock;

pub(super) struct HttpClient {
    pub(super) config: Arc<Config>,
    /// Stands in for the server's clock if a response has no date.
    pub(super) clock: Clock,
    /// The first notice in a response, until it is taken.
    pub(super) deprecation: OnceLock<Mutex<Option<DeprecationNotice>>>,
    /// Created for the first request.
    pub(super) client: OnceCell<reqwest::Client>,
    extra_roots: Vec<Certificate>,
}

/// A response with any status.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) server_time: Option<Timestamp>,
    pub(super) received_at: Instant,
    /// When the body of a certificate request was sent; if the server responded before, when it responded.
    pub(super) sent_at: Instant,
    /// How many requests were attempted, this one included.
    pub(super) attempts: u32,
}

/// No response, or an incomplete one.
pub(super) struct SendError {
    pub(super) error: Error,
    /// Set if a request that is not idempotent was sent and may have taken effect.
    pub(super) sent_at: Option<Instant>,
    /// The received part of a successful response.
    pub(super) partial: Option<Box<Response>>,
}

impl Response {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a successful response; any other becomes an error.
    pub(super) fn error_for_status(self, request: &Request) -> Result<Self, Error> {
        if self.is_success() { Ok(self) } else { Err(self.status_error(request)) }
    }

    /// The error that this response stands for.
    pub(super) fn status_error(&self, request: &Request) -> Error {
        let operation = request.info.operation;
        self.error(request, response::error(operation, self.status, &self.headers, &self.body))
    }

    /// An error about this response.
    pub(super) fn error(&self, request: &Request, kind: ErrorKind) -> Error {
        Error::new(&request.info, self.attempts, kind)
    }
}

impl From<Error> for SendError {
    /// An error before the request was sent.
    fn from(error: Error) -> Self {
        Self { error, sent_at: None, partial: None }
    }
}

impl From<SendError> for Error {
    fn from(failure: SendError) -> Self {
        failure.error
    }
}

impl HttpClient {
    pub(super) fn new(config: Config, clock: Clock) -> Result<Self, ConfigError> {
        Ok(Self {
            extra_roots: extra_roots(&config)?,
            config: Arc::new(config),
            clock,
            client: OnceCell::new(),
            deprecation: OnceLock::new(),
        })
    }

    /// Sends a request once. A request that is not idempotent can be canceled only until it is sent; afterwards it runs
    /// to its response or its time limit.
    pub(super) async fn send_once(
        &self,
        request: &Request,
        authorization: Option<HeaderValue>,
        options: &CallOptions,
        attempt: u32,
    ) -> Result<Response, SendError> {
        let (started, state) = (Instant::now(), Arc::default());
        let exchange = Exchange { http: self, request, options, started, state, attempt };
        let result = exchange.run(authorization).await;
        if let Ok(response) = &result {
            let notice = response::deprecation(request.info.operation, &response.headers);
            notice.map(|notice| self.deprecation.set(Mutex::new(Some(notice))));
        }
        log(request, &result, started, attempt);
        result
    }

    async fn client(&self) -> Result<&reqwest::Client, (ErrorKind, Source)> {
        let build = || async {
            let (config, extra_roots) = (Arc::clone(&self.config), self.extra_roots.clone());
            let built = spawn_blocking(move || build_client(&config, extra_roots)).await;
            built.unwrap_or_else(|panic| Err((ErrorKind::Setup, panic.into())))
        };
        self.client.get_or_try_init(build).await
    }
}

/// One attempt, with its time limit and its cancellation.
struct Exchange<'a> {
    http: &'a HttpClient,
    request: &'a Request,
    options: &'a CallOptions,
    started: Instant,
    /// Of the body of a request that is not idempotent.
    state: Arc<SendState>,
    attempt: u32,
}

impl Exchange<'_> {
    async fn run(&self, authorization: Option<HeaderValue>) -> Result<Response, SendError> {
        let client = self.http.client().await;
        let client = client.map_err(|(kind, source)| self.not_sent(kind, Some(source)))?;
        let request = self.build(client, authorization);
        let request =
            request.map_err(|e| self.not_sent(ErrorKind::Setup, Some(e.without_url().into())))?;
        let incoming = self.bound(client.execute(request)).await?;
        let mut incoming = incoming.map_err(|error| self.send_error(error))?;
        let received_at = Instant::now();
        let mut response = Response {
            status: incoming.status().as_u16(),
            server_time: response::date(incoming.headers()),
            headers: std::mem::take(incoming.headers_mut()),
            body: Vec::new(),
            received_at,
            sent_at: self.state.sent_at().unwrap_or(received_at),
            attempts: self.attempt,
        };
        let is_success = response.is_success();
        let limit = if is_success { self.request.max_body_bytes() } else { MAX_ERROR_BODY_BYTES };
        let end = self.bound(read_body(&mut incoming, &mut response.body, limit)).await;
        let mut error = match end {
            Ok(Ok(true)) => return Ok(response),
            // The status is enough; the body is detail.
            _ if !is_success => return Ok(response),
            Ok(Ok(false)) => {
                self.lost(ErrorKind::InvalidBody("it is larger than any valid one"), None)
            }
            Ok(Err(e)) => self.lost(ErrorKind::ConnectionLost, Some(e.without_url().into())),
            Err(error) => error,
        };
        error.partial = Some(Box::new(response));
        Err(error)
    }

    fn build(
        &self,
        client: &reqwest::Client,
        authorization: Option<HeaderValue>,
    ) -> reqwest::Result<reqwest::Request> {
        let Request { info, accept, body } = self.request;
        let url = format!("{}{}", self.http.config.base_url.origin, info.target);
        let mut builder = client.request(info.method.clone(), url).header(ACCEPT, *accept);
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if let Some((media_type, bytes)) = body {
            builder = builder.header(CONTENT_TYPE, *media_type).header(CONTENT_LENGTH, bytes.len());
            builder = builder.body(if info.operation.is_idempotent() {
                bytes.clone().into()
            } else {
                Body::wrap(SingleUseBody::new(Arc::clone(&self.state), bytes.clone()))
            });
        }
        builder.build()
    }

    /// Awaits a future, unless the call is canceled while it can be, or the time is over.
    async fn bound<T>(&self, future: impl Future<Output = T>) -> Result<T, SendError> {
        let timeout = self.http.config.request_timeout;
        let (deadline, timed_out_at) = (self.options.deadline, self.started + timeout);
        let canceled_unsent = async {
            self.options.cancel.cancelled().await;
            if !self.state.cancel() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            value = future => Ok(value),
            () = canceled_unsent => Err(self.not_sent(ErrorKind::Cancelled, None)),
            () = sleep_until(deadline.min(timed_out_at)) => {
                self.state.cancel();
                let is_deadline = deadline <= timed_out_at;
                let kind = if is_deadline { ErrorKind::Deadline } else { ErrorKind::TimedOut(timeout) };
                Err(self.lost(kind, None))
            }
        }
    }

    fn send_error(&self, error: reqwest::Error) -> SendError {
        let kind = if error.is_connect() {
            connect_error(&error)
        } else if !self.request.info.operation.is_idempotent() && self.state.cancel() {
            ErrorKind::Connect(UNUSABLE)
        } else {
            ErrorKind::ConnectionLost
        };
        let is_refused = is_refused_unprocessed(&error);
        let source = Some(error.without_url().into());
        if is_refused { self.not_sent(kind, source) } else { self.lost(kind, source) }
    }

    /// The request may have taken effect, if it was sent.
    fn lost(&self, kind: ErrorKind, source: Option<Source>) -> SendError {
        SendError { sent_at: self.state.sent_at(), ..self.not_sent(kind, source) }
    }

    /// The request certainly had no effect.
    fn not_sent(&self, kind: ErrorKind, source: Option<Source>) -> SendError {
        Error::with_source(&self.request.info, self.attempt, kind, source).into()
    }
}

/// Reads the decompressed body; false if it is longer than `limit`.
async fn read_body(
    incoming: &mut reqwest::Response,
    body: &mut Vec<u8>,
    limit: usize,
) -> reqwest::Result<bool> {
    while let Some(chunk) = incoming.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One line per request, without bodies and without credentials.
fn log(request: &Request, result: &Result<Response, SendError>, started: Instant, attempt: u32) {
    let response = match result {
        Ok(response) => Some(response),
        Err(failure) => failure.partial.as_deref(),
    };
    let header = |name| response::header(&response?.headers, name);
    let method = request.info.method.as_str();
    tracing::debug!(
        atlas.operation = request.info.operation.name(),
        http.method = method,
        http.path = request.info.target,
        http.status = response.map(|response| response.status),
        http.date = header("date"),
        atlas.java_method = header("x-java-method"),
        atlas.service_version = header("x-mongodb-service-version"),
        atlas.upstream_ms = header("x-envoy-upstream-service-time"),
        atlas.rate_limit_remaining = header("ratelimit-remaining"),
        atlas.retry_after = header("retry-after"),
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        attempt,
        "{}",
        match result {
            Ok(response) => format!("Atlas answered {method} with {}", response.status),
            Err(failure) => {
                format!("no complete response to {method}: it {}", failure.error.kind())
            }
        }
    );
}

const MAX_ERROR_BODY_BYTES: usize = 64 << 10;
