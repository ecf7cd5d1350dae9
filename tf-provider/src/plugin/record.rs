//! One record of the log: a line of JSON as hclog writes it.
//!
//! A host that finds a number where it expects `@message`, `@level` or `@timestamp` crashes, and it cuts lines of 64 KiB
//! into pieces. Neither may depend on what is logged.

use std::error::Error;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use tracing::Level;
use tracing::field::{Field, Visit};

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

/// RFC 3339 in UTC with six digits after the point: with any other number of them a host does not read the line.
fn timestamp(time: SystemTime) -> String {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = elapsed.as_secs();
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    let micros = elapsed.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// The Gregorian date so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    // Count from 1 March 1600: leap days then fall on the ends of years, of centuries and of their cycle.
    days += DAYS_FROM_MARCH_1600;
    let (cycles, rest) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let centuries = (rest / DAYS_IN_CENTURY).min(3);
    let rest = rest - centuries * DAYS_IN_CENTURY;
    let leaps = rest / DAYS_IN_4_YEARS;
    let rest = rest - leaps * DAYS_IN_4_YEARS;
    let years = (rest / 365).min(3);
    let mut day = rest - years * 365;
    let mut month = 3;
    for length in MONTHS_FROM_MARCH {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let year = 1600 + cycles * 400 + centuries * 100 + leaps * 4 + years;
    if month > 12 {
        (year + 1, month - 12, day + 1)
    } else {
        (year, month, day + 1)
    }
}

/// Shortens a text to about `limit` bytes and says so.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let length = text.len();
        text.truncate(text.floor_char_boundary(limit.saturating_sub(MARK)));
        text.push_str(&format!("… ({length} bytes)"));
    }
}

const MODULE: &str = "provider";
/// A host's buffer holds 64 KiB.
const LINE_LIMIT: usize = 64 * 1024;
/// Six times as much when every character needs an escape.
const VALUE_LIMIT: usize = 8 * 1024;
/// Room for the mark that a cut leaves.
const MARK: usize = 40;
const DAY: u64 = 24 * 60 * 60;
const DAYS_FROM_MARCH_1600: u64 = 135_080;
const DAYS_IN_400_YEARS: u64 = 146_097;
const DAYS_IN_CENTURY: u64 = 36_524;
const DAYS_IN_4_YEARS: u64 = 1_461;
/// February, last, is as long as it needs to be.
const MONTHS_FROM_MARCH: [u64; 11] = [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

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
    fn writes_the_time_with_exactly_six_digits() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_000_001, "2000-02-28T23:59:59.000001Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (1_735_689_599_999_999, "2024-12-31T23:59:59.999999Z"),
            (1_735_689_600_100_000, "2025-01-01T00:00:00.100000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (13_574_563_200_000_000, "2400-02-29T00:00:00.000000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            assert_eq!(timestamp(time), expected);
        }
    }

    #[test]
    fn counts_the_days_of_every_month_for_eight_centuries() {
        let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut days = 0;
        for year in 1970..2770 {
            for month in 1..=12 {
                let length = match month {
                    2 => 28 + u64::from(leap(year)),
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    assert_eq!(date(days), (year, month, day));
                    days += 1;
                }
            }
        }
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
