//! Log lines in the format of hclog, which hosts parse: one JSON object per line on standard error.
//!
//! A host crashes on a `@message`, `@level` or `@timestamp` that is not a string, and splits lines of 64 KiB or more.

use std::{error::Error, fmt};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
    registry::{LookupSpan, Registry, Scope},
};

use super::{error::chain, write_stderr};

/// Logs the events of `crates` and of this one, from `level` up. Other crates are never logged: their events may contain the
/// bytes of a body.
pub(super) fn install(level: LevelFilter, crates: &[&'static str]) {
    if level == LevelFilter::OFF {
        return;
    }
    // Fails if the binary has installed a subscriber of its own, which then stays.
    let _ = tracing::subscriber::set_global_default(subscriber(level, crates, write_stderr));
}

fn subscriber(
    level: LevelFilter,
    crates: &[&'static str],
    write: impl Fn(&[u8]) + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let targets = crates.iter().chain([&env!("CARGO_CRATE_NAME")]);
    let targets: Targets = targets.map(|name| (*name, level)).collect();
    Registry::default().with(targets).with(Hclog { write })
}

/// The level of a logging variable, as hosts understand it.
pub(super) fn level(text: Option<&str>) -> LevelFilter {
    match text.map(|text| text.trim().to_ascii_uppercase()).as_deref() {
        None | Some("OFF") => LevelFilter::OFF,
        Some("ERROR") => LevelFilter::ERROR,
        Some("WARN") => LevelFilter::WARN,
        Some("INFO") => LevelFilter::INFO,
        Some("DEBUG") => LevelFilter::DEBUG,
        // TRACE, JSON and invalid levels.
        Some(_) => LevelFilter::TRACE,
    }
}

/// Writes each event as one line, with the fields of its spans.
struct Hclog<W> {
    write: W,
}

impl<S, W> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        let spans = context.event_scope(event).into_iter();
        for span in spans.flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.0.extend(outer.0.clone());
            }
        }
        event.record(&mut fields);
        let level = *event.metadata().level();
        #[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "log lines have a time"))]
        let now = Timestamp::now();
        (self.write)(&line(level, now, fields));
    }
}

/// The fields of a span or an event.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_str(field, &chain(value));
    }

    /// Bytes may be a secret: only their number is logged.
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.insert(field, format!("{} bytes", value.len()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }
}

/// The line, below the limit of hosts.
fn line(level: Level, time: Timestamp, Fields(mut record): Fields) -> Vec<u8> {
    let message = match record.remove("message") {
        Some(Value::String(text)) => text,
        other => other.map(|value| value.to_string()).unwrap_or_default(),
    };
    record.insert("@message".to_owned(), message.into());
    record.insert("@level".to_owned(), level.as_str().to_ascii_lowercase().into());
    record.insert("@module".to_owned(), "provider".into());
    // Exactly six digits: hosts do not parse any other number of them.
    record.insert("@timestamp".to_owned(), format!("{time:.6}").into());
    for limit in [VALUE_LIMIT, 1024, 128] {
        for value in record.values_mut() {
            if let Value::String(text) = value {
                truncate(text, limit);
            }
        }
        let line = serialized(&record);
        if line.len() < LINE_LIMIT {
            return line;
        }
    }
    // Thousands of fields.
    record.retain(|name, _| name.starts_with('@'));
    serialized(&record)
}

fn serialized(record: &Map<String, Value>) -> Vec<u8> {
    // A map of text and values is always valid JSON.
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Shortens a text to about `limit` bytes and appends its length.
fn truncate(text: &mut String, limit: usize) {
    if text.len() > limit {
        let mark = format!("… ({} bytes)", text.len());
        let kept =
            (0..=limit.saturating_sub(mark.len())).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(kept.unwrap_or_default());
        text.push_str(&mark);
    }
}

/// The size of a host's buffer.
const LINE_LIMIT: usize = 64 * 1024;
/// Six times as much if every character is escaped.
const VALUE_LIMIT: usize = 8 * 1024;

#[cfg(test)]
mod tests;
