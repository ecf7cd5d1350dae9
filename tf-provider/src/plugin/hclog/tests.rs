use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::{debug, error, info, info_span};

use super::*;

/// The lines of the events in `act`.
fn lines(level: LevelFilter, act: impl FnOnce()) -> Vec<Value> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let write = {
        let written = Arc::clone(&written);
        move |line: &[u8]| written.lock().unwrap().push(line.to_vec())
    };
    tracing::subscriber::with_default(subscriber(level, &["acme_cloud"], write), act);
    let written = written.lock().unwrap();
    written
        .iter()
        .map(|line| {
            assert!(line.ends_with(b"\n"));
            serde_json::from_slice(line).unwrap()
        })
        .collect()
}

#[test]
fn levels_are_those_of_hosts() {
    for (text, expected) in [
        (None, LevelFilter::OFF),
        (Some("off"), LevelFilter::OFF),
        (Some("error"), LevelFilter::ERROR),
        (Some("Warn"), LevelFilter::WARN),
        (Some("INFO"), LevelFilter::INFO),
        (Some("debug"), LevelFilter::DEBUG),
        (Some("TRACE"), LevelFilter::TRACE),
        (Some("JSON"), LevelFilter::TRACE),
        (Some("nonsense"), LevelFilter::TRACE),
    ] {
        assert_eq!(level(text), expected, "{text:?}");
    }
}

#[test]
fn line_has_the_fields_of_the_event_and_of_its_spans() {
    let written = lines(LevelFilter::INFO, || {
        let outer = info_span!("rpc", tf_rpc = "ReadResource", attempt = 1);
        outer.in_scope(|| {
            let inner = info_span!("call", inner = true);
            inner.in_scope(|| info!(attempt = 2, "asked {}", "Atlas"));
        });
    });
    assert_eq!(written.len(), 1);
    let line = &written[0];
    assert_eq!(line["@message"], "asked Atlas");
    assert_eq!(line["@level"], "info");
    assert_eq!(line["@module"], "provider");
    assert_eq!(line["@timestamp"].as_str().unwrap().len(), 27);
    assert_eq!(line["tf_rpc"], "ReadResource");
    assert_eq!(line["attempt"], json!(2));
    assert_eq!(line["inner"], json!(true));
}

#[test]
fn events_below_the_level_are_not_formatted() {
    let formatted = |level| {
        let mut evaluated = false;
        let written = lines(level, || {
            debug!(
                x = {
                    evaluated = true;
                    1
                },
                "detail"
            );
        });
        (evaluated, written.len())
    };
    assert_eq!(formatted(LevelFilter::INFO), (false, 0));
    assert_eq!(formatted(LevelFilter::DEBUG), (true, 1));
}

#[test]
fn other_crates_are_not_logged_at_any_level() {
    let written = lines(LevelFilter::TRACE, || {
        error!(target: "h2::codec", "bytes");
        error!(target: "acme_cloud", "ours");
        error!(target: "acme_cloud::transport", "ours");
        error!("ours");
    });
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|line| line["@message"] == "ours"));
}

fn fields(message: &str, values: &[(&str, Value)]) -> Fields {
    let message = [("message".to_owned(), message.into())];
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Fields(message.into_iter().chain(values).collect())
}

#[test]
fn line_has_the_format_of_hclog() {
    let time = Timestamp::from_microsecond(1_704_164_645_123_456).unwrap();
    let record = fields("hello", &[("attempt", 3.into()), ("key", "a\n\"b\"".into())]);
    assert_eq!(
        String::from_utf8(line(Level::WARN, time, record)).unwrap(),
        "{\"@level\":\"warn\",\"@message\":\"hello\",\"@module\":\"provider\",\
         \"@timestamp\":\"2024-01-02T03:04:05.123456Z\",\"attempt\":3,\"key\":\"a\\n\\\"b\\\"\"}\n"
    );
}

#[test]
fn line_is_shorter_than_the_buffer_of_a_host() {
    let long = "\u{1}€".repeat(100_000);
    let mut many = Fields::default();
    for number in 0..5_000 {
        many.0.insert(format!("field {number}"), "v".repeat(500).into());
    }
    for record in [
        fields(&long, &[("key", long.clone().into())]),
        fields("m", &[("a", long.clone().into()), ("b", long.clone().into())]),
        many,
    ] {
        let written = line(Level::INFO, Timestamp::now(), record);
        assert!(written.len() < LINE_LIMIT, "{}", written.len());
        let read: Value = serde_json::from_slice(&written).unwrap();
        assert!(read["@message"].is_string());
    }
}

#[test]
fn truncated_text_ends_with_its_length() {
    let mut text = "é".repeat(10_000);
    truncate(&mut text, VALUE_LIMIT);
    assert!(text.len() <= VALUE_LIMIT);
    assert!(text.ends_with("é… (20000 bytes)"), "{}", text.len());

    let mut short = "é".repeat(VALUE_LIMIT / 2);
    truncate(&mut short, VALUE_LIMIT);
    assert_eq!(short.len(), VALUE_LIMIT);
}

/// The line of one event.
fn recorded(emit: impl FnOnce()) -> Value {
    lines(LevelFilter::INFO, emit).remove(0)
}

#[test]
fn fields_cannot_replace_the_keys_of_the_line() {
    let read = recorded(|| {
        tracing::info!("@level" = 1, "@message" = 2.5, "@timestamp" = true, "real");
    });
    assert_eq!(read["@message"], "real");
    assert_eq!(read["@level"], "info");
    assert!(read["@timestamp"].is_string());
}

#[test]
fn message_is_a_string_for_any_type() {
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
fn every_kind_of_value_is_json() {
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
