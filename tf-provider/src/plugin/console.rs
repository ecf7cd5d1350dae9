//! The two standard streams. A host may be gone, and its pipes with it; `println!` would panic then.

use std::io::{self, Write as _};

/// Writes to standard output and makes sure that it has left the process.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes to standard error in one call. That it cannot be read any more is no reason to fail.
pub(super) fn complain(line: &[u8]) {
    let _ = io::stderr().lock().write_all(line);
}
