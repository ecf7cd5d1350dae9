//! What a plugin writes, captured line by line, and how a host would understand it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::Notify;

/// The lines of an output stream so far. Clones see the same lines.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lines: Mutex<Lines>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

/// One line as a host understands it.
#[derive(Clone, Debug, PartialEq)]
pub enum LogLine {
    /// A structured record.
    Record(LogRecord),
    /// Anything else: shown as it is, at DEBUG.
    Raw(String),
}

/// A structured log record.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The message.
    pub message: String,
    /// RFC 3339 with six fraction digits.
    pub timestamp: String,
    /// All other keys, `@module` included.
    pub fields: Map<String, Json>,
}

/// A JSON line that a host would not understand as a record, or that would crash it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}: {line}")]
pub struct MalformedRecord {
    /// The line.
    pub line: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Captured {
    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// Waits for a line that contains the text. `None` if the stream ends or the time is over first.
    pub async fn wait_for(&self, text: &str, patience: Duration) -> Option<String> {
        let found = async {
            loop {
                let more = self.0.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                {
                    let captured = self.lock();
                    if let Some(line) = captured.lines.iter().find(|line| line.contains(text)) {
                        return Some(line.clone());
                    }
                    if captured.ended {
                        return None;
                    }
                }
                more.await;
            }
        };
        tokio::time::timeout(patience, found).await.ok().flatten()
    }

    /// The lines as a host understands them.
    pub fn records(&self) -> Result<Vec<LogLine>, MalformedRecord> {
        self.lines()
            .iter()
            .map(|line| LogLine::parse(line))
            .collect()
    }

    /// Reads a stream to its end, beginning with what was already read of it.
    pub(crate) async fn fill(&self, stream: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
            let text = String::from_utf8_lossy(&line);
            self.lock()
                .lines
                .push(text.trim_end_matches(['\n', '\r']).to_owned());
            self.0.more.notify_waiters();
            line.clear();
        }
        self.end();
    }

    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.0.more.notify_waiters();
    }

    pub(super) async fn ended(&self) {
        loop {
            let more = self.0.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            if self.lock().ended {
                return;
            }
            more.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogLine {
    /// Reads one line. JSON objects must be flawless records; everything else is raw.
    pub fn parse(line: &str) -> Result<Self, MalformedRecord> {
        let fail = |problem| MalformedRecord {
            line: line.to_owned(),
            problem,
        };
        if line.len() > LONGEST_RECORD {
            return Err(fail("longer than 64 KiB"));
        }
        let Ok(Json::Object(mut fields)) = serde_json::from_str(line) else {
            return Ok(Self::Raw(line.to_owned()));
        };
        let mut take = |key, absent| match fields.remove(key) {
            Some(Json::String(text)) => Ok(text),
            Some(_) => Err(fail("a number or the like in an @ key crashes the host")),
            None => Err(fail(absent)),
        };
        let level = take("@level", "no @level")?;
        let message = take("@message", "no @message")?;
        let timestamp = take("@timestamp", "no @timestamp")?;
        if !["trace", "debug", "info", "warn", "error"].contains(&level.as_str()) {
            return Err(fail("unknown @level"));
        }
        if !is_hclog_timestamp(&timestamp) {
            return Err(fail("@timestamp is not RFC 3339 with six fraction digits"));
        }
        Ok(Self::Record(LogRecord {
            level,
            message,
            timestamp,
            fields,
        }))
    }
}

/// `2024-01-02T03:04:05.123456` and `Z` or an offset such as `+02:00`.
fn is_hclog_timestamp(text: &str) -> bool {
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text
                .bytes()
                .zip(pattern.bytes())
                .all(|(byte, expected)| match expected {
                    b'0' => byte.is_ascii_digit(),
                    b'+' => byte == b'+' || byte == b'-',
                    _ => byte == expected,
                })
    };
    let Some((stamp, zone)) = text.split_at_checked(26) else {
        return false;
    };
    shape(stamp, "0000-00-00T00:00:00.000000") && (zone == "Z" || shape(zone, "+00:00"))
}

const LONGEST_RECORD: usize = 64 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_understood_and_other_text_is_raw() {
        let line = r#"{"@level":"info","@message":"hello","@module":"provider","@timestamp":"2024-01-02T03:04:05.123456Z","n":1}"#;
        let LogLine::Record(record) = LogLine::parse(line).unwrap() else {
            panic!("raw")
        };
        assert_eq!(
            (record.level.as_str(), record.message.as_str()),
            ("info", "hello")
        );
        assert_eq!(record.fields["n"], 1);
        assert_eq!(
            LogLine::parse("panic: x").unwrap(),
            LogLine::Raw("panic: x".into())
        );
    }

    #[test]
    fn what_a_host_would_trip_over_is_found() {
        for line in [
            r#"{"@level":"info","@message":1,"@timestamp":"2024-01-02T03:04:05.123456Z"}"#,
            r#"{"@level":"info","@message":"x","@timestamp":"2024-01-02T03:04:05Z"}"#,
            r#"{"@level":"info","@message":"x","@timestamp":"2024-01-02T03:04:05.123456789Z"}"#,
            r#"{"@level":"loud","@message":"x","@timestamp":"2024-01-02T03:04:05.123456Z"}"#,
            r#"{"@message":"x","@timestamp":"2024-01-02T03:04:05.123456+02:00"}"#,
        ] {
            assert!(LogLine::parse(line).is_err(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_line_can_be_awaited() {
        let captured = Captured::default();
        let reader = captured.clone();
        let task = tokio::spawn(async move { reader.fill(&b"one\ntwo"[..]).await });
        let found = captured.wait_for("two", Duration::from_secs(5)).await;
        assert_eq!(found.as_deref(), Some("two"));
        assert_eq!(
            captured.wait_for("three", Duration::from_secs(5)).await,
            None
        );
        task.await.unwrap();
    }
}
