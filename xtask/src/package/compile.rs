//! The release build: the same bytes from the same commit, toolchain and target, in whatever folder it is made.

use std::{env, ffi::OsString, fs, path::PathBuf, process::Command};

use super::{Error, GLIBC_FLOOR, Runtime, Target, error::Attempt};
use crate::project::{self, PROVIDER};

/// Builds the provider for a target with the release profile. Cargo shows its own progress.
///
/// # Errors
/// It does not compile, or it tells where it was compiled.
pub fn compile(target: Target) -> Result<PathBuf, Error> {
    let zig = has_zigbuild();
    let status = command(target, zig).status();
    let status = status.map_err(|source| Error::Program {
        program: "cargo".to_owned(),
        source,
    })?;
    if !status.success() {
        let command = format!("cargo {}", arguments(target, zig).join(" "));
        return Err(Error::Compile { command });
    }
    let name = format!("{PROVIDER}{}", target.platform.executable_suffix());
    let binary = target_folder()
        .join(target.triple)
        .join("release")
        .join(name);
    let bytes = fs::read(&binary).attempt("read", &binary)?;
    if let Some(trace) = trace(&bytes, &build_folders()) {
        return Err(Error::Trace { binary, trace });
    }
    Ok(binary)
}

/// Cargo, with nothing from the environment that would show in the binary.
fn command(target: Target, zig: bool) -> Command {
    let mut command = Command::new(cargo());
    command
        .current_dir(project::root())
        .args(arguments(target, zig))
        .arg("--target-dir")
        .arg(target_folder())
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags(target, &build_folders()).join("\u{1f}"),
        )
        .env_remove("RUSTFLAGS")
        // Files that a dependency embeds would tell when this machine unpacked them.
        .env("SOURCE_DATE_EPOCH", EPOCH);
    command
}

/// What cargo is asked to do. Zig brings the C library of every version, and a C compiler for every Linux target.
fn arguments(target: Target, zig: bool) -> Vec<String> {
    let (verb, triple) = match target.runtime {
        Runtime::Glibc if zig => ("zigbuild", format!("{}.{GLIBC_FLOOR}", target.triple)),
        Runtime::Musl if zig => ("zigbuild", target.triple.to_owned()),
        _ => ("build", target.triple.to_owned()),
    };
    let fixed = [
        "--release",
        "--locked",
        "--package",
        PROVIDER,
        "--bin",
        PROVIDER,
        "--target",
    ];
    [verb]
        .iter()
        .chain(&fixed)
        .map(|&word| word.to_owned())
        .chain([triple])
        .collect()
}

/// The compiler's flags: no folder of this machine in messages, nothing to install beside the binary.
fn flags(target: Target, folders: &[(PathBuf, &str)]) -> Vec<String> {
    let mut flags: Vec<String> = folders
        .iter()
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect();
    if target.runtime == Runtime::Msvc {
        flags.extend(["-Ctarget-feature=+crt-static", "-Clink-arg=/Brepro"].map(str::to_owned));
    }
    flags
}

/// The folders that compilers see source files in, and what they are called in the binary. The most general comes first,
/// for the last that fits is taken.
fn build_folders() -> Vec<(PathBuf, &'static str)> {
    let mut folders = Vec::new();
    if let Some(home) = cargo_home() {
        folders.push((home, "cargo"));
    }
    folders.push((project::root().to_owned(), "."));
    if let Some(sysroot) = sysroot() {
        folders.push((sysroot, "rust"));
    }
    folders
}

/// The first of these folders that the binary names.
fn trace(binary: &[u8], folders: &[(PathBuf, &str)]) -> Option<String> {
    let named = |folder: &str| {
        binary
            .windows(folder.len())
            .any(|bytes| bytes == folder.as_bytes())
    };
    folders
        .iter()
        .map(|(folder, _)| folder.display().to_string())
        .find(|folder| named(folder))
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

fn cargo_home() -> Option<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

fn sysroot() -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .current_dir(project::root())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim())).filter(|folder| folder.is_dir())
}

/// Whether cargo would find its subcommand.
fn has_zigbuild() -> bool {
    let name = format!("cargo-zigbuild{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = cargo_home().map(|home| home.join("bin"));
    env::split_paths(&path)
        .chain(installed)
        .any(|folder| folder.join(&name).is_file())
}

fn target_folder() -> PathBuf {
    project::root().join("target")
}

/// The time that is in the binary where one has to be: 1980-01-01, as in the archive.
const EPOCH: &str = "315532800";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn target(triple: &str) -> Target {
        Target::of_triple(triple).unwrap()
    }

    #[test]
    fn asks_zig_for_the_floor_where_there_is_a_c_library_to_find() {
        let last = |triple: &str, zig| {
            let arguments = arguments(target(triple), zig);
            (arguments[0].clone(), arguments.last().unwrap().clone())
        };
        let linux = "x86_64-unknown-linux-gnu";
        assert_eq!(
            last(linux, true),
            ("zigbuild".to_owned(), format!("{linux}.2.17"))
        );
        assert_eq!(last(linux, false), ("build".to_owned(), linux.to_owned()));
        let musl = "x86_64-unknown-linux-musl";
        assert_eq!(last(musl, true), ("zigbuild".to_owned(), musl.to_owned()));
        let mac = "aarch64-apple-darwin";
        assert_eq!(last(mac, true), ("build".to_owned(), mac.to_owned()));
    }

    #[test]
    fn hides_the_folders_of_this_machine_from_the_binary() {
        let folders = build_folders();
        let flags = flags(target("x86_64-unknown-linux-gnu"), &folders);
        assert_eq!(flags.len(), folders.len());
        let root = format!("--remap-path-prefix={}=.", project::root().display());
        assert!(flags.contains(&root), "{flags:?}");
        let binary = format!("\0panicked at {}/src/lib.rs\0", project::root().display());
        assert_eq!(
            trace(binary.as_bytes(), &folders),
            Some(project::root().display().to_string())
        );
        assert_eq!(trace(b"\0panicked at ./src/lib.rs\0", &folders), None);
    }

    #[test]
    fn brings_the_c_library_along_on_windows() {
        let flags = flags(target("x86_64-pc-windows-msvc"), &[]);
        assert!(
            flags.iter().any(|flag| flag.contains("+crt-static")),
            "{flags:?}"
        );
    }

    #[test]
    fn takes_no_time_and_no_flags_from_the_environment() {
        let command = command(target("x86_64-unknown-linux-gnu"), false);
        let given = |name: &str| {
            let found = command.get_envs().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.map(|value| value.to_string_lossy().into_owned()))
        };
        assert_eq!(given("SOURCE_DATE_EPOCH"), Some(Some(EPOCH.to_owned())));
        assert_eq!(given("RUSTFLAGS"), Some(None));
        assert!(
            given("CARGO_ENCODED_RUSTFLAGS")
                .flatten()
                .unwrap()
                .contains("--remap-path-prefix")
        );
    }
}
