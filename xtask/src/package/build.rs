//! The release build: static on Linux, and the same bytes from the same commit, toolchain and target in any folder.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::project;

/// The target to build for if none is named: musl on Linux if its standard library and a C compiler are installed.
pub(super) fn default_target() -> Result<String> {
    let verbose = rustc(&["-vV"])?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc -vV names no host")?.to_owned();
    let musl = host.replace("-linux-gnu", "-linux-musl");
    if musl != host && is_installed(&musl) {
        return Ok(musl);
    }
    Ok(host)
}

/// Builds the binary for a target with the release profile.
pub(super) fn release(name: &str, triple: &str) -> Result<PathBuf> {
    if triple.contains("-linux-gnu") {
        println!(
            "{triple}: links glibc statically (install the target {} for musl)",
            triple.replace("-gnu", "-musl")
        );
    }
    let folders = build_folders()?;
    let mut command = project::cargo();
    command
        .args(["build", "--release", "--locked", "--package", name, "--bin", name])
        .args(["--target", triple])
        .env("CARGO_ENCODED_RUSTFLAGS", flags(triple, &folders).join("\u{1f}"))
        .env_remove("RUSTFLAGS")
        // The modification time of files that a dependency embeds.
        .env("SOURCE_DATE_EPOCH", "315532800");
    let binary = project::run(&mut command, name)?;
    let bytes = fs::read(&binary).with_context(|| binary.display().to_string())?;
    for (folder, _) in &folders {
        let folder = folder.display().to_string();
        let named = bytes.windows(folder.len()).any(|window| window == folder.as_bytes());
        ensure!(!named, "{} contains the path {folder} of this machine", binary.display());
    }
    Ok(binary)
}

/// The compiler's flags: static linking, and no path of this machine in the executable.
fn flags(triple: &str, folders: &[(PathBuf, &str)]) -> Vec<String> {
    let remap = |(folder, name): &(PathBuf, &str)| {
        format!("--remap-path-prefix={}={name}", folder.display())
    };
    let mut flags: Vec<String> = folders.iter().map(remap).collect();
    if !triple.contains("-darwin") {
        flags.push("-Ctarget-feature=+crt-static".to_owned());
    }
    if triple.ends_with("-msvc") {
        flags.push("-Clink-arg=/Brepro".to_owned());
    }
    flags
}

/// The folders of source files and their names in the executable, the most general first: the last match counts.
fn build_folders() -> Result<Vec<(PathBuf, &'static str)>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
    let cargo = home.map(|home| (home, "cargo"));
    Ok(cargo.into_iter().chain([(project::root().to_owned(), "."), (sysroot, "rust")]).collect())
}

fn is_installed(triple: &str) -> bool {
    let library = rustc(&["--print", "target-libdir", "--target", triple]);
    let compiler = Command::new("musl-gcc").arg("--version").output();
    library.is_ok_and(|folder| Path::new(folder.trim()).is_dir()) && compiler.is_ok()
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).args(arguments).current_dir(project::root()).output();
    let output = output.context("rustc cannot be started")?;
    if !output.status.success() {
        bail!("rustc {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The program that loads the shared libraries of a Linux executable; none for a static one and for other systems.
///
/// # Errors
/// The file cannot be read.
pub fn interpreter(binary: &Path) -> Result<Option<String>> {
    Ok(interpreter_of(&fs::read(binary).with_context(|| binary.display().to_string())?))
}

/// The program interpreter (`PT_INTERP`) of a 64-bit little-endian ELF executable.
fn interpreter_of(elf: &[u8]) -> Option<String> {
    if !elf.starts_with(b"\x7fELF") {
        return None;
    }
    let number = |at: usize, size: usize| {
        let bytes = elf.get(at..at + size)?;
        let value = bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).ok()
    };
    let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    let entry =
        (0..count).map(|index| table + index * size).find(|at| number(*at, 4) == Some(3))?;
    let (offset, length) = (number(entry + 8, 8)?, number(entry + 32, 8)?);
    let path = elf.get(offset..offset + length)?;
    Some(String::from_utf8_lossy(path).trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn release_flags_hide_this_machine_and_link_statically() {
        let folders = build_folders().unwrap();
        let linux = flags("x86_64-unknown-linux-gnu", &folders);
        assert!(linux.contains(&format!("--remap-path-prefix={}=.", project::root().display())));
        assert!(linux.contains(&"-Ctarget-feature=+crt-static".to_owned()));
        assert!(!flags("aarch64-apple-darwin", &[]).iter().any(|flag| flag.contains("crt-static")));
        assert!(flags("x86_64-pc-windows-msvc", &[]).contains(&"-Clink-arg=/Brepro".to_owned()));
    }

    #[test]
    fn interpreters_of_damaged_files_are_none() {
        let own = fs::read(env::current_exe().unwrap()).unwrap();
        if cfg!(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")) {
            assert!(interpreter_of(&own).unwrap().contains("ld-linux"));
        }
        for length in [0, 40, 64, 100] {
            assert_eq!(interpreter_of(&own[..length]), None);
        }
    }
}
