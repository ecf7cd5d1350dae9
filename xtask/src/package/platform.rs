//! What is released for which machine: Rust's target triples and the names that registries use, which are Go's.

use std::fmt;

use super::Error;

/// An operating system and an architecture as file names spell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// `linux`, `darwin`, `windows` or `freebsd`.
    pub os: &'static str,
    /// `amd64`, `arm64`, `386`, `arm` or `s390x`.
    pub architecture: &'static str,
}

impl Platform {
    /// What an executable's name ends with.
    pub fn executable_suffix(self) -> &'static str {
        if self.os == "windows" { ".exe" } else { "" }
    }

    /// The platform that a file name ends with, as `linux_amd64`.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS
            .iter()
            .map(|target| target.platform)
            .find(|platform| platform.to_string() == name)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.os, self.architecture)
    }
}

/// What the C library of a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// The GNU C library, which is found on the machine: its version matters.
    Glibc,
    /// musl, linked into the binary.
    Musl,
    /// Microsoft's, linked into the binary.
    Msvc,
    /// What the system promises to keep compatible.
    System,
}

/// A Rust target and the platform that its binary is published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// As rustc calls it.
    pub triple: &'static str,
    /// As registries call it.
    pub platform: Platform,
    /// What the binary finds, or brings along, as its C library.
    pub runtime: Runtime,
}

impl Target {
    /// The target that rustc calls so.
    ///
    /// # Errors
    /// Nothing is released for it.
    pub fn of_triple(triple: &str) -> Result<Self, Error> {
        let found = TARGETS
            .iter()
            .find(|target| target.triple == triple)
            .copied();
        found.ok_or_else(|| Error::Target {
            triple: triple.to_owned(),
            known: known_triples(),
        })
    }

    /// The target that this program was built for, which is the machine it runs on.
    ///
    /// # Errors
    /// Nothing is released for such a machine.
    pub fn of_host() -> Result<Self, Error> {
        let runtime = if cfg!(target_env = "gnu") {
            Runtime::Glibc
        } else if cfg!(target_env = "musl") {
            Runtime::Musl
        } else if cfg!(target_env = "msvc") {
            Runtime::Msvc
        } else {
            Runtime::System
        };
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        let is_host = |target: &&Target| {
            target.platform.os == go_os(os)
                && target.platform.architecture == go_architecture(architecture)
                && target.runtime == runtime
        };
        let found = TARGETS.iter().find(is_host).copied();
        found.ok_or_else(|| Error::Target {
            triple: format!("{architecture}-{os}"),
            known: known_triples(),
        })
    }
}

fn known_triples() -> String {
    TARGETS
        .iter()
        .map(|target| target.triple)
        .collect::<Vec<_>>()
        .join(", ")
}

fn go_os(os: &str) -> &str {
    if os == "macos" { "darwin" } else { os }
}

fn go_architecture(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

const fn target(
    triple: &'static str,
    os: &'static str,
    architecture: &'static str,
    runtime: Runtime,
) -> Target {
    Target {
        triple,
        platform: Platform { os, architecture },
        runtime,
    }
}

/// All that can be released. `linux_arm` is version 6 of the architecture, as other providers have it.
const TARGETS: [Target; 13] = [
    target("x86_64-unknown-linux-gnu", "linux", "amd64", Runtime::Glibc),
    target(
        "aarch64-unknown-linux-gnu",
        "linux",
        "arm64",
        Runtime::Glibc,
    ),
    target("x86_64-unknown-linux-musl", "linux", "amd64", Runtime::Musl),
    target(
        "aarch64-unknown-linux-musl",
        "linux",
        "arm64",
        Runtime::Musl,
    ),
    target(
        "arm-unknown-linux-gnueabihf",
        "linux",
        "arm",
        Runtime::Glibc,
    ),
    target("i686-unknown-linux-gnu", "linux", "386", Runtime::Glibc),
    target("s390x-unknown-linux-gnu", "linux", "s390x", Runtime::Glibc),
    target("x86_64-apple-darwin", "darwin", "amd64", Runtime::System),
    target("aarch64-apple-darwin", "darwin", "arm64", Runtime::System),
    target("x86_64-pc-windows-msvc", "windows", "amd64", Runtime::Msvc),
    target("aarch64-pc-windows-msvc", "windows", "arm64", Runtime::Msvc),
    target("i686-pc-windows-msvc", "windows", "386", Runtime::Msvc),
    target(
        "x86_64-unknown-freebsd",
        "freebsd",
        "amd64",
        Runtime::System,
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_platforms_as_go_does() {
        for (triple, name) in [
            ("x86_64-unknown-linux-gnu", "linux_amd64"),
            ("x86_64-unknown-linux-musl", "linux_amd64"),
            ("aarch64-apple-darwin", "darwin_arm64"),
            ("i686-pc-windows-msvc", "windows_386"),
            ("x86_64-unknown-freebsd", "freebsd_amd64"),
        ] {
            let target = Target::of_triple(triple).unwrap();
            assert_eq!(target.platform.to_string(), name);
            assert_eq!(Platform::named(name), Some(target.platform));
        }
        assert_eq!(Platform::named("linux_mips"), None);
    }

    #[test]
    fn names_the_known_targets_where_one_is_unknown() {
        let error = Target::of_triple("mips-unknown-linux-gnu")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("mips-unknown-linux-gnu") && error.contains("aarch64-apple-darwin"),
            "{error}"
        );
    }

    #[test]
    fn gives_a_binary_the_ending_that_its_system_wants() {
        assert_eq!(
            Platform::named("windows_amd64")
                .unwrap()
                .executable_suffix(),
            ".exe"
        );
        assert_eq!(
            Platform::named("darwin_arm64").unwrap().executable_suffix(),
            ""
        );
    }

    #[test]
    fn knows_the_machine_that_it_runs_on() {
        let host = Target::of_host().unwrap();
        assert_eq!(
            host.platform.executable_suffix(),
            std::env::consts::EXE_SUFFIX
        );
    }
}
