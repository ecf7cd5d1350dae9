//! Answers a fault gives instead of Atlas'.

use hyper::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::ApiError;
use crate::reply::{Rendered, Reply};
use crate::world::World;

/// A made-up answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`; none is sent for an empty text.
    #[serde(default)]
    pub content_type: String,
    /// The body as text.
    #[serde(default)]
    pub body: String,
    /// When to come back.
    #[serde(default)]
    pub retry_after: Option<RetryAfter>,
    /// A digest challenge with a good nonce, and whether it says `stale`.
    #[serde(default)]
    pub challenge_stale: Option<bool>,
    /// More headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

/// The two forms of `Retry-After`, and nonsense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RetryAfter {
    /// In seconds.
    Seconds(u64),
    /// As an HTTP date that many seconds after the answer's `Date`.
    Date(i64),
    /// As written.
    Text(String),
}

impl Answer {
    /// Any status and body.
    pub fn text(status: u16, content_type: &str, body: &str) -> Self {
        Self {
            status,
            content_type: content_type.to_owned(),
            body: body.to_owned(),
            retry_after: None,
            challenge_stale: None,
            headers: Vec::new(),
        }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::text(status, "", "")
    }

    /// An error in Atlas' form.
    pub fn api_error(status: u16, code: &str, detail: &str) -> Self {
        let status_code = StatusCode::from_u16(status).unwrap_or_default();
        let body = ApiError::new(status_code, code, detail).body().to_string();
        Self::text(status, "application/json", &body)
    }

    /// 429 `RATE_LIMITED_TOKEN_BUCKET`.
    pub fn rate_limited(retry_after: Option<RetryAfter>) -> Self {
        let detail = "Rate limit exceeded for api/atlas/v2/groups. Please retry after 0 seconds. Request capacity: 1200. Refill rate: 500 per 60 seconds.";
        Self {
            retry_after,
            ..Self::api_error(429, "RATE_LIMITED_TOKEN_BUCKET", detail)
        }
    }

    /// 405 `WRITES_NOT_ALLOWED_DURING_APP_UPGRADES`.
    pub fn maintenance() -> Self {
        let detail = "Writes are not allowed while the application is being upgraded.";
        Self::api_error(405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", detail)
    }

    /// 500, 502, 503 or 504 in Atlas' form.
    pub fn server_error(status: u16) -> Self {
        let code = if status == 503 {
            "SERVICE_UNAVAILABLE"
        } else {
            "UNEXPECTED_ERROR"
        };
        Self::api_error(status, code, "An unexpected error occurred.")
    }

    /// A page of a proxy or gateway, whatever the status says.
    pub fn html(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let title = reason
            .filter(|_| status >= 300)
            .unwrap_or("Sign in to this network");
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1></body></html>\n"
        );
        Self::text(status, "text/html; charset=utf-8", &body)
    }

    /// The 401 of wrong credentials, with a digest challenge.
    pub fn unauthorized(stale: bool) -> Self {
        let rendered = Reply::from(ApiError::unauthorized(String::new())).render_plain();
        let body = String::from_utf8_lossy(&rendered.body).into_owned();
        Self {
            challenge_stale: Some(stale),
            ..Self::text(401, "application/json", &body)
        }
    }

    /// 410 `VERSION_GONE`.
    pub fn version_gone() -> Self {
        let path = "api/atlas/v2/groups/{groupId}/databaseUsers/{username}/certs";
        let error = ApiError::new(
            StatusCode::GONE,
            "VERSION_GONE",
            format!("Version 2023-01-01 of {path} is no longer available."),
        )
        .with("2023-01-01")
        .with(path);
        Self::text(410, "application/json", &error.body().to_string())
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).header("location", location)
    }

    /// An error of the token endpoint.
    pub fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self::text(status, "application/json", &body.to_string())
    }

    /// Says when to come back.
    pub fn retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn render(&self, world: &World) -> Rendered {
        let mut headers = self.headers.clone();
        if !self.content_type.is_empty() {
            headers.push(("content-type".to_owned(), self.content_type.clone()));
        }
        if let Some(retry_after) = &self.retry_after {
            let text = match retry_after {
                RetryAfter::Seconds(seconds) => seconds.to_string(),
                RetryAfter::Date(seconds) => {
                    world.clock.http_date(SignedDuration::from_secs(*seconds))
                }
                RetryAfter::Text(text) => text.clone(),
            };
            headers.push(("retry-after".to_owned(), text));
        }
        if let Some(stale) = self.challenge_stale {
            headers.push((
                "www-authenticate".to_owned(),
                world.nonces.challenge(stale, world.clock.now()),
            ));
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Rendered {
            status,
            headers,
            body: self.body.clone().into_bytes(),
        }
    }
}
