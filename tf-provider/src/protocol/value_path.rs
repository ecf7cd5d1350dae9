//! The position of a decoder in a value, and its errors.

use crate::terraform::{Path, Type};

/// A value that does not fit its type. Contains no part of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(super) struct DecodeError {
    /// The position in the outermost value.
    pub(super) path: Path,
    problem: &'static str,
}

/// The steps from the outermost value to the current one, linked so that a [`Path`] is only built for an error.
pub(super) enum ValuePath<'a> {
    Root,
    Attribute(&'a ValuePath<'a>, &'a str),
    Key(&'a ValuePath<'a>, &'a str),
    Index(&'a ValuePath<'a>, usize),
    /// Elements of sets cannot be addressed: the path ends at the set.
    SetElement(&'a ValuePath<'a>),
}

impl ValuePath<'_> {
    fn path(&self) -> Path {
        match self {
            Self::Root => Path::default(),
            Self::SetElement(outer) => outer.path(),
            Self::Attribute(outer, name) => outer.path().at_name(*name),
            Self::Key(outer, key) => outer.path().at_key(*key),
            Self::Index(outer, index) => {
                outer.path().at_index(u32::try_from(*index).unwrap_or(u32::MAX))
            }
        }
    }

    pub(super) fn error(&self, problem: &'static str) -> DecodeError {
        DecodeError { path: self.path(), problem }
    }

    /// The error for a value of another kind.
    pub(super) fn mismatch(&self, ty: &Type) -> DecodeError {
        self.error(match ty {
            Type::String => "a string is required",
            Type::Number => "a number is required",
            Type::Bool => "a bool is required",
            Type::Dynamic => "a value with its type is required",
            Type::List(_) | Type::Set(_) => "a list is required",
            Type::Tuple(_) => "a list of the tuple's length is required",
            Type::Map(_) | Type::Object(_) => "an object is required",
        })
    }
}
