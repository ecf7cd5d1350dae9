//! Who sent a request to the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::credentials::Login;
use crate::digest::{Proof, Refusal};
use crate::error::ApiError;
use crate::world::World;

/// The scheme of an `Authorization` header; the secret itself is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authorization {
    /// No header.
    None,
    /// `Basic`, as the token endpoint wants it.
    Basic,
    /// `Digest` with this nonce and count.
    Digest {
        /// The server's nonce.
        nonce: String,
        /// The client's request count on it, 8 hex digits.
        count: String,
    },
    /// `Bearer`.
    Bearer,
    /// Something else.
    Other,
}

impl Authorization {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Self::None;
        };
        match split(value.to_str().unwrap_or_default()) {
            (scheme, _) if scheme.eq_ignore_ascii_case("basic") => Self::Basic,
            (scheme, _) if scheme.eq_ignore_ascii_case("bearer") => Self::Bearer,
            (scheme, rest) if scheme.eq_ignore_ascii_case("digest") => {
                Proof::parse(rest).map_or(Self::Other, |proof| Self::Digest {
                    nonce: proof.nonce,
                    count: proof.count,
                })
            }
            _ => Self::Other,
        }
    }
}

/// The login that sent the request, or the 401 it gets.
pub(crate) fn authenticate(
    world: &World,
    method: &str,
    target: &str,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Login, ApiError> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (scheme, rest) = split(value);
    if scheme.eq_ignore_ascii_case("bearer") {
        return bearer(world, rest, now);
    }
    if scheme.eq_ignore_ascii_case("digest") {
        return digest(world, method, target, rest, now)
            .map_err(|refusal| challenge(world, refusal == Refusal::Stale, now));
    }
    Err(challenge(world, false, now))
}

/// The 401 that asks for a digest.
pub(crate) fn challenge(world: &World, stale: bool, now: Timestamp) -> ApiError {
    ApiError::unauthorized(world.nonces.challenge(stale, now))
}

/// Client id and secret of a `Basic` header, form-url-decoded as RFC 6749 has it.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, rest) = split(headers.get(AUTHORIZATION)?.to_str().ok()?);
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        let pair = format!("x={part}");
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    scheme
        .eq_ignore_ascii_case("basic")
        .then_some((decoded(id)?, decoded(secret)?))
}

fn bearer(world: &World, token: &str, now: Timestamp) -> Result<Login, ApiError> {
    if token == world.logins.credentials().access_token {
        return Ok(Login::AccessToken);
    }
    if world.tokens.accepts(token, now) {
        return Ok(Login::ServiceAccount);
    }
    Err(ApiError::unauthorized(
        "Bearer error=\"invalid_token\"".to_owned(),
    ))
}

fn digest(
    world: &World,
    method: &str,
    target: &str,
    text: &str,
    now: Timestamp,
) -> Result<Login, Refusal> {
    let proof = Proof::parse(text).ok_or(Refusal::Wrong)?;
    let credentials = world.logins.credentials();
    let right = proof.username == credentials.public_key
        && proof.matches(method, target, &credentials.private_key);
    if !right {
        return Err(Refusal::Wrong);
    }
    world.nonces.use_up(&proof, &world.settings(), now)?;
    Ok(Login::ApiKey)
}

fn split(value: &str) -> (&str, &str) {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    (scheme, rest.trim())
}
