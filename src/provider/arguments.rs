//! Arguments that several resources and data sources share, read once into the client's types.

use tf_provider::{Diagnostic, Diagnostics, Path, Value};

use crate::atlas::{ProjectId, Username};

/// Parses `project_id`; `None` while it is unknown.
pub(crate) fn project_id(config: &Value) -> Result<Option<ProjectId>, Diagnostic> {
    parse_text(config, "project_id", "Invalid project id", ProjectId::parse)
}

/// Parses `username`; `None` while it is unknown.
pub(crate) fn username(config: &Value) -> Result<Option<Username>, Diagnostic> {
    parse_text(config, "username", "Invalid username", Username::parse)
}

/// The text of an argument without surrounding white space, or `None` if it is omitted, unknown or blank: a blank text, from a variable's default,
/// counts as omitted.
pub(super) fn non_empty<'a>(block: &'a Value, name: &str) -> Option<&'a str> {
    block.get(name).as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Collects the problems of several arguments.
#[derive(Default)]
pub(super) struct Problems(Diagnostics);

impl Problems {
    /// The value, or `None` after adding its problems.
    pub(super) fn take<T>(&mut self, result: Result<T, impl Into<Diagnostics>>) -> Option<T> {
        result.map_err(|found| self.0.extend(found.into())).ok()
    }

    /// The value that is made of all taken values, or their problems.
    pub(super) fn finish<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, Diagnostics> {
        make().ok_or(self.0)
    }
}

/// An argument that must be known to read from Atlas.
pub(super) fn required<T>(argument: Option<T>, name: &'static str) -> Result<T, Diagnostic> {
    argument.ok_or_else(|| {
        let detail = format!("{name} must be known before certificates can be read.");
        Diagnostic::error("Incomplete arguments", detail).at(Path::attribute(name))
    })
}

/// Turns the message of an error into a sentence.
pub(crate) fn to_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
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
        Diagnostic::error(summary, to_sentence(&error.to_string())).at(Path::attribute(name))
    })
}
