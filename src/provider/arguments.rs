//! Arguments that several resources and data sources share, and the problems of arguments.

use std::fmt;

use tf_provider::{Attribute, Block, Diagnostic, Diagnostics, Schema, Value};

use super::attr::{Attr, Field};
use crate::atlas::{ProjectId, Username};
pub(crate) use crate::atlas::{UserId, is_certificate_id};

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database user \"{}\" of project {}", self.username, self.project)
    }
}

/// The schema of a block that has attributes only.
pub(super) fn schema(attributes: Vec<Attribute>, description: &str) -> Schema {
    Schema::new(Block { attributes, blocks: Vec::new(), description: description.to_owned() })
}

/// Reads an argument that is needed for a request to Atlas: an unknown value is an error, too.
pub(super) fn required<T: Field>(config: &Value, name: &str) -> Result<T, Diagnostic> {
    Attr::read(config, name)?.into_known().ok_or_else(|| {
        let detail = format!("{name} must be known before certificates can be read.");
        Diagnostic::error("Incomplete arguments", detail).at(name)
    })
}

pub(super) fn validate_user(config: &Value) -> impl Iterator<Item = Diagnostic> {
    let project = Attr::<ProjectId>::read(config, "project_id").err();
    project.into_iter().chain(Attr::<Username>::read(config, "username").err())
}

/// The text of an argument without surrounding white space; `None` if it is omitted, unknown or blank.
pub(super) fn non_empty<'a>(block: &'a Value, name: &str) -> Option<&'a str> {
    block.get(name).as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The error for an invalid argument of the provider block.
pub(super) fn invalid_argument(name: &str, problem: String) -> Diagnostic {
    Diagnostic::error(format!("Invalid {name}"), problem).at(name)
}

/// Collects the problems of several arguments.
#[derive(Default)]
pub(super) struct Problems(pub(super) Diagnostics);

impl Problems {
    /// The value, or `None` after adding its problems.
    pub(super) fn take<T>(&mut self, result: Result<T, impl Into<Diagnostics>>) -> Option<T> {
        result.map_err(|found| self.0.extend(found.into())).ok()
    }

    /// The value that is made of the taken values, unless there are problems.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Diagnostics> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

/// Turns the message of an error into a sentence.
pub(crate) fn to_sentence(message: impl fmt::Display) -> String {
    let text = message.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
