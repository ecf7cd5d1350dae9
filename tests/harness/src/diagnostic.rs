//! Diagnostics, and the paths in them.

use std::{fmt, ops::Deref};

use serde_json::Value as Json;

use crate::{
    error::Error,
    pb::tfplugin5::{self as pb, attribute_path::step::Selector, diagnostic::Severity},
    value::{Type, attribute_path, is_unknown},
};

/// A warning or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it is an error and not a warning.
    pub is_error: bool,
    pub summary: String,
    pub detail: String,
    /// The attribute it is about, as in a configuration: `timeouts.create`. Empty if it is about none.
    pub path: String,
}

/// The diagnostics of one response, or of several in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostic {
    /// Whether the text occurs in summary or detail.
    pub fn contains(&self, text: &str) -> bool {
        self.summary.contains(text) || self.detail.contains(text)
    }

    /// Reads a diagnostic. `Err` is the reason for which core could not show it.
    fn read(given: &pb::Diagnostic, ty: &Type) -> Result<Self, String> {
        if given.severity() == Severity::Invalid || given.summary.is_empty() {
            return Err("no severity or no summary".to_owned());
        }
        let path = given.attribute.as_ref().filter(|path| !path.steps.is_empty());
        if let Some(path) = path.filter(|path| !leads_into(path, ty)) {
            return Err(format!("path {path:?} leads nowhere in the schema"));
        }
        Ok(Self {
            is_error: given.severity() == Severity::Error,
            summary: given.summary.clone(),
            detail: given.detail.clone(),
            path: path.map_or(Ok(String::new()), path_text)?,
        })
    }
}

impl Diagnostics {
    /// Reads the diagnostics of a response. Paths must lead into the type. `Err` is the first that core could not show.
    pub fn read(given: &[pb::Diagnostic], ty: &Type) -> Result<Self, String> {
        let read = |it| Diagnostic::read(it, ty).map_err(|problem| format!("{problem}: {it:?}"));
        given.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// An error that core itself shows.
    pub(crate) fn by_core(summary: &str) -> Self {
        let (detail, path) = (String::new(), String::new());
        Self(vec![Diagnostic { is_error: true, summary: summary.to_owned(), detail, path }])
    }

    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.iter().filter(|it| it.is_error)
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.iter().filter(|it| !it.is_error)
    }

    /// The first with this text in summary or detail.
    pub fn find(&self, text: &str) -> Option<&Diagnostic> {
        self.iter().find(|it| it.contains(text))
    }

    /// The first at this path.
    pub fn at(&self, path: &str) -> Option<&Diagnostic> {
        self.iter().find(|it| it.path == path)
    }

    /// Itself, if there is no error in it.
    pub fn ok(self) -> Result<Self, Error> {
        if self.has_errors() { Err(Error::refused(&self)) } else { Ok(self) }
    }

    /// Adds those of a later response.
    pub(crate) fn append(&mut self, later: Diagnostics) {
        self.0.extend(later.0);
    }
}

impl Deref for Diagnostics {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in self.iter() {
            let severity = if it.is_error { "Error" } else { "Warning" };
            write!(f, "\n{severity}: {} (at {:?})\n  {}", it.summary, it.path, it.detail)?;
        }
        Ok(())
    }
}

/// A path as it is written in a configuration. `Err` is the reason for which core could not use it, or would crash on it.
pub(crate) fn path_text(path: &pb::AttributePath) -> Result<String, String> {
    let text =
        path.steps.iter().try_fold(String::new(), |path, step| match step.selector.as_ref()? {
            Selector::AttributeName(name) => Some(attribute_path(&path, name)),
            Selector::ElementKeyString(key) => Some(format!("{path}[{key:?}]")),
            Selector::ElementKeyInt(index) => (*index >= 0).then(|| format!("{path}[{index}]")),
        });
    text.filter(|text| !text.starts_with('[')).ok_or_else(|| format!("unusable path {path:?}"))
}

/// The value at this place; `None` if there is no such place.
pub(crate) fn find<'v>(path: &pb::AttributePath, value: &'v Json) -> Option<&'v Json> {
    path.steps.iter().try_fold(value, |value, step| match step.selector.as_ref()? {
        _ if is_unknown(value) => Some(value),
        Selector::AttributeName(name) | Selector::ElementKeyString(name) => value.get(name),
        Selector::ElementKeyInt(index) => value.get(usize::try_from(*index).ok()?),
    })
}

fn leads_into(path: &pb::AttributePath, ty: &Type) -> bool {
    let end = path.steps.iter().try_fold(ty, |ty, step| match (ty, step.selector.as_ref()?) {
        (Type::Object(attributes), Selector::AttributeName(name)) => attributes.get(name),
        (Type::Map(element), Selector::ElementKeyString(_))
        | (Type::List(element), Selector::ElementKeyInt(_)) => Some(element.as_ref()),
        _ => None,
    });
    end.is_some()
}
