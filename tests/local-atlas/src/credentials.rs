//! Credentials, their roles, and how a request presents them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    digest::{DigestHeader, Rejection},
    error::{Refusal, unauthorized},
    state::State,
};

/// One of each kind of credentials; all of them are valid at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// Service account, `mdb_sa_id_` and 24 hex digits.
    pub client_id: String,
    /// Its secret, `mdb_sa_sk_…`.
    pub client_secret: String,
    /// Public half of an API key, 8 letters.
    pub public_key: String,
    /// Its private half, a UUID.
    pub private_key: String,
    /// A static bearer token that never expires.
    pub access_token: String,
}

/// A kind of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// OAuth client credentials and the tokens issued for them.
    ServiceAccount,
    /// An API key pair with HTTP Digest.
    ApiKey,
    /// The static bearer token.
    AccessToken,
}

/// The role of credentials in every project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Project Owner: everything.
    #[default]
    Owner,
    /// Project Read Only: GET; the rest is 401 `USER_UNAUTHORIZED`.
    ReadOnly,
    /// None: 401 `NOT_IN_GROUP`.
    None,
}

/// The scheme of an `Authorization` header. The secret itself is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Authorization {
    /// No header.
    None,
    /// `Basic`, the scheme of the token endpoint.
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
    /// Any other scheme.
    Other,
}

impl Credentials {
    /// New random ones in Atlas's forms.
    pub fn random() -> Self {
        let hex = |digits: usize| format!("{:032x}", fastrand::u128(..))[..digits].to_owned();
        Self {
            client_id: format!("mdb_sa_id_{}", hex(24)),
            client_secret: format!("mdb_sa_sk_{}", random_token()),
            public_key: (0..8).map(|_| fastrand::lowercase()).collect(),
            private_key: [8, 4, 4, 4, 12].map(hex).join("-"),
            access_token: random_token(),
        }
    }
}

/// A bearer token or secret.
pub(crate) fn random_token() -> String {
    (0..40).map(|_| fastrand::alphanumeric()).collect()
}

impl Authorization {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match scheme(headers) {
            ("", _) => Self::None,
            (scheme, _) if scheme.eq_ignore_ascii_case("basic") => Self::Basic,
            (scheme, _) if scheme.eq_ignore_ascii_case("bearer") => Self::Bearer,
            (scheme, rest) if scheme.eq_ignore_ascii_case("digest") => DigestHeader::parse(rest)
                .map_or(Self::Other, |header| Self::Digest {
                    nonce: header.nonce,
                    count: header.count,
                }),
            _ => Self::Other,
        }
    }
}

/// The credentials of a request, or its 401.
pub(crate) fn authenticate(
    state: &State,
    method: &str,
    target: &str,
    headers: &HeaderMap,
) -> Result<Login, Refusal> {
    let now = state.clock.now();
    match Authorization::of(headers) {
        Authorization::Bearer => bearer(state, scheme(headers).1, now),
        Authorization::Digest { .. } => digest(state, method, target, scheme(headers).1, now)
            .map_err(|rejection| challenge(state, rejection == Rejection::Stale, now)),
        _ => Err(challenge(state, false, now)),
    }
}

/// Client id and secret of a `Basic` header, form-url-decoded as in RFC 6749.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, rest) = scheme(headers);
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let pair = format!("x={part}");
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    scheme.eq_ignore_ascii_case("basic").then(|| (decode(id), decode(secret)))
}

fn bearer(state: &State, token: &str, now: Timestamp) -> Result<Login, Refusal> {
    let data = state.lock();
    if token == data.credentials.access_token {
        return Ok(Login::AccessToken);
    }
    if data.tokens.iter().any(|it| it.value == token && it.is_live(now)) {
        return Ok(Login::ServiceAccount);
    }
    Err(unauthorized("Bearer error=\"invalid_token\""))
}

fn digest(
    state: &State,
    method: &str,
    target: &str,
    text: &str,
    now: Timestamp,
) -> Result<Login, Rejection> {
    let header = DigestHeader::parse(text).ok_or(Rejection::Wrong)?;
    let mut data = state.lock();
    let matches = header.username == data.credentials.public_key
        && header.matches(method, target, &data.credentials.private_key);
    if !matches {
        return Err(Rejection::Wrong);
    }
    let settings = data.settings.clone();
    data.nonces.use_count(&header, &settings, now)?;
    Ok(Login::ApiKey)
}

/// The 401 that asks for a digest.
fn challenge(state: &State, is_stale: bool, now: Timestamp) -> Refusal {
    unauthorized(&state.lock().nonces.challenge(is_stale, now))
}

/// Scheme and rest of the `Authorization` header; empty if there is none.
fn scheme(headers: &HeaderMap) -> (&str, &str) {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let value = value.unwrap_or_default();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    (scheme, rest.trim())
}
