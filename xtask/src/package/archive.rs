//! The zip that a registry serves: one executable, the same bytes from the same binary wherever it is made.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{Error, Platform, Version, error::Attempt};
use crate::project::PROVIDER;

/// The executable's name in the archive, by which Terraform knows the version too.
pub fn executable_name(version: &Version, platform: Platform) -> String {
    format!("{PROVIDER}_v{version}{}", platform.executable_suffix())
}

/// The archive's name.
pub fn archive_name(version: &Version, platform: Platform) -> String {
    format!("{PROVIDER}_{version}_{platform}.zip")
}

/// Writes `binary` as the only entry of a zip at `path`.
pub(super) fn write(binary: &[u8], entry: &str, path: &Path) -> Result<(), Error> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(COMPRESSION))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(MODE)
        // A zip that calls itself made on Windows carries no mode.
        .system(System::Unix);
    let file = File::create(path).attempt("create", path)?;
    let mut zip = ZipWriter::new(file);
    let written = zip
        .start_file(entry, options)
        .and_then(|()| zip.write_all(binary).map_err(Into::into))
        .and_then(|()| zip.finish().map(drop));
    written.map_err(io::Error::from).attempt("write", path)
}

/// Checks that the zip at `path` is what the registry wants for this version and platform.
///
/// # Errors
/// It holds anything else than one executable of the right name and mode.
pub(super) fn check(path: &Path, version: &Version, platform: Platform) -> Result<(), Error> {
    let refuse = |reason: String| Error::Archive {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).attempt("open", path)?;
    let mut zip = ZipArchive::new(file).map_err(|error| refuse(error.to_string()))?;
    if zip.len() != 1 {
        return Err(refuse(format!(
            "it has {} entries, and one is wanted",
            zip.len()
        )));
    }
    let mut entry = zip.by_index(0).map_err(|error| refuse(error.to_string()))?;
    let expected = executable_name(version, platform);
    let name = entry
        .name()
        .map_err(|error| refuse(error.to_string()))?
        .into_owned();
    if name != expected {
        return Err(refuse(format!("it holds {name}, and {expected} is wanted")));
    }
    if entry.unix_mode().map(|mode| mode & 0o777) != Some(MODE) {
        return Err(refuse(format!("{expected} is not marked as executable")));
    }
    // Reading to the end compares the checksum.
    let copied = io::copy(&mut entry.by_ref(), &mut io::sink());
    copied.map_err(|error| refuse(error.to_string())).map(drop)
}

const MODE: u32 = 0o755;
const COMPRESSION: i64 = 6;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn version() -> Version {
        "1.2.3".parse().unwrap()
    }

    fn linux() -> Platform {
        Platform::named("linux_amd64").unwrap()
    }

    #[test]
    fn gives_the_same_bytes_for_the_same_binary() {
        let folder = tempfile::tempdir().unwrap();
        let binary = b"provider".repeat(10_000);
        let written = ["a.zip", "b.zip"].map(|name| {
            let path = folder.path().join(name);
            write(&binary, &executable_name(&version(), linux()), &path).unwrap();
            std::fs::read(path).unwrap()
        });
        assert_eq!(written[0], written[1]);
        assert!(written[0].len() < binary.len() / 10, "it is compressed");
    }

    #[test]
    fn keeps_the_mode_and_a_time_that_no_clock_gave() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        write(b"provider", &executable_name(&version(), linux()), &path).unwrap();
        check(&path, &version(), linux()).unwrap();
        let mut zip = ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let entry = zip.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "terraform-provider-atlas_v1.2.3");
        assert_eq!(entry.unix_mode().unwrap() & 0o7777, 0o755);
        assert_eq!(entry.last_modified().unwrap(), DateTime::DEFAULT);
    }

    #[test]
    fn refuses_an_archive_of_another_version_or_platform() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        write(b"provider", &executable_name(&version(), linux()), &path).unwrap();
        let other = check(&path, &"1.2.4".parse().unwrap(), linux()).unwrap_err();
        assert!(
            other
                .to_string()
                .contains("terraform-provider-atlas_v1.2.4"),
            "{other}"
        );
        let windows = Platform::named("windows_amd64").unwrap();
        let other = check(&path, &version(), windows).unwrap_err();
        assert!(other.to_string().contains("_v1.2.3.exe"), "{other}");
    }

    #[test]
    fn refuses_a_damaged_archive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        write(
            &b"provider".repeat(100),
            &executable_name(&version(), linux()),
            &path,
        )
        .unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[70] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        assert!(check(&path, &version(), linux()).is_err());
    }
}
