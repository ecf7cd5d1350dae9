//! Diagnostics, and the paths in them.

use std::{fmt, ops::Deref};

use serde_json::Value as Json;
use thiserror::Error;

use crate::{
    checks::Violation,
    pb::tfplugin5::{self as pb, attribute_path::step::Selector},
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

/// Error diagnostics where none were expected.
#[derive(Debug, Error)]
#[error("refused:{0}")]
pub struct Refused(pub Diagnostics);

impl Diagnostic {
    /// An error that core itself would show.
    pub(crate) fn by_core(summary: &str, detail: impl Into<String>) -> Self {
        Self {
            is_error: true,
            summary: summary.to_owned(),
            detail: detail.into(),
            path: String::new(),
        }
    }

    /// Whether the text occurs in summary or detail.
    pub fn contains(&self, text: &str) -> bool {
        self.summary.contains(text) || self.detail.contains(text)
    }
}

impl Diagnostics {
    /// Reads the diagnostics of a response. Paths must lead into the type, if there is one.
    pub fn read(
        rpc: &'static str,
        subject: &str,
        given: &[pb::Diagnostic],
        ty: Option<&Type>,
    ) -> Result<Self, Violation> {
        let read = |given: &pb::Diagnostic| {
            let problem = |message: String| {
                let message = format!("{message} (summary {:?})", given.summary);
                Violation::new(rpc, subject, "Malformed diagnostic", message)
            };
            if given.severity() == pb::diagnostic::Severity::Invalid {
                return Err(problem("no severity".into()));
            }
            if given.summary.is_empty() {
                return Err(problem(format!("empty summary, detail {:?}", given.detail)));
            }
            let path = match &given.attribute {
                Some(path) if !path.steps.is_empty() => Path::read(path).map_err(problem)?,
                _ => Path::default(),
            };
            if ty.is_some_and(|ty| !path.leads_into(ty)) {
                return Err(problem(format!("path {path} leads nowhere in the schema")));
            }
            Ok(Diagnostic {
                is_error: given.severity() == pb::diagnostic::Severity::Error,
                summary: given.summary.clone(),
                detail: given.detail.clone(),
                path: path.to_string(),
            })
        };
        given.iter().map(read).collect::<Result<_, _>>().map(Self)
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
    pub fn ok(self) -> Result<Self, Refused> {
        if self.has_errors() { Err(Refused(self)) } else { Ok(self) }
    }

    /// Adds those of a later response.
    pub fn append(&mut self, later: Diagnostics) {
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

/// The path of an attribute, checked for what core cannot use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Attribute(String),
    Key(String),
    Index(usize),
}

impl Path {
    /// Reads a path. `Err` is the reason for which core could not use it, or would crash on it.
    pub(crate) fn read(given: &pb::AttributePath) -> Result<Self, String> {
        let step = |step: &pb::attribute_path::Step| match &step.selector {
            Some(Selector::AttributeName(name)) => Ok(Step::Attribute(name.clone())),
            Some(Selector::ElementKeyString(key)) => Ok(Step::Key(key.clone())),
            Some(Selector::ElementKeyInt(index)) => usize::try_from(*index)
                .map(Step::Index)
                .map_err(|_| format!("negative index {index} crashes core")),
            None => Err("step without selector".to_owned()),
        };
        let steps = given.steps.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        match steps.first() {
            Some(Step::Attribute(_)) => Ok(Self(steps)),
            _ => Err("path that does not begin with an attribute".to_owned()),
        }
    }

    /// The name of the top-level attribute.
    pub(crate) fn root(&self) -> Option<&str> {
        match self.0.first() {
            Some(Step::Attribute(name)) => Some(name),
            _ => None,
        }
    }

    /// The value at this place; `None` if there is no such place.
    pub(crate) fn find<'v>(&self, value: &'v Json) -> Option<&'v Json> {
        self.0.iter().try_fold(value, |value, step| match step {
            _ if is_unknown(value) => Some(value),
            Step::Attribute(name) | Step::Key(name) => value.get(name),
            Step::Index(index) => value.get(*index),
        })
    }

    fn leads_into(&self, ty: &Type) -> bool {
        let end = self.0.iter().try_fold(ty, |ty, step| match (ty, step) {
            (Type::Unsupported(_), _) => Some(ty),
            (Type::Object(attributes), Step::Attribute(name)) => attributes.get(name),
            (Type::Map(element), Step::Key(_)) | (Type::List(element), Step::Index(_)) => {
                Some(element.as_ref())
            }
            _ => None,
        });
        end.is_some()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.iter().fold(String::new(), |path, step| match step {
            Step::Attribute(name) => attribute_path(&path, name),
            Step::Key(key) => format!("{path}[{key:?}]"),
            Step::Index(index) => format!("{path}[{index}]"),
        });
        f.write_str(&path)
    }
}
