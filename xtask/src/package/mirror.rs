//! Folders in which Terraform and `OpenTofu` find a provider without a registry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use semver::Version;

use super::{archive::executable_name, assets::Assets, host_platform};
use crate::project::PROVIDER;

/// The first part of the source address until the provider is published.
pub const NAMESPACE: &str = "example";

/// The provider's type: the prefix of its resource types.
const TYPE: &str = "atlas";

/// The hosts that Terraform and `OpenTofu` put before a source address without a host.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// A folder in the layout of a filesystem mirror.
#[derive(Clone, Debug)]
pub struct Mirror {
    folder: PathBuf,
    namespace: String,
}

impl Mirror {
    /// A mirror that is used through a CLI configuration file; nothing is written yet.
    ///
    /// # Errors
    /// The folder cannot be made absolute, as CLI configuration files require.
    pub fn new(folder: &Path, namespace: &str) -> Result<Self> {
        Ok(Self { folder: std::path::absolute(folder)?, namespace: namespace.to_owned() })
    }

    /// Places an executable, unpacked, and returns the CLI configuration file.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn link(&self, binary: &Path, version: &Version) -> Result<PathBuf> {
        let platform = host_platform()?;
        for address in self.addresses() {
            let folder = address.join(version.to_string()).join(&platform);
            fs::create_dir_all(&folder)?;
            let link = folder.join(executable_name(PROVIDER, version, &platform));
            if fs::hard_link(binary, &link).is_err() {
                fs::copy(binary, &link)?;
            }
        }
        self.write_cli_configuration()
    }

    /// Copies the archives, under the host names of both public registries.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn install(&self, assets: &Assets) -> Result<Installed> {
        for address in self.addresses() {
            fs::create_dir_all(&address)?;
            for archive in assets.archives.values() {
                let copy = address.join(archive.file_name().unwrap_or_default());
                fs::copy(archive, &copy).with_context(|| copy.display().to_string())?;
            }
        }
        let (cli_configuration, version) =
            (self.write_cli_configuration()?, assets.version.clone());
        Ok(Installed { cli_configuration, mirror: self.clone(), version })
    }

    /// The mirror becomes the only origin of this provider. All others come from their registries.
    fn write_cli_configuration(&self) -> Result<PathBuf> {
        let file = self.folder.join("atlas.tfrc");
        let (path, source) = (self.folder.display().to_string(), self.source());
        let text = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path    = {path:?}\n    include = [{source:?}]\n  }}\n  \
             direct {{\n    exclude = [{source:?}]\n  }}\n}}\n"
        );
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        Ok(file)
    }

    fn source(&self) -> String {
        format!("{}/{TYPE}", self.namespace)
    }

    fn addresses(&self) -> [PathBuf; 2] {
        HOSTS.map(|host| self.folder.join(host).join(&self.namespace).join(TYPE))
    }
}

/// An installed package.
#[derive(Debug)]
pub struct Installed {
    /// The CLI configuration file.
    pub cli_configuration: PathBuf,
    mirror: Mirror,
    version: Version,
}

impl Installed {
    /// The configuration block that requires this version.
    pub fn terraform_block(&self) -> String {
        format!(
            "terraform {{\n  required_providers {{\n    {TYPE} = {{\n      source  = {:?}\n      version = \"{}\"\n    }}\n  }}\n}}\n",
            self.mirror.source(),
            self.version
        )
    }

    /// The next steps.
    pub fn instructions(&self) -> String {
        let shell =
            if cfg!(windows) { "$env:TF_CLI_CONFIG_FILE =" } else { "export TF_CLI_CONFIG_FILE=" };
        format!(
            "Installed in {}\n\nIn the configuration:\n\n{}\nIn the shell:\n\n{shell}{:?}\n\nThen run: terraform init",
            self.mirror.folder.display(),
            self.terraform_block(),
            self.cli_configuration.display().to_string()
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::package::{checksums, pack};

    #[test]
    fn a_mirror_serves_both_registries_and_says_how_to_use_it() {
        let folder = tempfile::tempdir().unwrap();
        let (binary, version) = (folder.path().join("binary"), "1.2.3".parse().unwrap());
        fs::write(&binary, "provider").unwrap();
        pack(PROVIDER, &version, "linux_amd64", &binary, folder.path()).unwrap();
        let assets = checksums(PROVIDER, &version, folder.path()).unwrap();
        let mirror = Mirror::new(&folder.path().join("mirror"), "corp").unwrap();
        let installed = mirror.install(&assets).unwrap();
        for host in HOSTS {
            let archive =
                format!("mirror/{host}/corp/atlas/terraform-provider-atlas_1.2.3_linux_amd64.zip");
            assert!(folder.path().join(archive).is_file());
        }
        let configuration = fs::read_to_string(&installed.cli_configuration).unwrap();
        assert!(configuration.contains("include = [\"corp/atlas\"]"), "{configuration}");
        assert!(configuration.contains("exclude = [\"corp/atlas\"]"), "{configuration}");
        let instructions = installed.instructions();
        assert!(instructions.contains(&installed.terraform_block()), "{instructions}");
        assert!(instructions.contains("TF_CLI_CONFIG_FILE"), "{instructions}");
    }
}
