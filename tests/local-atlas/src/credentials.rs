//! Credentials, their roles, and how a request presents them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use crate::{
    digest::{DigestHeader, Rejection},
    error::{Refusal, unauthorized},
    handler::Received,
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

impl Default for Credentials {
    /// New random ones in Atlas's forms.
    fn default() -> Self {
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
    pub(crate) fn of(received: &Received) -> Self {
        let (scheme, rest) = scheme(received);
        match scheme.as_str() {
            "" => Self::None,
            "basic" => Self::Basic,
            "bearer" => Self::Bearer,
            "digest" => DigestHeader::parse(rest)
                .map_or(Self::Other, |it| Self::Digest { nonce: it.nonce, count: it.count }),
            _ => Self::Other,
        }
    }
}

/// The credentials of a request, or its 401.
pub(crate) fn authenticate(state: &State, received: &Received) -> Result<Login, Refusal> {
    let (now, (scheme, rest)) = (state.clock.now(), scheme(received));
    let data = &mut *state.lock();
    if scheme == "bearer" {
        if rest == data.credentials.access_token {
            return Ok(Login::AccessToken);
        }
        let known = data.tokens.iter().any(|it| it.value == rest && it.is_live(now));
        let refusal = || unauthorized("Bearer error=\"invalid_token\"");
        return known.then_some(Login::ServiceAccount).ok_or_else(refusal);
    }
    let header = DigestHeader::parse(rest).filter(|header| {
        let (method, password) = (received.parts.method.as_str(), &data.credentials.private_key);
        let known = scheme == "digest" && header.username == data.credentials.public_key;
        known && header.matches(method, received.target(), password)
    });
    let used = header.ok_or(Rejection::Wrong);
    let used = used.and_then(|header| data.nonces.use_up(&header, now));
    used.map(|()| Login::ApiKey).map_err(|rejection| {
        unauthorized(&data.nonces.challenge(rejection == Rejection::Stale, now))
    })
}

/// Client id and secret of a `Basic` header, form-url-decoded as in RFC 6749.
pub(crate) fn basic(received: &Received) -> Option<(String, String)> {
    let (scheme, rest) = scheme(received);
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let pair = format!("x={part}");
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    (scheme == "basic").then(|| (decode(id), decode(secret)))
}

/// Scheme, in lower case, and rest of the `Authorization` header; empty if there is none.
fn scheme(received: &Received) -> (String, &str) {
    let value = received.header(AUTHORIZATION);
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    (scheme.to_ascii_lowercase(), rest.trim())
}
