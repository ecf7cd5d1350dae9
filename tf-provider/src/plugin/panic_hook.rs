//! The panic hook.
//!
//! A host reports a line that starts with `panic: ` as a crash of the plugin. The runtime catches the panic of a task, and the
//! call of that task fails with a diagnostic: such a panic is only logged. Any other ends the process.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, Location},
};

use super::write_stderr;

/// Installs the hook. It prints the messages of panics, which contain no secrets.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let message = message(info.payload());
        if tokio::task::try_id().is_some() {
            let location = info.location().map(tracing::field::display);
            tracing::error!(panic.message = message, panic.location = location, "caught a panic");
        } else {
            let report = report(message, info.location(), &Backtrace::capture());
            write_stderr(report.as_bytes());
        }
    }));
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// The report of a crash. Hosts keep the first line, which must start as in Go, and 100 more.
fn report(message: &str, location: Option<&Location<'_>>, backtrace: &Backtrace) -> String {
    let mut report = format!("panic: {message}\n");
    if let Some(location) = location {
        report += &format!("at {location}\n");
    }
    if backtrace.status() == BacktraceStatus::Captured {
        let backtrace = backtrace.to_string();
        report.extend(backtrace.split_inclusive('\n').take(90));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_starts_as_hosts_expect() {
        let location = Location::caller();
        let report = report("out of cheese", Some(location), &Backtrace::force_capture());
        let mut lines = report.lines();
        assert_eq!(lines.next(), Some("panic: out of cheese"));
        assert!(lines.next().unwrap().contains("panic_hook.rs:"));
        assert!(report.lines().count() <= 101);
    }

    #[test]
    fn message_is_the_text_of_the_panic() {
        assert_eq!(message(&String::from("owned")), "owned");
        assert_eq!(message(&"static"), "static");
        assert_eq!(message(&123_456_u64), "(no message)");
    }

    #[tokio::test]
    async fn tasks_are_recognized_by_their_id() {
        assert!(tokio::task::try_id().is_none());
        let in_task = tokio::spawn(async { tokio::task::try_id().is_some() });
        let in_thread = tokio::task::spawn_blocking(|| tokio::task::try_id().is_some());
        assert!(in_task.await.unwrap() && in_thread.await.unwrap());
    }

    #[test]
    fn caught_panic_prints_no_line_that_hosts_report_as_a_crash() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--ignored"])
            .arg("plugin::panic_hook::tests::child_panics_in_a_task_and_in_a_thread")
            .env(CHILD, "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        let crashes: Vec<_> = stderr.lines().filter(|l| l.starts_with("panic: ")).collect();
        assert_eq!(crashes, ["panic: in a thread"], "{stderr}");
        assert!(!stderr.contains("in a task"), "{stderr}");
    }

    const CHILD: &str = "PANIC_HOOK_CHILD";

    #[tokio::test]
    #[ignore = "run by the test above, because the hook is global"]
    async fn child_panics_in_a_task_and_in_a_thread() {
        if std::env::var_os(CHILD).is_some() {
            install();
            let task = tokio::spawn(async { panic!("in a task") });
            assert!(task.await.is_err());
            let thread = std::thread::spawn(|| panic!("in a thread"));
            assert!(thread.join().is_err());
        }
    }
}
