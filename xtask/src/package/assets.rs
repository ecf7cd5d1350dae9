//! The files of a release: an archive for each platform, the registry's manifest, and the checksums of both.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    Error, Platform, Version,
    archive::{self, archive_name, executable_name},
    error::Attempt,
};
use crate::project::PROVIDER;

/// A folder with what the registry wants of one version.
#[derive(Debug, Clone)]
pub struct Assets {
    /// Which version.
    pub version: Version,
    /// Where the files are.
    pub folder: PathBuf,
    /// The archives by platform.
    pub archives: BTreeMap<Platform, PathBuf>,
    /// What tells the registry which protocol the provider speaks.
    pub manifest: PathBuf,
    /// `sha256sum` lines for the archives and the manifest; what gets signed.
    pub checksums: PathBuf,
}

/// Makes the folder hold the assets of this version, made of these binaries, and none of an earlier run.
///
/// # Errors
/// Two binaries are for one platform, or a file cannot be read or written.
pub fn pack(
    version: &Version,
    binaries: &[(Platform, PathBuf)],
    folder: &Path,
) -> Result<Assets, Error> {
    fs::create_dir_all(folder).attempt("create", folder)?;
    for (_, path) in own_files(folder)? {
        fs::remove_file(&path).attempt("remove", &path)?;
    }
    for (platform, binary) in binaries {
        let path = folder.join(archive_name(version, *platform));
        if path.exists() {
            return Err(refusal(
                folder,
                format!("there are two binaries for {platform}"),
            ));
        }
        let bytes = fs::read(binary).attempt("read", binary)?;
        archive::write(&bytes, &executable_name(version, *platform), &path)?;
    }
    complete(version, folder)
}

/// Adds manifest and checksums to a folder of archives, which other machines may have made, after a look into each.
///
/// # Errors
/// An archive is not what the registry wants of this version, or there is none.
pub fn complete(version: &Version, folder: &Path) -> Result<Assets, Error> {
    let mut archives = BTreeMap::new();
    for (name, path) in own_files(folder)? {
        if path.extension().is_none_or(|ending| ending != "zip") {
            continue;
        }
        let platform = platform_of(&name, version).ok_or_else(|| {
            refusal(
                folder,
                format!("{name} is not an archive of version {version}"),
            )
        })?;
        archive::check(&path, version, platform)?;
        archives.insert(platform, path);
    }
    if archives.is_empty() {
        return Err(refusal(
            folder,
            format!("it holds no archive of version {version}"),
        ));
    }
    let manifest = folder.join(format!("{PROVIDER}_{version}_manifest.json"));
    fs::write(&manifest, MANIFEST).attempt("write", &manifest)?;
    let checksums = folder.join(format!("{PROVIDER}_{version}_SHA256SUMS"));
    let lines = checksum_lines(archives.values().chain([&manifest]))?;
    fs::write(&checksums, lines).attempt("write", &checksums)?;
    Ok(Assets {
        version: version.clone(),
        folder: folder.to_owned(),
        archives,
        manifest,
        checksums,
    })
}

impl Assets {
    /// Checks what a registry cannot do without.
    ///
    /// # Errors
    /// There is no archive for `linux_amd64`, where hosted runs take place.
    pub fn check_publishable(&self) -> Result<(), Error> {
        let wanted = Platform {
            os: "linux",
            architecture: "amd64",
        };
        if self.archives.contains_key(&wanted) {
            Ok(())
        } else {
            Err(refusal(
                &self.folder,
                format!("there is no archive for {wanted}"),
            ))
        }
    }
}

/// The platform in an archive's name.
fn platform_of(name: &str, version: &Version) -> Option<Platform> {
    let platform = name
        .strip_prefix(&format!("{PROVIDER}_{version}_"))?
        .strip_suffix(".zip")?;
    Platform::named(platform)
}

/// The files in the folder that are named as a release's are, sorted.
fn own_files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).attempt("list", folder)? {
        let entry = entry.attempt("list", folder)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&format!("{PROVIDER}_")) && entry.path().is_file() {
            files.insert(name, entry.path());
        }
    }
    Ok(files)
}

/// What `sha256sum` prints for these files, sorted by name.
fn checksum_lines<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Result<String, Error> {
    let mut lines = BTreeMap::new();
    for path in files {
        let bytes = fs::read(path).attempt("read", path)?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let line = format!("{}  {name}\n", hex(digest(&SHA256, &bytes).as_ref()));
        lines.insert(name, line);
    }
    Ok(lines.into_values().collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn refusal(folder: &Path, reason: String) -> Error {
    Error::Assets {
        folder: folder.to_owned(),
        reason,
    }
}

/// The registry's manifest, under the name that it has in the repository.
const MANIFEST: &str = include_str!("../../../terraform-registry-manifest.json");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn version() -> Version {
        "1.2.3".parse().unwrap()
    }

    fn platform(name: &str) -> Platform {
        Platform::named(name).unwrap()
    }

    /// A folder, and two binaries in it for two platforms.
    fn two_binaries() -> (tempfile::TempDir, Vec<(Platform, PathBuf)>) {
        let folder = tempfile::tempdir().unwrap();
        let binaries = ["windows_amd64", "linux_amd64"].map(|name| {
            let path = folder.path().join(name);
            fs::write(&path, format!("binary for {name}")).unwrap();
            (platform(name), path)
        });
        (folder, binaries.to_vec())
    }

    #[test]
    fn names_every_file_as_the_registry_wants_it() {
        let (folder, binaries) = two_binaries();
        let assets = pack(&version(), &binaries, &folder.path().join("out")).unwrap();
        let names: Vec<String> = own_files(&assets.folder).unwrap().into_keys().collect();
        assert_eq!(
            names,
            [
                "terraform-provider-atlas_1.2.3_SHA256SUMS",
                "terraform-provider-atlas_1.2.3_linux_amd64.zip",
                "terraform-provider-atlas_1.2.3_manifest.json",
                "terraform-provider-atlas_1.2.3_windows_amd64.zip",
            ]
        );
        assets.check_publishable().unwrap();
    }

    #[test]
    fn lists_the_checksum_of_every_archive_and_of_the_manifest() {
        let (folder, binaries) = two_binaries();
        let assets = pack(&version(), &binaries, &folder.path().join("out")).unwrap();
        let sums = fs::read_to_string(&assets.checksums).unwrap();
        let lines: Vec<(&str, &str)> = sums
            .lines()
            .map(|line| line.split_once("  ").unwrap())
            .collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.is_sorted_by_key(|(_, name)| *name));
        for (sum, name) in lines {
            let bytes = fs::read(assets.folder.join(name)).unwrap();
            assert_eq!(sum, hex(digest(&SHA256, &bytes).as_ref()), "{name}");
        }
        assert_eq!(
            hex(digest(&SHA256, b"abc").as_ref()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn says_which_protocol_the_provider_speaks() {
        let manifest: serde_json::Value = serde_json::from_str(MANIFEST).unwrap();
        assert_eq!(
            manifest,
            serde_json::json!({"version": 1, "metadata": {"protocol_versions": ["5.0"]}})
        );
    }

    #[test]
    fn leaves_nothing_of_an_earlier_version_behind() {
        let (folder, binaries) = two_binaries();
        let out = folder.path().join("out");
        pack(&"1.2.2".parse().unwrap(), &binaries, &out).unwrap();
        fs::write(out.join("notes.txt"), "mine").unwrap();
        pack(&version(), &binaries[..1], &out).unwrap();
        assert_eq!(own_files(&out).unwrap().len(), 3);
        assert!(out.join("notes.txt").exists());
    }

    #[test]
    fn gathers_archives_that_were_made_elsewhere() {
        let (folder, binaries) = two_binaries();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let whole = pack(&version(), &binaries, &folder.path().join("whole")).unwrap();
        pack(&version(), &binaries[..1], &one).unwrap();
        let rest = pack(&version(), &binaries[1..], &other).unwrap();
        for archive in rest.archives.values() {
            fs::copy(archive, one.join(archive.file_name().unwrap())).unwrap();
        }
        let gathered = complete(&version(), &one).unwrap();
        assert_eq!(
            fs::read(gathered.checksums).unwrap(),
            fs::read(whole.checksums).unwrap()
        );
    }

    #[test]
    fn refuses_what_a_registry_would_not_take() {
        let (folder, binaries) = two_binaries();
        let out = folder.path().join("out");
        let twice = [binaries[0].clone(), binaries[0].clone()];
        assert!(
            pack(&version(), &twice, &out)
                .unwrap_err()
                .to_string()
                .contains("two binaries")
        );
        let windows = pack(&version(), &binaries[..1], &out).unwrap();
        assert!(
            windows
                .check_publishable()
                .unwrap_err()
                .to_string()
                .contains("linux_amd64")
        );
        let other = complete(&"1.2.4".parse().unwrap(), &out).unwrap_err();
        assert!(
            other
                .to_string()
                .contains("is not an archive of version 1.2.4"),
            "{other}"
        );
        let empty = tempfile::tempdir().unwrap();
        assert!(
            complete(&version(), empty.path())
                .unwrap_err()
                .to_string()
                .contains("no archive")
        );
    }
}
