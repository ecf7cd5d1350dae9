//! Access tokens of the service account.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::random;
use crate::shared::Shared;

/// Every token ever issued.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Shared<Vec<Token>>);

/// What became of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The bearer token itself.
    pub value: String,
    /// When it was issued, by the server's clock.
    pub issued_at: Timestamp,
    /// When it stops being accepted.
    pub expires_at: Timestamp,
    /// Whether the client gave it back.
    pub revoked: bool,
}

/// A service account has as many live tokens as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitReached;

impl Tokens {
    pub(crate) fn issue(
        &self,
        lifetime: SignedDuration,
        limit: usize,
        now: Timestamp,
    ) -> Result<String, LimitReached> {
        let mut tokens = self.0.lock();
        if tokens.iter().filter(|token| token.is_live(now)).count() >= limit {
            return Err(LimitReached);
        }
        let value = random::token();
        let expires_at = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        tokens.push(Token {
            value: value.clone(),
            issued_at: now,
            expires_at,
            revoked: false,
        });
        Ok(value)
    }

    pub(crate) fn accepts(&self, value: &str, now: Timestamp) -> bool {
        self.0
            .lock()
            .iter()
            .any(|token| token.value == value && token.is_live(now))
    }

    pub(crate) fn revoke(&self, value: &str) {
        self.0
            .lock()
            .iter_mut()
            .filter(|token| token.value == value)
            .for_each(|token| token.revoked = true);
    }

    /// Ends every live token now.
    pub(crate) fn expire_all(&self, now: Timestamp) {
        self.0
            .lock()
            .iter_mut()
            .for_each(|token| token.expires_at = token.expires_at.min(now));
    }

    pub(crate) fn all(&self) -> Vec<Token> {
        self.0.lock().clone()
    }
}

impl Token {
    fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_token_lives_until_it_expires_or_is_revoked_and_the_dead_do_not_count() {
        let tokens = Tokens::default();
        let hour = SignedDuration::from_hours(1);
        let at = |second| Timestamp::from_second(second).unwrap();
        let first = tokens.issue(hour, 2, at(0)).unwrap();
        let second = tokens.issue(hour, 2, at(10)).unwrap();
        assert_eq!(tokens.issue(hour, 2, at(10)), Err(LimitReached));
        assert!(tokens.accepts(&first, at(3599)) && !tokens.accepts(&first, at(3600)));
        tokens.revoke(&second);
        assert!(!tokens.accepts(&second, at(10)));
        let third = tokens.issue(hour, 2, at(11)).unwrap();
        tokens.expire_all(at(12));
        assert!(!tokens.accepts(&third, at(12)));
        assert_eq!(tokens.all().len(), 3);
    }
}
