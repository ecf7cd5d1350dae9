//! What a Linux binary wants from the machine it runs on, read from the binary itself.

use std::{fs, path::Path};

use object::{
    Endianness, elf,
    read::elf::{FileHeader, SectionTable},
};

use super::{Error, error::Attempt};

/// How much older systems matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is for this machine and the like.
    Local,
    /// It is for everybody: a binary that needs a newer C library than the floor is refused.
    Everywhere,
}

/// What the binary needs to run, in words.
///
/// # Errors
/// It is for everybody, and it needs too much.
pub fn needs(binary: &Path, reach: Reach) -> Result<String, Error> {
    let bytes = fs::read(binary).attempt("read", binary)?;
    let linkage = Linkage::read(&bytes).map_err(|source| Error::Binary {
        binary: binary.to_owned(),
        source,
    })?;
    let Some(linkage) = linkage else {
        return Ok("needs what the system brings along".to_owned());
    };
    let libraries = linkage.libraries.join(", ");
    match linkage.glibc {
        None if linkage.libraries.is_empty() => Ok("needs no library".to_owned()),
        None => Ok(format!("needs {libraries}")),
        Some(needed) if linkage.is_portable() => {
            Ok(format!("needs glibc {needed} or later ({libraries})"))
        }
        Some(needed) if reach == Reach::Everywhere => Err(Error::Floor {
            binary: binary.to_owned(),
            needed,
        }),
        Some(needed) => Ok(format!(
            "needs glibc {needed} or later ({libraries}), as this machine's linker made it. With cargo-zigbuild installed \
             {GLIBC_FLOOR} is enough; a musl target needs none"
        )),
    }
}

/// The oldest GNU C library that a released binary may need.
pub const GLIBC_FLOOR: GlibcVersion = GlibcVersion {
    major: 2,
    minor: 17,
};

/// A version of the GNU C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GlibcVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl std::fmt::Display for GlibcVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// What an ELF file is linked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linkage {
    /// The newest symbol version of the GNU C library in use; without one it does not matter.
    pub glibc: Option<GlibcVersion>,
    /// The shared libraries that must be there, the loader apart.
    pub libraries: Vec<String>,
}

impl Linkage {
    /// Reads the dynamic section; nothing where the bytes are no ELF file.
    ///
    /// # Errors
    /// It is an ELF file, and a damaged one.
    pub fn read(binary: &[u8]) -> object::Result<Option<Self>> {
        match binary.get(..5) {
            Some([0x7f, b'E', b'L', b'F', 2]) => {
                Self::of::<elf::FileHeader64<Endianness>>(binary).map(Some)
            }
            Some([0x7f, b'E', b'L', b'F', 1]) => {
                Self::of::<elf::FileHeader32<Endianness>>(binary).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether it runs wherever the kernel does, or a GNU C library as old as the floor is.
    pub fn is_portable(&self) -> bool {
        self.glibc.is_none_or(|needed| needed <= GLIBC_FLOOR)
    }

    fn of<Elf: FileHeader<Endian = Endianness>>(binary: &[u8]) -> object::Result<Self> {
        let header = Elf::parse(binary)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, binary)?;
        let dynamic = sections.dynamic_table(endian, binary)?;
        let mut libraries = Vec::new();
        for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
            let library = String::from_utf8_lossy(dynamic.string(entry)?).into_owned();
            if !library.starts_with("ld-linux") && !library.starts_with("ld64") {
                libraries.push(library);
            }
        }
        let versions = needed_versions(&sections, endian, binary)?;
        let glibc = versions
            .iter()
            .filter_map(|version| glibc_version(version))
            .max();
        Ok(Self { glibc, libraries })
    }
}

/// The symbol versions that the binary needs, of all libraries.
fn needed_versions<Elf: FileHeader<Endian = Endianness>>(
    sections: &SectionTable<'_, Elf>,
    endian: Endianness,
    binary: &[u8],
) -> object::Result<Vec<String>> {
    let mut versions = Vec::new();
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, binary)? {
        let strings = sections.strings(endian, binary, link)?;
        while let Some((_, mut entries)) = needs.next()? {
            while let Some(entry) = entries.next()? {
                versions.push(String::from_utf8_lossy(entry.name(endian, strings)?).into_owned());
            }
        }
    }
    Ok(versions)
}

/// `GLIBC_2.34` or `GLIBC_2.2.5`, as numbers.
fn glibc_version(symbol_version: &str) -> Option<GlibcVersion> {
    let mut numbers = symbol_version
        .strip_prefix("GLIBC_")?
        .split('.')
        .map(str::parse);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(GlibcVersion { major, minor })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn compares_glibc_versions_by_number_and_not_by_text() {
        let of = |text| glibc_version(text).unwrap();
        assert!(of("GLIBC_2.4") < of("GLIBC_2.17"));
        assert_eq!(of("GLIBC_2.2.5"), GlibcVersion { major: 2, minor: 2 });
        assert_eq!(glibc_version("GLIBC_PRIVATE"), None);
        assert_eq!(glibc_version("GCC_3.0"), None);
        let needing = |text| Linkage {
            glibc: glibc_version(text),
            libraries: Vec::new(),
        };
        assert!(needing("GLIBC_2.17").is_portable());
        assert!(needing("none").is_portable());
        assert!(!needing("GLIBC_2.18").is_portable());
    }

    #[test]
    fn has_nothing_to_say_about_other_formats() {
        assert_eq!(Linkage::read(b"MZ\x90\x00\x03").unwrap(), None);
        assert_eq!(Linkage::read(b"").unwrap(), None);
        assert!(Linkage::read(b"\x7fELF\x02\x01\x01").is_err());
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn finds_the_library_that_this_very_test_runs_with() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let linkage = Linkage::read(&own).unwrap().unwrap();
        assert!(
            linkage.libraries.iter().any(|name| name == "libc.so.6"),
            "{linkage:?}"
        );
        assert!(
            linkage.glibc.unwrap() >= GlibcVersion { major: 2, minor: 2 },
            "{linkage:?}"
        );
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn tells_what_a_local_build_needs_and_refuses_to_publish_one_that_needs_a_new_library() {
        let own = std::env::current_exe().unwrap();
        let said = needs(&own, Reach::Local).unwrap();
        assert!(said.contains("glibc 2."), "{said}");
        let portable = Linkage::read(&fs::read(&own).unwrap())
            .unwrap()
            .unwrap()
            .is_portable();
        assert_eq!(needs(&own, Reach::Everywhere).is_ok(), portable);
    }
}
