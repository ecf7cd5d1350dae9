//! Random values in the shapes Atlas uses.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::hex;

/// A certificate serial: positive, 63 bits, above 2^53, so that a double would spoil it.
pub(crate) fn serial() -> u64 {
    loop {
        let candidate = u64::from_be_bytes(bytes()) >> 1;
        if candidate > 1 << 53 && candidate % 512 != 0 {
            return candidate;
        }
    }
}

/// A digest nonce: 32 base64 characters, `+` and `/` among them.
pub(crate) fn nonce() -> String {
    STANDARD.encode(bytes::<24>())
}

/// A bearer token or secret.
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<30>())
}

/// At most 64 hex digits.
pub(crate) fn hex_digits(length: usize) -> String {
    let mut digits = hex::encode(&bytes::<32>());
    digits.truncate(length);
    digits
}

/// Lower-case letters, as in the public half of an API key.
pub(crate) fn letters(length: usize) -> String {
    (0..length)
        .map(|_| char::from(b'a' + bytes::<1>()[0] % 26))
        .collect()
}

/// A UUID, as in the private half of an API key.
pub(crate) fn uuid() -> String {
    [8, 4, 4, 4, 12].map(hex_digits).join("-")
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    // The operating system's generator does not fail after it has once been seeded.
    rand::fill(&mut out).unwrap_or_default();
    out
}
