//! The position of a decoder in a value.

use crate::terraform::{Path, Step};

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
    pub(super) fn path(&self) -> Path {
        match self {
            Self::Root => Path::default(),
            Self::SetElement(outer) => outer.path(),
            Self::Attribute(outer, name) => outer.path().then(*name),
            Self::Key(outer, key) => outer.path().with(Step::Key((*key).to_owned())),
            Self::Index(outer, index) => outer
                .path()
                .with(Step::Index(u32::try_from(*index).unwrap_or(u32::MAX))),
        }
    }
}
