//! Bearer tokens of a service account (OAuth 2.0 client credentials).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::super::response::TokenJson;

/// A token and when another one is needed.
pub(in crate::atlas) struct Token {
    value: SecretString,
    due: Instant,
}

impl Token {
    /// `obtained` is when the answer came; the token is used until 5 minutes before its end, or
    /// for half its life if that is longer.
    pub(super) fn new(json: TokenJson, obtained: Instant) -> Self {
        let life = Duration::from_secs(json.expires_in.unwrap_or(3600).min(365 * 86_400));
        let use_for = life.saturating_sub(EARLY).max(life / 2);
        Self {
            value: json.access_token,
            due: obtained + use_for,
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    pub(super) fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}

/// `Basic` with both halves form-encoded, as RFC 6749 section 2.3.1 has it.
pub(super) fn basic(client_id: &str, client_secret: &SecretString) -> Option<HeaderValue> {
    let id = utf8_percent_encode(client_id, FORM);
    let secret = utf8_percent_encode(client_secret.expose_secret(), FORM);
    let pair = Zeroizing::new(format!("{id}:{secret}"));
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    sensitive(&encoded)
}

/// `Bearer` and the token.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    sensitive(&Zeroizing::new(format!("Bearer {token}")))
}

/// A header that shows in no log.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

const EARLY: Duration = Duration::from_secs(5 * 60);
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    const A_MOMENT: Duration = Duration::from_millis(1);

    fn token(expires_in: Option<u64>) -> Token {
        let access_token = SecretString::from("t");
        Token::new(
            TokenJson {
                access_token,
                expires_in,
            },
            Instant::now(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn renews_five_minutes_early_and_short_tokens_at_half_their_life() {
        for (life, used_for) in [
            (Some(3600), 3300),
            (None, 3300),
            (Some(60), 30),
            (Some(700), 400),
            (Some(0), 0),
        ] {
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
    fn encodes_both_halves_before_joining_them() {
        let plain = basic("mdb_sa_id_1", &"mdb_sa_sk_x".into()).unwrap();
        assert!(plain.is_sensitive());
        let decode = |value: &HeaderValue| {
            let encoded = value
                .to_str()
                .unwrap()
                .strip_prefix("Basic ")
                .unwrap()
                .to_owned();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        };
        assert_eq!(decode(&plain), "mdb_sa_id_1:mdb_sa_sk_x");
        assert_eq!(decode(&basic("a:b", &"c d".into()).unwrap()), "a%3Ab:c%20d");
    }

    #[test]
    fn refuses_a_token_no_header_can_carry() {
        assert!(bearer("abc\n").is_none());
        assert!(bearer("abc").is_some());
    }
}
