//! One record of the log: a line of JSON as hclog writes it.
//!
//! A host that finds a number where it expects `@message`, `@level` or `@timestamp` crashes, and it cuts lines of 64 KiB
//! into pieces. Neither may depend on what is logged.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tracing::Level;
use tracing::field::{Field, Visit};

use super::timestamp::timestamp;

/// The values of a span or an event, each of bounded length, none under a name that the line itself needs.
#[derive(Debug, Default)]
pub(super) struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    /// Takes over what an outer span knows.
    pub(super) fn extend(&mut self, outer: &Self) {
        for (name, value) in &outer.values {
            self.values.insert(name.clone(), value.clone());
        }
    }

    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        let name = match field.name().strip_prefix('@') {
            Some(rest) => format!("_{rest}"),
            None => field.name().to_owned(),
        };
        self.values.insert(name, value.into());
    }

    fn shorten(&mut self, limit: usize) {
        cut(&mut self.message, limit);
        for value in self.values.values_mut() {
            if let Value::String(text) = value {
                cut(text, limit);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = value.to_owned();
        cut(&mut text, VALUE_LIMIT);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.insert(field, text);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.record_str(field, &text);
    }

    /// Bytes may be anything, so they are only counted.
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.insert(field, format!("{} bytes", value.len()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.insert(field, number),
            None => self.insert(field, value.to_string()),
        }
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

/// Writes a record as one line, shorter than what a host reads in one piece.
pub(super) fn line(level: Level, time: SystemTime, mut fields: Fields) -> Vec<u8> {
    for limit in [VALUE_LIMIT, 1024, 128] {
        fields.shorten(limit);
        let line = encode(level, time, &fields);
        if line.len() < LINE_LIMIT {
            return line;
        }
    }
    // Thousands of fields: none of them was meant for reading.
    fields.values.clear();
    encode(level, time, &fields)
}

fn encode(level: Level, time: SystemTime, fields: &Fields) -> Vec<u8> {
    let mut record = fields.values.clone();
    for (name, text) in [
        ("@level", level.as_str().to_ascii_lowercase()),
        ("@message", fields.message.clone()),
        ("@module", MODULE.to_owned()),
        ("@timestamp", timestamp(time)),
    ] {
        record.insert(name.to_owned(), Value::String(text));
    }
    let mut line = Value::Object(record).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Shortens a text to about `limit` bytes and says so.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let mark = format!("… ({} bytes)", text.len());
        let kept = (0..=limit.saturating_sub(mark.len()))
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(kept.unwrap_or_default());
        text.push_str(&mark);
    }
}

const MODULE: &str = "provider";
/// A host's buffer holds 64 KiB.
const LINE_LIMIT: usize = 64 * 1024;
/// Six times as much when every character needs an escape.
const VALUE_LIMIT: usize = 8 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn fields(message: &str, values: &[(&str, Value)]) -> Fields {
        Fields {
            message: message.to_owned(),
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        }
    }

    #[test]
    fn is_the_line_that_a_host_reads() {
        let time = UNIX_EPOCH + Duration::from_micros(1_704_164_645_123_456);
        let record = fields(
            "hello",
            &[("attempt", 3.into()), ("key", "a\n\"b\"".into())],
        );
        assert_eq!(
            String::from_utf8(line(Level::WARN, time, record)).unwrap(),
            "{\"@level\":\"warn\",\"@message\":\"hello\",\"@module\":\"provider\",\
             \"@timestamp\":\"2024-01-02T03:04:05.123456Z\",\"attempt\":3,\"key\":\"a\\n\\\"b\\\"\"}\n"
        );
    }

    #[test]
    fn stays_below_what_a_host_reads_at_once() {
        let long = "\u{1}€".repeat(100_000);
        let mut many = Fields::default();
        for number in 0..5_000 {
            many.values
                .insert(format!("field {number}"), "v".repeat(500).into());
        }
        for record in [
            fields(&long, &[("key", long.clone().into())]),
            fields(
                "m",
                &[("a", long.clone().into()), ("b", long.clone().into())],
            ),
            many,
        ] {
            let written = line(Level::INFO, SystemTime::now(), record);
            assert!(written.len() < LINE_LIMIT, "{}", written.len());
            let read: Value = serde_json::from_slice(&written).unwrap();
            assert!(read["@message"].is_string());
        }
    }

    #[test]
    fn says_how_long_a_text_was_that_it_cut() {
        let mut text = "é".repeat(10_000);
        cut(&mut text, VALUE_LIMIT);
        assert!(text.len() <= VALUE_LIMIT);
        assert!(text.ends_with("é… (20000 bytes)"), "{}", text.len());

        let mut short = "é".repeat(VALUE_LIMIT / 2);
        cut(&mut short, VALUE_LIMIT);
        assert_eq!(short.len(), VALUE_LIMIT);
    }

    /// Records a real event's fields and gives the line.
    fn recorded(emit: impl FnOnce()) -> Value {
        use std::sync::{Arc, Mutex};
        use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

        struct Capture(Arc<Mutex<Vec<u8>>>);
        impl<S: tracing::Subscriber> Layer<S> for Capture {
            fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
                let mut fields = Fields::default();
                event.record(&mut fields);
                *self.0.lock().unwrap() = line(Level::INFO, SystemTime::now(), fields);
            }
        }
        let written = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Capture(Arc::clone(&written)));
        tracing::subscriber::with_default(subscriber, emit);
        let written = written.lock().unwrap();
        serde_json::from_slice(&written).unwrap()
    }

    #[test]
    fn keeps_the_names_of_the_line_itself_out_of_reach() {
        let read = recorded(|| {
            tracing::info!(
                "@level" = 1,
                "@message" = 2.5,
                "@timestamp" = true,
                "@@x" = "y",
                "real"
            );
        });
        assert_eq!(read["@message"], "real");
        assert_eq!(read["@level"], "info");
        assert!(read["@timestamp"].is_string());
        assert_eq!(read["_level"], 1);
        assert_eq!(read["_@x"], "y");
    }

    #[test]
    fn has_text_for_a_message_whatever_the_event_called_so() {
        for read in [
            recorded(|| tracing::info!(message = 5)),
            recorded(|| tracing::info!(message = true)),
            recorded(|| tracing::info!(message = 0.5)),
            recorded(|| tracing::info!(other = 1)),
        ] {
            assert!(read["@message"].is_string(), "{read}");
        }
    }

    #[test]
    fn writes_every_kind_of_value_as_json() {
        let cause = std::io::Error::other("no route");
        let read = recorded(|| {
            tracing::info!(
                nan = f64::NAN,
                wide = u128::MAX,
                bytes = b"secret".as_slice(),
                error = &cause as &(dyn Error + 'static),
                shown = %"text",
                listed = ?[1, 2],
                "values"
            );
        });
        assert_eq!(read["nan"], "NaN");
        assert_eq!(read["wide"], u128::MAX.to_string());
        assert_eq!(read["bytes"], "6 bytes");
        assert_eq!(read["error"], "no route");
        assert_eq!(read["shown"], "text");
        assert_eq!(read["listed"], "[1, 2]");
    }
}
