use std::any::Any;
use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::{self, Location};
use std::thread;

use super::console;

/// Makes panics look as hosts expect them, so that they show the reason when a command fails.
///
/// Only texts are printed. They are constants or say what went wrong with a value; no code of ours panics with a secret.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let report = report(
            info.payload(),
            info.location(),
            thread::current().name(),
            &Backtrace::force_capture().to_string(),
        );
        console::complain(report.as_bytes());
    }));
}

/// The first line starts as in Go: hosts collect that line and a hundred more.
fn report(
    payload: &(dyn Any + Send),
    location: Option<&Location<'_>>,
    thread: Option<&str>,
    backtrace: &str,
) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)");
    let mut report = format!("panic: {message}\n");
    if let Some(location) = location {
        // Writing to a string cannot fail.
        let _ = writeln!(
            report,
            "at {location}, thread {}",
            thread.unwrap_or("unnamed")
        );
    }
    for line in backtrace.lines().take(BACKTRACE_LINES) {
        report.push_str(line);
        report.push('\n');
    }
    report
}

const BACKTRACE_LINES: usize = 90;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn starts_with_what_hosts_look_for() {
        let place = Location::caller();
        let report = report(&"out of cheese", Some(place), Some("worker"), "   0: main");
        let mut lines = report.lines();
        assert_eq!(lines.next(), Some("panic: out of cheese"));
        assert!(lines.next().unwrap().contains("panic.rs:"));
        assert_eq!(lines.next(), Some("   0: main"));
    }

    #[test]
    fn prints_texts_and_nothing_else() {
        let owned = String::from("owned");
        assert!(report(&owned, None, None, "").starts_with("panic: owned\n"));
        let odd: u64 = 123_456;
        assert_eq!(report(&odd, None, None, ""), "panic: (no message)\n");
    }

    #[test]
    fn fits_into_what_a_host_keeps() {
        let report = report(&"x", Some(Location::caller()), None, &"frame\n".repeat(500));
        assert!(report.lines().count() <= 101);
    }
}
