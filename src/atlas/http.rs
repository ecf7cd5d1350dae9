//! Sends one request and receives its response: the only file that awaits the network.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep_until},
};

use super::{
    config::{CallOptions, Config, ConfigError},
    error::{ConnectError, Error, ErrorKind, Source},
    http_settings::{HttpSettings, connect_error, is_refused_unprocessed},
    request::{Idempotency, Request},
    response,
    single_use_body::{SendState, SingleUseBody},
    values::DeprecationNotice,
};

/// Sends requests to one server.
pub(super) struct HttpClient {
    origin: String,
    request_timeout: Duration,
    settings: Arc<HttpSettings>,
    client: OnceCell<reqwest::Client>,
    /// The first notice in a response.
    pub(super) deprecation: OnceLock<DeprecationNotice>,
}

/// A response with any status.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The `Date` header.
    pub(super) server_time: Option<Timestamp>,
    /// When the headers were received.
    pub(super) received_at: Instant,
    /// When the body of a request that is not idempotent was sent.
    pub(super) sent_at: Option<Instant>,
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
        let kind = response::error(operation, self.status, &self.headers, &self.body);
        self.error(request, kind)
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

impl HttpClient {
    /// Creates a client without access to the network or the disk.
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            origin: config.base_url.origin(),
            request_timeout: config.request_timeout,
            settings: Arc::new(HttpSettings::new(config)?),
            client: OnceCell::new(),
            deprecation: OnceLock::new(),
        })
    }

    /// The time limit of one request.
    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Replaces the underlying client.
    #[cfg(test)]
    pub(super) fn replace(&self, client: reqwest::Client) {
        assert!(self.client.set(client).is_ok(), "the client was created already");
    }

    /// Sends a request once. A request that is not idempotent can be canceled only until it is sent; afterwards it runs
    /// to its response or its time limit.
    pub(super) async fn send(
        &self,
        request: &Request,
        authorization: Option<HeaderValue>,
        options: &CallOptions,
        attempt: u32,
    ) -> Result<Response, SendError> {
        let started = Instant::now();
        let state = (request.idempotency() == Idempotency::NotIdempotent)
            .then(|| Arc::new(SendState::default()));
        let exchange = Exchange {
            request,
            options,
            deadline: options.deadline.min(started + self.request_timeout),
            request_timeout: self.request_timeout,
            state: state.as_deref(),
            attempt,
        };
        let result = match self.client().await {
            Ok(client) => {
                let request = self.build(client, request, authorization, state.as_ref());
                exchange.run(client, request).await
            }
            Err((kind, source)) => Err(exchange.not_sent(kind, Some(source))),
        };
        if let Ok(response) = &result {
            let notice = response::deprecation(request.info.operation, &response.headers);
            notice.map(|notice| self.deprecation.set(notice));
        }
        log(request, &result, started, attempt);
        result
    }

    async fn client(&self) -> Result<&reqwest::Client, (ErrorKind, Source)> {
        let build = || async {
            let settings = Arc::clone(&self.settings);
            match tokio::task::spawn_blocking(move || settings.build_client()).await {
                Ok(result) => result,
                Err(error) => Err((ErrorKind::Setup, error.into())),
            }
        };
        self.client.get_or_try_init(build).await
    }

    fn build(
        &self,
        client: &reqwest::Client,
        request: &Request,
        authorization: Option<HeaderValue>,
        state: Option<&Arc<SendState>>,
    ) -> reqwest::Result<reqwest::Request> {
        let url = format!("{}{}", self.origin, request.info.target);
        let mut builder =
            client.request(request.info.method.clone(), url).header(ACCEPT, request.accept);
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if let Some(content_type) = request.content_type {
            builder = builder.header(CONTENT_TYPE, content_type);
        }
        match (&request.body, state) {
            (Some(bytes), Some(state)) => builder
                .header(CONTENT_LENGTH, bytes.len())
                .body(reqwest::Body::wrap(SingleUseBody::new(Arc::clone(state), bytes.clone()))),
            (Some(bytes), None) => builder.body(bytes.clone()),
            (None, _) => builder,
        }
        .build()
    }
}

/// One request with its time limit and its cancellation.
struct Exchange<'a> {
    request: &'a Request,
    options: &'a CallOptions,
    deadline: Instant,
    request_timeout: Duration,
    state: Option<&'a SendState>,
    attempt: u32,
}

impl Exchange<'_> {
    async fn run(
        &self,
        client: &reqwest::Client,
        request: reqwest::Result<reqwest::Request>,
    ) -> Result<Response, SendError> {
        let request =
            request.map_err(|e| self.not_sent(ErrorKind::Setup, Some(e.without_url().into())))?;
        let mut incoming = match self.bound(client.execute(request)).await? {
            Ok(incoming) => incoming,
            Err(error) => return Err(self.send_error(error)),
        };
        let mut response = Response {
            status: incoming.status().as_u16(),
            server_time: response::date(incoming.headers()),
            headers: std::mem::take(incoming.headers_mut()),
            body: Vec::new(),
            received_at: Instant::now(),
            sent_at: self.sent_at(),
            attempts: self.attempt,
        };
        let limit = if response.is_success() {
            self.request.max_body_bytes
        } else {
            MAX_ERROR_BODY_BYTES.min(self.request.max_body_bytes)
        };
        let end = self.bound(read_body(&mut incoming, &mut response.body, limit)).await;
        let mut error = match end {
            Ok(Ok(BodyEnd::Complete)) => return Ok(response),
            // The status is enough; the body is detail.
            _ if !response.is_success() => return Ok(response),
            Ok(Ok(BodyEnd::TooLarge)) => self.lost(ErrorKind::BodyTooLarge { limit }, None),
            Ok(Err(error)) => {
                self.lost(ErrorKind::ConnectionLost, Some(error.without_url().into()))
            }
            Err(error) => error,
        };
        error.partial = Some(Box::new(response));
        Err(error)
    }

    /// Awaits a future, unless the call is canceled while it can be, or the time is over.
    async fn bound<T>(&self, future: impl Future<Output = T>) -> Result<T, SendError> {
        let mut future = std::pin::pin!(future);
        let mut can_cancel = true;
        loop {
            tokio::select! {
                biased;
                value = &mut future => return Ok(value),
                () = self.options.cancel.cancelled(), if can_cancel => {
                    if self.state.is_none_or(SendState::cancel) {
                        return Err(self.not_sent(ErrorKind::Cancelled, None));
                    }
                    can_cancel = false;
                }
                () = sleep_until(self.deadline) => {
                    self.state.map(SendState::cancel);
                    return Err(self.lost(self.timeout_kind(), None));
                }
            }
        }
    }

    fn timeout_kind(&self) -> ErrorKind {
        if self.deadline == self.options.deadline {
            ErrorKind::Deadline
        } else {
            let after = self.request_timeout;
            ErrorKind::TimedOut { after }
        }
    }

    fn send_error(&self, error: reqwest::Error) -> SendError {
        let not_sent = error.is_connect() || self.state.is_some_and(SendState::cancel);
        let kind = match not_sent {
            true if error.is_connect() => ErrorKind::Connect(connect_error(&error)),
            true => ErrorKind::Connect(ConnectError::Other),
            false => ErrorKind::ConnectionLost,
        };
        let is_refused = is_refused_unprocessed(&error);
        let source = Some(error.without_url().into());
        if is_refused { self.not_sent(kind, source) } else { self.lost(kind, source) }
    }

    /// The request may have taken effect, if it was sent.
    fn lost(&self, kind: ErrorKind, source: Option<Source>) -> SendError {
        SendError { sent_at: self.sent_at(), ..self.not_sent(kind, source) }
    }

    /// The request certainly had no effect.
    fn not_sent(&self, kind: ErrorKind, source: Option<Source>) -> SendError {
        Error::with_source(&self.request.info, self.attempt, kind, source).into()
    }

    fn sent_at(&self) -> Option<Instant> {
        self.state.and_then(SendState::sent_at)
    }
}

enum BodyEnd {
    Complete,
    TooLarge,
}

/// Reads the decompressed body up to `limit`.
async fn read_body(
    incoming: &mut reqwest::Response,
    body: &mut Vec<u8>,
    limit: usize,
) -> reqwest::Result<BodyEnd> {
    while let Some(chunk) = incoming.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(BodyEnd::TooLarge);
        }
    }
    Ok(BodyEnd::Complete)
}

/// One line per request, without bodies and without credentials.
fn log(request: &Request, result: &Result<Response, SendError>, started: Instant, attempt: u32) {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let info = &request.info;
    let (operation, method, path) =
        (info.operation.name(), info.method.as_str(), info.target.as_str());
    match result {
        Ok(response) => {
            let header = |name: &'static str| {
                response::header(&response.headers, &HeaderName::from_static(name))
            };
            tracing::debug!(
                atlas.operation = operation,
                http.method = method,
                http.path = path,
                http.status = response.status,
                http.date = header("date"),
                atlas.java_method = header("x-java-method"),
                atlas.service_version = header("x-mongodb-service-version"),
                atlas.upstream_ms = header("x-envoy-upstream-service-time"),
                atlas.rate_limit_remaining = header("ratelimit-remaining"),
                atlas.retry_after = header("retry-after"),
                duration_ms,
                attempt,
                "Atlas answered {method} with {}",
                response.status
            );
        }
        Err(failure) => tracing::debug!(
            atlas.operation = operation,
            http.method = method,
            http.path = path,
            http.status = failure.partial.as_ref().map(|response| response.status),
            duration_ms,
            attempt,
            "no complete response to {method}: it {}",
            failure.error.kind()
        ),
    }
}

const MAX_ERROR_BODY_BYTES: usize = 64 << 10;
