//! The `timeouts` block: the time limits of operations, including waits.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;
use tf_provider::{Attribute, Diagnostic, NestedBlock, Path, Type};

use super::arguments::schema;

/// Operations with a timeout: name, default, and what they do.
const OPERATIONS: [(&str, Duration, &str); 3] = [
    ("create", Duration::from_secs(600), "issuing the first certificate"),
    ("read", READ, "reading the certificate at every refresh"),
    ("update", Duration::from_secs(600), "issuing a new certificate in place"),
];

pub(crate) const READ: Duration = Duration::from_secs(300);

pub(crate) fn block() -> NestedBlock {
    let attributes = OPERATIONS.map(|(name, default, what)| {
        let minutes = default.as_secs() / 60;
        let text = format!(
            "Time limit for {what}, including waits for the rate limit of Atlas. A duration such as `90s`, `5m` or `1h30m`. \
             Defaults to `{minutes}m`."
        );
        Attribute::new(name, Type::String, text).optional()
    });
    let description = "Time limits of operations. Changing them does not call Atlas.";
    NestedBlock { name: "timeouts", block: schema(attributes.into(), description).block }
}

pub(crate) fn check(operation: &str, duration: &str) -> Option<Diagnostic> {
    let problem = match parse(duration) {
        Some(duration) if !duration.is_zero() => return None,
        Some(_) => "A timeout must be longer than 0s.".to_owned(),
        None => format!(
            "{duration:?} is not a duration. Write a number and a unit (h, m, s or ms), such as \"90s\" or \"1h30m\"."
        ),
    };
    let path = Path::from("timeouts").at_name(operation);
    Some(Diagnostic::error("Invalid timeout", problem).at(path))
}

/// The time limit of an operation: as configured, or its default.
pub(crate) fn timeout(operation: &str, configured: Option<&str>) -> Duration {
    let mut defaults = OPERATIONS.iter().filter(|(name, ..)| *name == operation);
    let default = || defaults.next().map(|(_, default, _)| *default);
    configured.and_then(parse).or_else(default).unwrap_or_default()
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
        for (operation, duration) in [("create", "soon"), ("update", "0s")] {
            let problem = check(operation, duration).unwrap();
            assert_eq!(problem.summary, "Invalid timeout");
            assert_eq!(problem.path.unwrap().to_string(), format!("timeouts.{operation}"));
        }
        assert_eq!(check("read", "1h"), None);
    }

    #[test]
    fn an_omitted_timeout_has_its_default() {
        assert_eq!(timeout("create", Some("90s")), Duration::from_secs(90));
        assert_eq!(timeout("update", None), Duration::from_secs(600));
        assert_eq!(timeout("read", None), Duration::from_secs(300));
    }
}
