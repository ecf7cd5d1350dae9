//! Arguments that several resources and data sources share, read once into the client's types.

use tf_provider::{Diagnostic, Path, Value};

use crate::atlas::{Months, ProjectId, Username};

/// The project's id; `None` while it is unknown.
pub(crate) fn project_id(config: &Value) -> Result<Option<ProjectId>, Diagnostic> {
    parse_text(config, "project_id", "Invalid project id", ProjectId::parse)
}

/// The database user's name; `None` while it is unknown.
pub(crate) fn username(config: &Value) -> Result<Option<Username>, Diagnostic> {
    parse_text(config, "username", "Invalid username", Username::parse)
}

/// The validity asked for; `None` while it is unknown or left out.
pub(crate) fn months(config: &Value) -> Result<Option<Months>, Diagnostic> {
    let invalid = |problem: String| {
        Diagnostic::error("Invalid months_until_expiration", problem)
            .at(Path::attribute("months_until_expiration"))
    };
    match config.get("months_until_expiration") {
        Value::Number(number) => {
            let whole = number.as_i64().ok_or_else(|| {
                invalid(format!(
                    "A whole number of months from 1 to 24 is needed, not {number}."
                ))
            })?;
            Months::parse(whole)
                .map(Some)
                .map_err(|error| invalid(sentence(&error.to_string())))
        }
        _ => Ok(None),
    }
}

/// A text of the client layer as a sentence for the user.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}

fn parse_text<T, E: std::fmt::Display>(
    config: &Value,
    name: &'static str,
    summary: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Diagnostic> {
    let Some(text) = config.get(name).as_str() else {
        return Ok(None);
    };
    parse(text).map(Some).map_err(|error| {
        Diagnostic::error(summary, sentence(&error.to_string())).at(Path::attribute(name))
    })
}
