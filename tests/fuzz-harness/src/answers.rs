//! What comes from Atlas, or from whatever pretends to be Atlas.

use std::time::Duration;

use terraform_provider_atlas::atlas::fuzzing;

use crate::assert_harmless;

/// A body; the first byte chooses the status.
///
/// # Panics
/// What is shown of it steers a terminal, or something of it is lost.
pub fn http_answer(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let statuses = [200, 201, 302, 400, 401, 404, 409, 429, 500, 503];
    let told = fuzzing::answer(statuses[usize::from(*choice) % statuses.len()], body);
    assert_harmless(&told);
}

/// A `WWW-Authenticate` header.
///
/// # Panics
/// The answer gives the password away.
pub fn digest_challenge(data: &[u8]) {
    if let Some(answer) = fuzzing::digest(data) {
        let echoed = data.windows(8).any(|window| window == b"password");
        assert!(echoed || !answer.contains("password"), "{answer}");
    }
}

/// A `Retry-After` header.
pub fn retry_after(data: &[u8]) {
    if let Some(wait) = fuzzing::retry_after(data) {
        // Whoever adds it to the present must not overflow.
        let _ = std::time::Instant::now()
            .checked_add(wait.min(Duration::from_secs(u64::from(u32::MAX))));
    }
}
