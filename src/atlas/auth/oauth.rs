//! Access tokens of a service account (OAuth 2.0 client credentials, RFC 6749 section 4.4).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::super::{error::ErrorKind, response};

pub(in crate::atlas) struct Token {
    pub(super) value: SecretString,
    pub(super) header: HeaderValue,
    due: Instant,
}

impl Token {
    /// Parses the response of the token endpoint. The token is replaced 5 minutes before its expiry, or after half its
    /// lifetime if that is later.
    pub(in crate::atlas) fn parse(body: &[u8], received_at: Instant) -> Result<Self, ErrorKind> {
        let json = response::json(body);
        let token = json["access_token"].as_str();
        let value = token.ok_or(ErrorKind::InvalidBody("it contains no access token"))?.into();
        let unsendable = "the access token contains characters that cannot be sent";
        let header = bearer(&value).ok_or(ErrorKind::InvalidBody(unsendable))?;
        let seconds = json["expires_in"].as_u64().unwrap_or(3600);
        let lifetime = Duration::from_secs(seconds.min(365 * 86_400));
        let use_for = lifetime.saturating_sub(EARLY).max(lifetime / 2);
        Ok(Self { value, header, due: received_at + use_for })
    }

    pub(super) fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }
}

/// The `Basic` header; both parts are form-encoded (RFC 6749 section 2.3.1).
pub(super) fn basic(client_id: &str, client_secret: &SecretString) -> Option<HeaderValue> {
    let id = utf8_percent_encode(client_id, FORM);
    let secret = utf8_percent_encode(client_secret.expose_secret(), FORM);
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
}

pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

/// A header that `Debug` does not show; `None` if no header can carry the text.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

const EARLY: Duration = Duration::from_secs(5 * 60);
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

#[cfg(test)]
mod tests {
    use super::*;

    const A_MOMENT: Duration = Duration::from_millis(1);

    fn token(expires_in: Option<u64>) -> Token {
        let body = serde_json::json!({ "access_token": "t", "expires_in": expires_in });
        Token::parse(body.to_string().as_bytes(), Instant::now()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_due_five_minutes_early_or_after_half_its_lifetime() {
        for (life, used_for) in
            [(Some(3600), 3300), (None, 3300), (Some(60), 30), (Some(700), 400), (Some(0), 0)]
        {
            let token = token(life);
            if let Some(just_before) = Duration::from_secs(used_for).checked_sub(A_MOMENT) {
                tokio::time::advance(just_before).await;
                assert!(!token.is_due(), "{life:?}");
            }
            tokio::time::advance(A_MOMENT).await;
            assert!(token.is_due(), "{life:?}");
        }
    }

    #[test]
    fn both_parts_are_encoded_before_they_are_joined() {
        let plain = basic("mdb_sa_id_1", &"mdb_sa_sk_x".into()).unwrap();
        assert!(plain.is_sensitive());
        let decode = |value: &HeaderValue| {
            let encoded = value.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        };
        assert_eq!(decode(&plain), "mdb_sa_id_1:mdb_sa_sk_x");
        assert_eq!(decode(&basic("a:b", &"c d".into()).unwrap()), "a%3Ab:c%20d");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_none() {
        assert!(bearer(&"abc\n".into()).is_none());
        assert!(bearer(&"abc".into()).is_some());
    }
}
