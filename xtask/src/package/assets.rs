//! The files of a release in one folder: an archive per platform, the registry's manifest, and their checksums.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use semver::Version;

use super::archive::{self, executable_name};
use crate::project::PROVIDER;

/// The files of one version.
#[derive(Debug)]
pub struct Assets {
    pub(super) version: Version,
    /// Archives by platform.
    pub(super) archives: BTreeMap<String, PathBuf>,
    others: Vec<PathBuf>,
}

impl Assets {
    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.archives.values().chain(&self.others)
    }
}

/// Packs an executable into the folder.
///
/// # Errors
/// A file cannot be read or written.
pub fn pack(
    name: &str,
    version: &Version,
    platform: &str,
    binary: &Path,
    folder: &Path,
) -> Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}_{version}_{platform}.zip"));
    archive::write(binary, &executable_name(name, version, platform), &path)
}

/// Checks the archives in the folder, and writes the manifest of a provider and the checksums.
///
/// # Errors
/// There is no archive, or one of them is not what the registries require of this version.
pub fn checksums(name: &str, version: &Version, folder: &Path) -> Result<Assets> {
    let mut archives = BTreeMap::new();
    for path in own_files(name, folder)? {
        if path.extension().is_none_or(|extension| extension != "zip") {
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let platform = stem.strip_prefix(&format!("{name}_{version}_"));
        let platform =
            platform.with_context(|| format!("{} is not of version {version}", path.display()))?;
        archive::check(&path, &executable_name(name, version, platform))
            .with_context(|| path.display().to_string())?;
        archives.insert(platform.to_owned(), path);
    }
    ensure!(!archives.is_empty(), "{}: there is no archive of {name}", folder.display());
    let mut others = Vec::new();
    if name == PROVIDER {
        let manifest = folder.join(format!("{name}_{version}_manifest.json"));
        fs::write(&manifest, MANIFEST)?;
        others.push(manifest);
    }
    let mut lines = String::new();
    for path in archives.values().chain(&others) {
        let sum = hex::encode(digest(&SHA256, &fs::read(path)?));
        writeln!(lines, "{sum}  {}", path.file_name().unwrap_or_default().display())?;
    }
    let sums = folder.join(format!("{name}_{version}_SHA256SUMS"));
    fs::write(&sums, lines)?;
    others.push(sums);
    Ok(Assets { version: version.clone(), archives, others })
}

/// Removes the assets of an earlier run.
///
/// # Errors
/// A file cannot be removed.
pub fn clear(name: &str, folder: &Path) -> Result<()> {
    if folder.is_dir() {
        for path in own_files(name, folder)? {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// The files of the folder whose name begins with `name_`, sorted.
fn own_files(name: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let prefix = format!("{name}_");
    files.retain(|it| it.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&prefix)));
    files.sort();
    Ok(files)
}

const MANIFEST: &str = include_str!("../../../terraform-registry-manifest.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn packed(version: &str) -> (tempfile::TempDir, Version) {
        let folder = tempfile::tempdir().unwrap();
        let version: Version = version.parse().unwrap();
        for platform in ["windows_amd64", "linux_amd64"] {
            let binary = folder.path().join("binary");
            fs::write(&binary, platform).unwrap();
            pack(PROVIDER, &version, platform, &binary, folder.path()).unwrap();
        }
        (folder, version)
    }

    #[test]
    fn names_and_checksums_are_what_the_registries_require() {
        let (folder, version) = packed("1.2.3-rc.1");
        let assets = checksums(PROVIDER, &version, folder.path()).unwrap();
        let names: Vec<_> =
            assets.files().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let endings = ["linux_amd64.zip", "windows_amd64.zip", "manifest.json", "SHA256SUMS"];
        assert_eq!(names, endings.map(|it| format!("terraform-provider-atlas_1.2.3-rc.1_{it}")));
        let sums = fs::read_to_string(assets.others.last().unwrap()).unwrap();
        let manifest = hex::encode(digest(&SHA256, MANIFEST.as_bytes()));
        assert_eq!(sums.lines().count(), 3);
        assert!(sums.contains(&format!("{manifest}  {PROVIDER}_1.2.3-rc.1_manifest.json\n")));
        assert!(MANIFEST.contains("\"5.0\""));
    }

    #[test]
    fn archives_of_another_version_are_refused_until_they_are_cleared() {
        let (folder, _) = packed("1.2.3");
        let other: Version = "1.2.4".parse().unwrap();
        assert!(checksums(PROVIDER, &other, folder.path()).is_err());
        clear(PROVIDER, folder.path()).unwrap();
        let error = checksums(PROVIDER, &other, folder.path()).unwrap_err().to_string();
        assert!(error.contains("no archive"), "{error}");
    }
}
