//! One function for each parser of foreign bytes. It panics if the parser breaks a promise. `fuzz/` runs them with coverage,
//! `tests/smoke.rs` for some seconds on any toolchain.

#![allow(clippy::expect_used, reason = "a broken promise must end the run")]

mod arguments;
mod certificates;
mod responses;
mod values;

pub use arguments::{duration, handshake, import_id, uri};
pub use certificates::{age, der, pem};
pub use responses::{digest_challenge, http_answer, retry_after};
pub use values::{json_state, msgpack};

/// A function under test and the name of its target.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 12] = [
    ("msgpack", msgpack),
    ("json_state", json_state),
    ("pem", pem),
    ("der", der),
    ("age", age),
    ("import_id", import_id),
    ("uri", uri),
    ("duration", duration),
    ("handshake", handshake),
    ("http_answer", http_answer),
    ("digest_challenge", digest_challenge),
    ("retry_after", retry_after),
];

/// A text for the user does not control a terminal.
///
/// # Panics
/// If it does.
fn assert_harmless(text: &str) {
    let controls = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    assert!(!text.contains(controls), "{text:?}");
}
