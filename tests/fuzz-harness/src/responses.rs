//! Responses of Atlas, or of a server in its place.

use std::time::{Duration, Instant};

use terraform_provider_atlas::atlas::fuzzing;

use crate::assert_harmless;

/// A body; the first byte chooses the status.
///
/// # Panics
/// If the text for the user controls a terminal, or a part of an issued certificate is lost.
pub fn http_answer(data: &[u8]) {
    if let Some((choice, body)) = data.split_first() {
        let statuses = [200, 201, 302, 400, 401, 404, 409, 429, 500, 503];
        let status = statuses[usize::from(*choice) % statuses.len()];
        assert_harmless(&fuzzing::answer(status, body));
    }
}

/// A `WWW-Authenticate` header.
///
/// # Panics
/// If the response to the challenge contains the password.
pub fn digest_challenge(data: &[u8]) {
    if let Some(answer) = fuzzing::digest(data) {
        let echoed = data.windows(8).any(|window| window == b"password");
        assert!(echoed || !answer.contains("password"), "{answer}");
    }
}

/// A `Retry-After` header. The sum of the wait and the present does not overflow.
pub fn retry_after(data: &[u8]) {
    if let Some(wait) = fuzzing::retry_after(data) {
        let _ = Instant::now().checked_add(wait.min(Duration::from_secs(u32::MAX.into())));
    }
}
