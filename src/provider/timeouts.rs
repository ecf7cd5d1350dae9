//! The `timeouts` block: how long an operation may take, waits included.

use std::time::Duration;

use tf_provider::{
    Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Nesting, Path, Type, Value,
};

/// The operations that take a timeout, with what applies when none is given.
const OPERATIONS: [(&str, Duration, &str); 3] = [
    (
        "create",
        Duration::from_secs(600),
        "issuing the first certificate",
    ),
    (
        "read",
        Duration::from_secs(300),
        "looking the certificate up at every refresh",
    ),
    (
        "update",
        Duration::from_secs(600),
        "issuing the next certificate in place",
    ),
];

/// The block's schema.
pub(crate) fn block() -> NestedBlock {
    let attributes = OPERATIONS
        .iter()
        .map(|(name, default, what)| {
            let text = format!(
                "Time allowed for {what}, including every wait for Atlas' rate limit. A duration such as `90s`, `5m` or `1h30m`. \
                 Defaults to `{}m`.",
                default.as_secs() / 60
            );
            Attribute::new(*name, Type::String, text).optional()
        })
        .collect();
    let description = "How long operations may take. Changes need no call to Atlas.".to_owned();
    NestedBlock::new(
        "timeouts",
        Nesting::Single,
        Block {
            attributes,
            description,
            ..Block::default()
        },
    )
}

/// Checks every duration that is known.
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

/// The time allowed for an operation on this object.
pub(crate) fn timeout(object: &Value, operation: &str) -> Duration {
    let given = object
        .get("timeouts")
        .get(operation)
        .as_str()
        .and_then(parse);
    let default = OPERATIONS
        .iter()
        .find(|(name, ..)| *name == operation)
        .map(|(_, default, _)| *default);
    given.or(default).unwrap_or(Duration::from_secs(300))
}

/// Go's duration text without a sign: numbers, each with a unit. At most a hundred years, which is "no limit" here.
fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty() && seconds.is_finite()).then(|| Duration::from_secs_f64(seconds.min(3.2e9)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_writes_them() {
        for (text, seconds) in [
            ("90s", Some(90.0)),
            ("5m", Some(300.0)),
            ("1h30m", Some(5400.0)),
            ("1.5h", Some(5400.0)),
            (".5s", Some(0.5)),
            ("300ms", Some(0.3)),
            ("0", Some(0.0)),
            ("9999999999999h", Some(3.2e9)),
            ("", None),
            ("5", None),
            ("m", None),
            ("-5m", None),
            ("5 m", None),
            ("5d", None),
            ("1..5s", None),
            (".s", None),
        ] {
            assert_eq!(
                parse(text),
                seconds.map(Duration::from_secs_f64),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_bad_timeout_is_an_error_at_its_place() {
        let timeouts = Value::object([
            ("create", "soon".into()),
            ("update", "0s".into()),
            ("read", Value::Unknown),
        ]);
        let found = validate(&Value::object([("timeouts", timeouts)]));
        let places: Vec<_> = found
            .iter()
            .filter_map(|d| d.path.as_ref())
            .map(ToString::to_string)
            .collect();
        assert_eq!(places, ["timeouts.create", "timeouts.update"]);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let object = Value::object([("timeouts", Value::object([("create", "90s".into())]))]);
        assert_eq!(timeout(&object, "create"), Duration::from_secs(90));
        assert_eq!(timeout(&object, "update"), Duration::from_secs(600));
        assert_eq!(timeout(&Value::Null, "read"), Duration::from_secs(300));
    }
}
