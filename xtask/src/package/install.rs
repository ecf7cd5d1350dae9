//! Where Terraform and `OpenTofu` find a provider that no registry has: folders laid out as a registry's addresses.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{Assets, Error, Version, error::Attempt};

/// Where the archives go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A filesystem mirror, which a CLI configuration file names.
    Mirror(PathBuf),
    /// The folder in which both CLIs look without being told.
    Plugins(PathBuf),
}

impl Place {
    /// The plugins of the user who runs this.
    ///
    /// # Errors
    /// The user has no home.
    pub fn users_plugins() -> Result<Self, Error> {
        let (variable, folder) = if cfg!(windows) {
            ("APPDATA", "terraform.d")
        } else {
            ("HOME", ".terraform.d")
        };
        let home = env::var_os(variable).filter(|home| !home.is_empty());
        let home = PathBuf::from(home.ok_or(Error::NoHome { variable })?);
        Ok(Self::Plugins(home.join(folder).join("plugins")))
    }
}

/// What was installed, and what to write for using it.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The folder above the addresses.
    pub folder: PathBuf,
    /// The CLI configuration file that names it; none where the CLIs look by themselves.
    pub cli_configuration: Option<PathBuf>,
    /// Archives of the same version with other contents that were replaced; lock files still hold their checksums.
    pub replaced: Vec<PathBuf>,
    source: String,
    version: Version,
}

/// Copies the archives into the place, under `namespace` in both public registries' names, so that configurations name no host.
///
/// # Errors
/// A file cannot be read or written.
pub fn install(assets: &Assets, place: &Place, namespace: &str) -> Result<Installed, Error> {
    let (Place::Mirror(folder) | Place::Plugins(folder)) = place;
    // Terraform wants no relative path in its configuration file.
    let folder = std::path::absolute(folder).attempt("find", folder)?;
    let mut replaced = Vec::new();
    for host in HOSTS {
        let address = folder.join(host).join(namespace).join(TYPE);
        fs::create_dir_all(&address).attempt("create", &address)?;
        for archive in assets.archives.values() {
            let copy = address.join(archive.file_name().unwrap_or_default());
            if differs(&copy, archive)? {
                replaced.push(copy.clone());
            }
            fs::copy(archive, &copy).attempt("write", &copy)?;
        }
    }
    let source = format!("{namespace}/{TYPE}");
    let cli_configuration = match place {
        Place::Mirror(_) => Some(write_cli_configuration(&folder, &source)?),
        Place::Plugins(_) => None,
    };
    Ok(Installed {
        folder,
        cli_configuration,
        replaced,
        source,
        version: assets.version.clone(),
    })
}

impl Installed {
    /// The block of a configuration that uses this very version.
    pub fn terraform_block(&self) -> String {
        let Self {
            source, version, ..
        } = self;
        format!(
            "terraform {{\n  required_providers {{\n    {TYPE} = {{\n      source  = {source:?}\n      version = \"{version}\"\n    }}\n  }}\n}}\n"
        )
    }

    /// What to do next, in words.
    pub fn instructions(&self) -> String {
        let mut paragraphs = vec![
            format!("Installed in {}", self.folder.display()),
            format!(
                "In the configuration:\n\n{}",
                self.terraform_block().trim_end()
            ),
        ];
        if let Some(file) = &self.cli_configuration {
            let line = set_variable("TF_CLI_CONFIG_FILE", file);
            paragraphs.push(format!("In the shell:\n\n{line}"));
        }
        if !self.replaced.is_empty() {
            paragraphs.push(format!(
                "Another build of version {} was there before. Where its checksum is locked, delete the block of {} in \
                 .terraform.lock.hcl.",
                self.version, self.source
            ));
        }
        paragraphs.push("Then: terraform init".to_owned());
        paragraphs.join("\n\n")
    }
}

/// Makes the mirror the only origin of this provider, and leaves all others to their registries.
fn write_cli_configuration(folder: &Path, source: &str) -> Result<PathBuf, Error> {
    let file = folder.join(CLI_CONFIGURATION);
    let path = folder.display().to_string();
    let text = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path    = {path:?}\n    include = [{source:?}]\n  }}\n  \
         direct {{\n    exclude = [{source:?}]\n  }}\n}}\n"
    );
    fs::write(&file, text).attempt("write", &file)?;
    Ok(file)
}

/// Whether there is a file with other bytes than the new one's.
fn differs(present: &Path, new: &Path) -> Result<bool, Error> {
    match fs::read(present) {
        Ok(bytes) => Ok(bytes != fs::read(new).attempt("read", new)?),
        Err(_) => Ok(false),
    }
}

fn set_variable(name: &str, value: &Path) -> String {
    if cfg!(windows) {
        format!("$env:{name} = \"{}\"", value.display())
    } else {
        format!("export {name}=\"{}\"", value.display())
    }
}

/// The namespace until there is a published one.
pub const NAMESPACE: &str = "example";

/// The provider's type: the first word of its resources.
const TYPE: &str = "atlas";

/// What Terraform and `OpenTofu` put before a source address without a host.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// The CLI configuration file in a mirror's folder.
const CLI_CONFIGURATION: &str = "atlas.tfrc";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;
    use crate::package::{Platform, pack};

    fn assets(folder: &Path, content: &str) -> Assets {
        let binary = folder.join("binary");
        fs::write(&binary, content).unwrap();
        let platform = Platform::named("linux_amd64").unwrap();
        pack(
            &"1.2.3".parse().unwrap(),
            &[(platform, binary)],
            &folder.join("out"),
        )
        .unwrap()
    }

    #[test]
    fn lays_the_archives_out_under_both_registries_names() {
        let folder = tempfile::tempdir().unwrap();
        let assets = assets(folder.path(), "provider");
        let mirror = folder.path().join("a").join("mirror");
        let installed = install(&assets, &Place::Mirror(mirror.clone()), "corp").unwrap();
        for host in ["registry.terraform.io", "registry.opentofu.org"] {
            let archive = mirror
                .join(host)
                .join("corp/atlas/terraform-provider-atlas_1.2.3_linux_amd64.zip");
            assert!(archive.is_file(), "{}", archive.display());
        }
        let block = installed.terraform_block();
        assert!(
            block.contains("source  = \"corp/atlas\"") && block.contains("version = \"1.2.3\""),
            "{block}"
        );
        let cli = fs::read_to_string(installed.cli_configuration.as_ref().unwrap()).unwrap();
        assert!(
            cli.contains("include = [\"corp/atlas\"]")
                && cli.contains("exclude = [\"corp/atlas\"]"),
            "{cli}"
        );
        let instructions = installed.instructions();
        assert!(
            instructions.contains(&block) && instructions.contains("TF_CLI_CONFIG_FILE"),
            "{instructions}"
        );
        assert!(!instructions.contains("lock"), "{instructions}");
    }

    #[test]
    fn says_when_a_version_was_replaced_by_other_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Mirror(folder.path().join("mirror"));
        let first = assets(folder.path(), "provider");
        install(&first, &place, NAMESPACE).unwrap();
        assert!(
            install(&first, &place, NAMESPACE)
                .unwrap()
                .replaced
                .is_empty()
        );
        let again = install(
            &assets(folder.path(), "another provider"),
            &place,
            NAMESPACE,
        )
        .unwrap();
        assert_eq!(again.replaced.len(), 2);
        assert!(
            again.instructions().contains(".terraform.lock.hcl"),
            "{}",
            again.instructions()
        );
    }
}
