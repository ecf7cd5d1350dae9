//! Platforms as Go and the registries name them.

use std::env::consts;

use anyhow::{Result, bail};

/// The platform of this machine, such as `linux_amd64`.
///
/// # Errors
/// No release is made for it.
pub fn host_platform() -> Result<String> {
    platform(&format!("{}-{}", consts::ARCH, consts::OS))
}

/// The platform of a Rust target triple.
///
/// # Errors
/// No release is made for it.
pub fn platform(triple: &str) -> Result<String> {
    let find = |names: &[(&str, &'static str)]| {
        let named = |word: &str| triple.split('-').any(|part| part == word);
        names.iter().find(|(word, _)| named(word)).map(|(_, name)| *name)
    };
    let systems =
        [("linux", "linux"), ("darwin", "darwin"), ("macos", "darwin"), ("windows", "windows")];
    match (find(&systems), find(&[("x86_64", "amd64"), ("aarch64", "arm64")])) {
        (Some(system), Some(architecture)) => Ok(format!("{system}_{architecture}")),
        _ => {
            bail!("{triple}: releases are for Linux, macOS and Windows, on x86_64 and aarch64")
        }
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
            assert_eq!(platform(triple).unwrap(), name);
        }
        for unknown in ["mips-unknown-linux-gnu", "x86_64-unknown-freebsd"] {
            assert!(platform(unknown).unwrap_err().to_string().contains(unknown));
        }
        assert!(host_platform().is_ok());
    }
}
