//! The token endpoint: client credentials in, bearer tokens out.

use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::authentication::basic;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::route::Endpoint;
use crate::world::World;

/// Answers `/api/oauth/token` and `/api/oauth/revoke`.
pub(crate) fn answer(
    world: &World,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Reply {
    let Some(client) = basic(headers) else {
        return refused(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "client authentication is missing",
        );
    };
    if let Err(reply) = within_rate(world, endpoint, &client.0, now) {
        return reply;
    }
    let credentials = world.logins.credentials();
    if client != (credentials.client_id, credentials.client_secret) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "client authentication failed",
        );
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return refused(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the body must be form-url-encoded",
        );
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    match endpoint {
        Endpoint::RevokeToken => revoke(world, field("token")),
        _ => issue(world, field("grant_type"), now),
    }
}

fn issue(world: &World, grant_type: Option<&str>, now: Timestamp) -> Reply {
    match grant_type {
        None => {
            return refused(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "grant_type is missing",
            );
        }
        Some("client_credentials") => {}
        Some(_) => {
            return refused(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "only client_credentials is supported",
            );
        }
    }
    let settings = world.settings();
    let lifetime = settings.token_lifetime_seconds;
    match world.tokens.issue(
        SignedDuration::from_secs(i64::from(lifetime)),
        settings.token_limit,
        now,
    ) {
        Ok(token) => Reply::json(
            StatusCode::OK,
            json!({ "access_token": token, "expires_in": lifetime, "token_type": "Bearer" }),
        ),
        Err(_) => refused(
            StatusCode::FORBIDDEN,
            "access_denied",
            "the access token limit has been reached for this service account",
        ),
    }
}

/// RFC 7009: a token that is not known counts as revoked.
fn revoke(world: &World, token: Option<&str>) -> Reply {
    let Some(token) = token else {
        return refused(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "token is missing",
        );
    };
    world.tokens.revoke(token);
    Reply::empty(StatusCode::OK)
}

fn within_rate(
    world: &World,
    endpoint: Endpoint,
    client_id: &str,
    now: Timestamp,
) -> Result<(), Reply> {
    let Some(rate) = world
        .settings()
        .token_rate
        .filter(|_| endpoint == Endpoint::IssueToken)
    else {
        return Ok(());
    };
    world
        .buckets
        .take(&format!("token {client_id}"), rate, now)
        .map(|_| ())
        .map_err(|empty| {
            let minutes = rate.period_seconds.div_ceil(60);
            let detail = format!(
                "Resource /api/oauth/token is limited to {} requests every {minutes} minutes.",
                rate.capacity
            );
            let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail)
                .with("/api/oauth/token")
                .with(rate.capacity)
                .with(minutes);
            if rate.retry_after {
                error = error.header("retry-after", empty.seconds.to_string());
            }
            Reply::from(error)
        })
}

/// An error as RFC 6749 writes it, not as the rest of the API does.
fn refused(status: StatusCode, error: &str, description: &str) -> Reply {
    let reply = Reply::json(
        status,
        json!({ "error": error, "error_description": description }),
    );
    if status == StatusCode::UNAUTHORIZED {
        return reply.header("www-authenticate", "Basic realm=\"Atlas\"");
    }
    reply
}
