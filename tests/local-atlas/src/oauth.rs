//! The token endpoint: client credentials in, bearer tokens out.

use hyper::{StatusCode, header::CONTENT_TYPE};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::{
    credentials::{basic, random_token},
    error::{Refusal, error_body},
    handler::Received,
    response::{Content, Reply},
    route::Endpoint,
    state::State,
};

/// An access token of the service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The bearer token itself.
    pub value: String,
    /// The time of issue by the server's clock.
    pub issued_at: Timestamp,
    /// The end of its validity.
    pub expires_at: Timestamp,
    /// Whether the client revoked it.
    pub revoked: bool,
}

impl Token {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires_at
    }
}

/// The response of `/api/oauth/token` and `/api/oauth/revoke`.
pub(crate) fn respond(
    state: &State,
    received: &Received,
    endpoint: Endpoint,
) -> Result<Reply, Refusal> {
    let now = state.clock.now();
    let Some(client) = basic(received) else {
        return Err(refused(401, "invalid_client", "client authentication is missing"));
    };
    if endpoint == Endpoint::IssueToken {
        take_rate_token(state, &client.0, now)?;
    }
    let credentials = state.lock().credentials.clone();
    if client != (credentials.client_id, credentials.client_secret) {
        return Err(refused(401, "invalid_client", "client authentication failed"));
    }
    if !received.header(CONTENT_TYPE).starts_with("application/x-www-form-urlencoded") {
        return Err(refused(400, "invalid_request", "the body must be form-url-encoded"));
    }
    let field = |name: &str| {
        let mut fields = url::form_urlencoded::parse(&received.body);
        fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    if endpoint == Endpoint::IssueToken {
        return issue(state, field("grant_type").as_deref(), now);
    }
    let Some(token) = field("token") else {
        return Err(refused(400, "invalid_request", "token is missing"));
    };
    // RFC 7009: an unknown token counts as revoked.
    for known in state.lock().tokens.iter_mut().filter(|known| known.value == token) {
        known.revoked = true;
    }
    Ok(Reply::new(StatusCode::OK, Content::Empty))
}

fn issue(state: &State, grant_type: Option<&str>, now: Timestamp) -> Result<Reply, Refusal> {
    let Some(grant_type) = grant_type else {
        return Err(refused(400, "invalid_request", "grant_type is missing"));
    };
    if grant_type != "client_credentials" {
        let description = "only client_credentials is supported";
        return Err(refused(400, "unsupported_grant_type", description));
    }
    let mut data = state.lock();
    let live = data.tokens.iter().filter(|token| token.is_live(now)).count();
    if live >= data.settings.token_limit {
        let description = "the access token limit has been reached for this service account";
        return Err(refused(403, "access_denied", description));
    }
    let seconds = data.settings.token_lifetime_seconds;
    let expires_at = now.checked_add(SignedDuration::from_secs(seconds.into()));
    let value = random_token();
    data.tokens.push(Token {
        value: value.clone(),
        issued_at: now,
        expires_at: expires_at.unwrap_or(Timestamp::MAX),
        revoked: false,
    });
    let body = json!({ "access_token": value, "expires_in": seconds, "token_type": "Bearer" });
    Ok(Reply::json(200, body))
}

fn take_rate_token(state: &State, client_id: &str, now: Timestamp) -> Result<(), Refusal> {
    let mut data = state.lock();
    let Some(rate) = data.settings.token_rate else { return Ok(()) };
    let taken = data.buckets.take(&format!("token {client_id}"), rate, now);
    let Err(seconds) = taken else { return Ok(()) };
    let (capacity, minutes) = (rate.capacity, rate.period_seconds.div_ceil(60));
    let detail = format!(
        "Resource /api/oauth/token is limited to {capacity} requests every {minutes} minutes."
    );
    let parameters = json!(["/api/oauth/token", capacity, minutes]);
    let refusal = Reply::json(429, error_body(429, "RATE_LIMITED", &detail, &parameters));
    Err(if rate.retry_after { refusal.header("retry-after", &seconds) } else { refusal })
}

/// An error in the form of RFC 6749, which is not the form of the other endpoints.
fn refused(status: u16, error: &str, description: &str) -> Refusal {
    let body = json!({ "error": error, "error_description": description });
    let reply = Reply::json(status, body);
    let challenge = "Basic realm=\"Atlas\"";
    if status == 401 { reply.header("www-authenticate", challenge) } else { reply }
}
