//! Warnings and errors as users would read them.

use std::fmt;
use std::ops::Deref;

use crate::path::{Path, Step};
use crate::pb::tfplugin5 as pb;
use crate::ty::Type;
use crate::violation::Violation;

/// A warning or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The title.
    pub summary: String,
    /// The explanation.
    pub detail: String,
    /// The attribute to blame, if one is.
    pub path: Option<Path>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// Worth telling.
    Warning,
}

/// The diagnostics of one answer, or of several in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// Error diagnostics where none were expected.
#[derive(Debug, thiserror::Error)]
#[error("refused:{0}")]
pub struct Refused(pub Diagnostics);

impl Diagnostic {
    /// An error that core itself would show.
    pub fn by_core(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            path: None,
        }
    }

    /// The path as text, empty where there is none.
    pub fn path_text(&self) -> String {
        self.path.as_ref().map(Path::to_string).unwrap_or_default()
    }

    /// Whether the text occurs in summary or detail.
    pub fn says(&self, text: &str) -> bool {
        self.summary.contains(text) || self.detail.contains(text)
    }
}

impl Diagnostics {
    /// Reads an answer's diagnostics; `ty` is the type that paths lead into, if any.
    pub fn read(
        rpc: &'static str,
        subject: &str,
        given: &[pb::Diagnostic],
        ty: Option<&Type>,
    ) -> Result<Self, Violation> {
        given
            .iter()
            .map(|given| read(rpc, subject, given, ty))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// The errors.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Warning)
    }

    /// The first whose summary or detail has this text.
    pub fn find(&self, text: &str) -> Option<&Diagnostic> {
        self.0.iter().find(|diagnostic| diagnostic.says(text))
    }

    /// The first at this path.
    pub fn at(&self, path: &str) -> Option<&Diagnostic> {
        self.0
            .iter()
            .find(|diagnostic| diagnostic.path_text() == path)
    }

    /// Itself, if there is no error in it.
    pub fn ok(self) -> Result<Self, Refused> {
        if self.has_errors() {
            Err(Refused(self))
        } else {
            Ok(self)
        }
    }

    /// Adds those of a later answer.
    pub fn append(&mut self, later: &Diagnostics) {
        self.0.extend(later.0.iter().cloned());
    }
}

impl Deref for Diagnostics {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.severity, self.summary)?;
        if let Some(path) = &self.path {
            write!(f, " (at {path})")?;
        }
        if !self.detail.is_empty() {
            write!(f, "\n  {}", self.detail.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|diagnostic| write!(f, "\n{diagnostic}"))
    }
}

/// Reads a path off the wire. `Err` says why core could not use it, or would crash on it.
pub fn read_path(given: &pb::AttributePath) -> Result<Path, String> {
    use pb::attribute_path::step::Selector;
    let steps = given
        .steps
        .iter()
        .map(|step| match &step.selector {
            Some(Selector::AttributeName(name)) => Ok(Step::Attribute(name.clone())),
            Some(Selector::ElementKeyString(key)) => Ok(Step::Key(key.clone())),
            Some(Selector::ElementKeyInt(index)) if *index < 0 => {
                Err(format!("negative index {index} crashes core"))
            }
            Some(Selector::ElementKeyInt(index)) => Ok(Step::Index(*index)),
            None => Err("step without selector".to_owned()),
        })
        .collect::<Result<Vec<_>, _>>()?;
    match steps.first() {
        Some(Step::Attribute(_)) => Ok(Path(steps)),
        Some(_) => Err(format!("{} does not begin with an attribute", Path(steps))),
        None => Err("path without steps".to_owned()),
    }
}

fn read(
    rpc: &'static str,
    subject: &str,
    given: &pb::Diagnostic,
    ty: Option<&Type>,
) -> Result<Diagnostic, Violation> {
    let bad = |message: String| {
        let message = format!("{message} (summary {:?})", given.summary);
        Violation::new(rpc, subject, "Malformed diagnostic", message)
    };
    let severity = match given.severity() {
        pb::diagnostic::Severity::Error => Severity::Error,
        pb::diagnostic::Severity::Warning => Severity::Warning,
        pb::diagnostic::Severity::Invalid => return Err(bad("no severity".into())),
    };
    if given.summary.is_empty() {
        return Err(bad(format!("empty summary, detail {:?}", given.detail)));
    }
    let path = match &given.attribute {
        Some(path) if !path.steps.is_empty() => Some(read_path(path).map_err(bad)?),
        _ => None,
    };
    if let (Some(path), Some(ty)) = (&path, ty)
        && path.find_type(ty).is_none()
    {
        return Err(bad(format!("path {path} leads nowhere in the schema")));
    }
    let (summary, detail) = (given.summary.clone(), given.detail.clone());
    Ok(Diagnostic {
        severity,
        summary,
        detail,
        path,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::pb::tfplugin5::attribute_path::{Step as PbStep, step::Selector};

    fn path(selectors: Vec<Selector>) -> pb::AttributePath {
        let step = |selector| PbStep {
            selector: Some(selector),
        };
        pb::AttributePath {
            steps: selectors.into_iter().map(step).collect(),
        }
    }

    fn warning(attribute: Option<pb::AttributePath>) -> pb::Diagnostic {
        pb::Diagnostic {
            severity: 2,
            summary: "s".into(),
            detail: "d".into(),
            attribute,
        }
    }

    #[test]
    fn a_diagnostic_keeps_severity_text_and_path() {
        let ty = Type::object([("l", Type::List(Box::new(Type::String)))]);
        let place = path(vec![
            Selector::AttributeName("l".into()),
            Selector::ElementKeyInt(1),
        ]);
        let read = Diagnostics::read("X", "x", &[warning(Some(place))], Some(&ty)).unwrap();
        assert_eq!(read[0].path_text(), "l[1]");
        assert!(!read.has_errors());
        assert!(read.at("l[1]").unwrap().says("d"));
    }

    #[test]
    fn a_diagnostic_that_core_cannot_show_is_a_violation() {
        let ty = Type::object([("l", Type::List(Box::new(Type::String)))]);
        let name = |name: &str| Selector::AttributeName(name.into());
        for bad in [
            pb::Diagnostic {
                severity: 0,
                ..warning(None)
            },
            pb::Diagnostic {
                summary: String::new(),
                ..warning(None)
            },
            warning(Some(path(vec![name("l"), Selector::ElementKeyInt(-1)]))),
            warning(Some(path(vec![name("nowhere")]))),
            warning(Some(path(vec![Selector::ElementKeyString("k".into())]))),
            warning(Some(pb::AttributePath {
                steps: vec![PbStep { selector: None }],
            })),
        ] {
            assert!(
                Diagnostics::read("X", "x", std::slice::from_ref(&bad), Some(&ty)).is_err(),
                "{bad:?}"
            );
        }
    }
}
