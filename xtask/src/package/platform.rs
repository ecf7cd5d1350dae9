//! Platforms as Go and the registries name them.

use std::{env::consts, fmt, str::FromStr};

use anyhow::{Error, Result, bail};

/// An operating system and an architecture, such as `linux_amd64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    os: &'static str,
    architecture: &'static str,
}

impl Platform {
    /// The platform of this machine.
    ///
    /// # Errors
    /// No release is made for it.
    pub fn host() -> Result<Self> {
        format!("{}-{}", consts::ARCH, consts::OS).parse()
    }

    pub(super) fn is_linux(self) -> bool {
        self.os == "linux"
    }
}

/// Parses a Rust target triple.
impl FromStr for Platform {
    type Err = Error;

    fn from_str(triple: &str) -> Result<Self> {
        let architecture = match triple.split('-').next() {
            Some("x86_64") => "amd64",
            Some("aarch64") => "arm64",
            _ => bail!("{triple}: releases are for x86_64 and aarch64"),
        };
        let systems =
            [("linux", "linux"), ("darwin", "darwin"), ("macos", "darwin"), ("windows", "windows")];
        match systems.iter().find(|(word, _)| triple.split('-').any(|part| part == *word)) {
            Some((_, os)) => Ok(Self { os, architecture }),
            None => bail!("{triple}: releases are for Linux, macOS and Windows"),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.os, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn target_triples_become_go_names() {
        for (triple, name) in [
            ("x86_64-unknown-linux-musl", "linux_amd64"),
            ("aarch64-unknown-linux-gnu", "linux_arm64"),
            ("aarch64-apple-darwin", "darwin_arm64"),
            ("x86_64-pc-windows-msvc", "windows_amd64"),
        ] {
            assert_eq!(triple.parse::<Platform>().unwrap().to_string(), name);
        }
        for unknown in ["mips-unknown-linux-gnu", "x86_64-unknown-freebsd"] {
            assert!(unknown.parse::<Platform>().unwrap_err().to_string().contains(unknown));
        }
        assert!(Platform::host().is_ok());
    }
}
