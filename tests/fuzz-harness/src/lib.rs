//! What reads foreign bytes, one function each. A function panics where a promise is broken; whatever else it is given, it
//! returns. `fuzz/` runs them with coverage, `tests/smoke.rs` for some seconds on any toolchain.

#![allow(clippy::expect_used, reason = "a broken promise is to end the run")]

mod answers;
mod arguments;
mod certificates;
mod values;

pub use answers::{digest_challenge, http_answer, retry_after};
pub use arguments::{duration, handshake, import_id, uri};
pub use certificates::{age, der, pem};
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

/// Nothing in a text that is shown to people steers a terminal.
///
/// # Panics
/// Something does.
fn assert_harmless(text: &str) {
    let steers = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    assert!(!text.contains(steers), "{text:?}");
}
