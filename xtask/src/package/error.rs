//! Why something could not be packaged.

use std::{
    error::Error as _,
    io, iter,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{GLIBC_FLOOR, GlibcVersion, Version};
use crate::Failure;

/// Why something could not be packaged.
#[derive(Debug, Error)]
pub enum Error {
    /// No version.
    #[error("`{text}` is not a version: X.Y.Z or X.Y.Z-PRERELEASE is")]
    Version {
        /// What was given.
        text: String,
    },
    /// No tag of a release.
    #[error("`{tag}` is not the tag of a release: vX.Y.Z is")]
    Tag {
        /// What was given.
        tag: String,
    },
    /// A tag that is not for this commit.
    #[error("the tag is for version {tagged}, and Cargo.toml says {workspace}")]
    TagOfAnotherVersion {
        /// What the tag says.
        tagged: Version,
        /// What the manifest says.
        workspace: Version,
    },
    /// A target that nothing is released for.
    #[error("nothing is released for {triple}; the targets are {known}")]
    Target {
        /// What was given.
        triple: String,
        /// What there is.
        known: String,
    },
    /// The compiler failed; it has said why.
    #[error("`{command}` failed")]
    Compile {
        /// What was run.
        command: String,
    },
    /// A program that should be there could not be started.
    #[error("{program} could not be started")]
    Program {
        /// Its name.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The binary tells where it was built, so that no other machine gives the same bytes.
    #[error("{} holds the path {trace} of this machine", binary.display())]
    Trace {
        /// The binary.
        binary: PathBuf,
        /// What it holds.
        trace: String,
    },
    /// The binary is an ELF file that cannot be read.
    #[error("{} is not a binary that can be read", binary.display())]
    Binary {
        /// The binary.
        binary: PathBuf,
        /// Why.
        #[source]
        source: object::Error,
    },
    /// A release must run on older systems than this binary does.
    #[error(
        "{} needs glibc {needed}, and a release may need {GLIBC_FLOOR} at most: install cargo-zigbuild and zig, or build for musl",
        binary.display()
    )]
    Floor {
        /// The binary.
        binary: PathBuf,
        /// What it needs.
        needed: GlibcVersion,
    },
    /// An archive that the registry would not take.
    #[error("{} cannot be released: {reason}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A set of files that the registry would not take.
    #[error("{} cannot be released: {reason}", folder.display())]
    Assets {
        /// Where the files are.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A signature that the registry would not take, or none.
    #[error("{} cannot be signed: {reason}", file.display())]
    Signature {
        /// What was to be signed.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The user's folder for plugins is unknown.
    #[error("the folder of the user's plugins is unknown: {variable} is not set")]
    NoHome {
        /// The variable that names it.
        variable: &'static str,
    },
    /// A file or folder that cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Names the file that an I/O error is about.
pub(super) trait Attempt<T> {
    /// `action` was attempted on `path`.
    fn attempt(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::File {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let causes = iter::successors(error.source(), |&cause| cause.source());
        let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        match error {
            Error::Version { .. } | Error::Tag { .. } | Error::Target { .. } => Self::Usage(text),
            _ => Self::Failed(text),
        }
    }
}
