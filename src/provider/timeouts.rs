//! The `timeouts` block: the time limits of operations, including waits.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;
use tf_provider::{Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Path, Type, Value};

/// Operations with a timeout: name, default, and what they do.
const OPERATIONS: [(&str, Duration, &str); 3] = [
    ("create", Duration::from_secs(600), "issuing the first certificate"),
    ("read", Duration::from_secs(300), "reading the certificate at every refresh"),
    ("update", Duration::from_secs(600), "issuing a new certificate in place"),
];

/// The block's schema.
pub(crate) fn block() -> NestedBlock {
    let attributes = OPERATIONS
        .iter()
        .map(|(name, default, what)| {
            let text = format!(
                "Time limit for {what}, including waits for the rate limit of Atlas. A duration such as `90s`, `5m` or `1h30m`. \
                 Defaults to `{}m`.",
                default.as_secs() / 60
            );
            Attribute::new(*name, Type::String, text).optional()
        })
        .collect();
    let description = "Time limits of operations. Changing them does not call Atlas.".to_owned();
    NestedBlock::new("timeouts", Block { attributes, description, ..Block::default() })
}

/// Checks the known durations.
pub(crate) fn validate(object: &Value) -> Diagnostics {
    let timeouts = object.get("timeouts");
    let checked = OPERATIONS.iter().filter_map(|(name, ..)| {
        let text = timeouts.get(name).as_str()?;
        let path = Path::attribute("timeouts").at_name(*name);
        match parse(text) {
            Some(duration) if !duration.is_zero() => None,
            Some(_) => Some(Diagnostic::error("Invalid timeout", "A timeout must be longer than 0s.").at(path)),
            None => Some(
                Diagnostic::error(
                    "Invalid timeout",
                    format!("{text:?} is not a duration. Write a number and a unit (h, m, s or ms), such as \"90s\" or \"1h30m\"."),
                )
                .at(path),
            ),
        }
    });
    checked.collect()
}

/// The time limit of an operation on this object.
pub(crate) fn timeout(object: &Value, operation: &str) -> Duration {
    let configured = object.get("timeouts").get(operation).as_str().and_then(parse);
    let default =
        OPERATIONS.iter().find(|(name, ..)| *name == operation).map(|(_, default, _)| *default);
    configured.or(default).unwrap_or(Duration::from_secs(300))
}

/// Parses a duration as Go writes it (and as jiff's friendly format allows), at most a hundred years.
fn parse(text: &str) -> Option<Duration> {
    let duration = SpanParser::new().parse_duration(text).ok()?;
    Some(Duration::try_from(duration).ok()?.min(LONGEST))
}

/// Far from the limits of clocks.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_parsed() {
        for (text, seconds) in [
            ("90s", Some(90.0)),
            ("5m", Some(300.0)),
            ("1h30m", Some(5400.0)),
            ("1.5h", Some(5400.0)),
            ("300ms", Some(0.3)),
            ("1m0.5s", Some(60.5)),
            ("2000000h", Some(LONGEST.as_secs_f64())),
            ("", None),
            ("5", None),
            ("m", None),
            ("-5m", None),
            ("5d", None),
            ("1..5s", None),
        ] {
            assert_eq!(parse(text), seconds.map(Duration::from_secs_f64), "{text:?}");
        }
    }

    #[test]
    fn an_invalid_timeout_is_an_error_at_its_attribute() {
        let timeouts = Value::object([
            ("create", "soon".into()),
            ("update", "0s".into()),
            ("read", Value::Unknown),
        ]);
        let found = validate(&Value::object([("timeouts", timeouts)]));
        assert!(found.iter().all(|problem| problem.summary == "Invalid timeout"));
        let places: Vec<_> =
            found.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect();
        assert_eq!(places, ["timeouts.create", "timeouts.update"]);
    }

    #[test]
    fn an_omitted_timeout_has_its_default() {
        let object = Value::object([("timeouts", Value::object([("create", "90s".into())]))]);
        assert_eq!(timeout(&object, "create"), Duration::from_secs(90));
        assert_eq!(timeout(&object, "update"), Duration::from_secs(600));
        assert_eq!(timeout(&Value::Null, "read"), Duration::from_secs(300));
    }
}
