//! Answers that a fault gives instead of Atlas's response.

use hyper::{Response, StatusCode};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::{UNAUTHORIZED, error_body, row},
    response::{Rendered, set_header},
    state::State,
};

/// A scripted answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`; none is sent if empty.
    #[serde(default)]
    pub content_type: String,
    /// The body as text.
    #[serde(default)]
    pub body: String,
    /// The `Retry-After` header.
    pub retry_after: Option<RetryAfter>,
    /// A digest challenge with a valid nonce, and its `stale`.
    pub challenge_stale: Option<bool>,
    /// More headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

/// The two forms of `Retry-After`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RetryAfter {
    /// In seconds.
    Seconds(u64),
    /// As an HTTP date that many seconds after the response's `Date`.
    Date(i64),
}

impl Answer {
    /// Any status and body.
    pub fn text(status: u16, content_type: &str, body: &str) -> Self {
        let (content_type, body) = (content_type.to_owned(), body.to_owned());
        Self { status, content_type, body, ..Self::default() }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::text(status, "", "")
    }

    /// An error in Atlas's form.
    pub fn api_error(status: u16, code: &str, detail: &str) -> Self {
        Self::json(status, &error_body(status, code, detail, &Value::Null))
    }

    /// 429 `RATE_LIMITED_TOKEN_BUCKET`.
    pub fn rate_limited(retry_after: Option<RetryAfter>) -> Self {
        let detail = "Rate limit exceeded for api/atlas/v2/groups. Please retry after 0 seconds. Request capacity: 1200. Refill rate: 500 per 60 seconds.";
        let answer = Self::api_error(429, "RATE_LIMITED_TOKEN_BUCKET", detail);
        Self { retry_after, ..answer }
    }

    /// 405 `WRITES_NOT_ALLOWED_DURING_APP_UPGRADES`.
    pub fn maintenance() -> Self {
        let (status, code, detail) = row("WRITES_NOT_ALLOWED_DURING_APP_UPGRADES");
        Self::api_error(status, code, detail)
    }

    /// 500, 502, 503 or 504 in Atlas's form.
    pub fn server_error(status: u16) -> Self {
        let code = if status == 503 { "SERVICE_UNAVAILABLE" } else { "UNEXPECTED_ERROR" };
        Self::api_error(status, code, "An unexpected error occurred.")
    }

    /// A page of a proxy or gateway, with any status.
    pub fn html(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok().filter(|_| status >= 300);
        let title =
            reason.and_then(|it| it.canonical_reason()).unwrap_or("Sign in to this network");
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1></body></html>\n"
        );
        Self::text(status, "text/html; charset=utf-8", &body)
    }

    /// The 401 of wrong credentials, with a digest challenge.
    pub fn unauthorized(stale: bool) -> Self {
        let challenge_stale = Some(stale);
        Self { challenge_stale, ..Self::text(401, "application/json", UNAUTHORIZED) }
    }

    /// 410 `VERSION_GONE`.
    pub fn version_gone() -> Self {
        let path = "api/atlas/v2/groups/{groupId}/databaseUsers/{username}/certs";
        let detail = format!("Version 2023-01-01 of {path} is no longer available.");
        let parameters = json!(["2023-01-01", path]);
        Self::json(410, &error_body(410, "VERSION_GONE", &detail, &parameters))
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).header("location", location)
    }

    /// An error of the token endpoint.
    pub fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, &json!({ "error": error, "error_description": description }))
    }

    /// Sets `Retry-After`.
    pub fn retry_after(self, retry_after: RetryAfter) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn render(&self, state: &State) -> Rendered {
        let mut rendered = Response::new(self.body.clone().into_bytes());
        let status = StatusCode::from_u16(self.status);
        *rendered.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            set_header(&mut rendered, name, value);
        }
        if !self.content_type.is_empty() {
            set_header(&mut rendered, "content-type", &self.content_type);
        }
        if let Some(retry_after) = &self.retry_after {
            let text = match *retry_after {
                RetryAfter::Seconds(it) => it.to_string(),
                RetryAfter::Date(it) => state.clock.http_date(SignedDuration::from_secs(it)),
            };
            set_header(&mut rendered, "retry-after", &text);
        }
        if let Some(stale) = self.challenge_stale {
            let challenge = state.lock().nonces.challenge(stale, state.clock.now());
            set_header(&mut rendered, "www-authenticate", &challenge);
        }
        rendered
    }
}
