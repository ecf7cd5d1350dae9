//! Where in a value a reader is, at no cost until something is wrong.

use crate::terraform::{Path, Step};

/// The way from the outermost value to the present one, made into a [`Path`] only when something is wrong.
pub(super) enum Trail<'a> {
    Root,
    Attribute(&'a Trail<'a>, &'a str),
    Key(&'a Trail<'a>, &'a str),
    Index(&'a Trail<'a>, usize),
    /// An element of a set has no address.
    Element(&'a Trail<'a>),
}

impl Trail<'_> {
    pub(super) fn path(&self) -> Path {
        match self {
            Self::Root => Path::default(),
            Self::Element(outer) => outer.path(),
            Self::Attribute(outer, name) => outer.path().then(*name),
            Self::Key(outer, key) => outer.path().with(Step::Key((*key).to_owned())),
            Self::Index(outer, index) => outer
                .path()
                .with(Step::Index(u32::try_from(*index).unwrap_or(u32::MAX))),
        }
    }
}
