//! The zip archive of one executable. The same executable gives the same bytes.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use semver::Version;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::project::PROVIDER;

const MODE: u32 = 0o755;

/// The executable's name in the archive. Terraform reads the version of a provider from it.
pub(super) fn executable_name(name: &str, version: &Version, platform: &str) -> String {
    let version = if name == PROVIDER { format!("_v{version}") } else { String::new() };
    let suffix = if platform.starts_with("windows_") { ".exe" } else { "" };
    format!("{name}{version}{suffix}")
}

/// Writes the executable as the only entry of a zip archive.
pub(super) fn write(binary: &Path, entry: &str, path: &Path) -> Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(MODE)
        // Archives made on Windows carry no mode otherwise.
        .system(System::Unix);
    let bytes = fs::read(binary).with_context(|| binary.display().to_string())?;
    let mut zip = ZipWriter::new(File::create(path).with_context(|| path.display().to_string())?);
    zip.start_file(entry, options)?;
    zip.write_all(&bytes)?;
    zip.finish()?;
    Ok(())
}

/// Checks that the archive holds one undamaged executable of this name.
pub(super) fn check(path: &Path, entry: &str) -> Result<()> {
    let mut zip = ZipArchive::new(File::open(path)?)?;
    ensure!(zip.len() == 1, "it has {} entries instead of 1", zip.len());
    let mut file = zip.by_index(0)?;
    let name = file.name()?.into_owned();
    ensure!(name == entry, "it holds {name} instead of {entry}");
    ensure!(file.unix_mode().map(|mode| mode & 0o777) == Some(MODE), "{entry} is not executable");
    // Reading to the end compares the checksum.
    io::copy(&mut file.by_ref(), &mut io::sink())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_same_executable_gives_the_same_archive_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (binary, path) = (folder.path().join("binary"), folder.path().join("a.zip"));
        fs::write(&binary, b"provider".repeat(10_000)).unwrap();
        let archives = [(), ()].map(|()| {
            write(&binary, "provider_v1.2.3", &path).unwrap();
            check(&path, "provider_v1.2.3").unwrap();
            fs::read(&path).unwrap()
        });
        assert_eq!(archives[0], archives[1]);
        assert!(archives[0].len() < 10_000, "it is compressed");

        let error = check(&path, "provider_v1.2.4").unwrap_err().to_string();
        assert!(error.contains("provider_v1.2.4"), "{error}");
        let [mut damaged, _] = archives;
        damaged[70] ^= 0xff;
        fs::write(&path, damaged).unwrap();
        assert!(check(&path, "provider_v1.2.3").is_err());
    }
}
