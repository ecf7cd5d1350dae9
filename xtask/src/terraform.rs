//! The Terraform or `OpenTofu` of this machine, and the environment of the provider.

use std::path::Path;

use anyhow::{Context, Error, Result, ensure};
use local_atlas::LocalAtlas;
use tf_harness::cli::{Cli, Version};

/// The executable at `path`; otherwise `TERRAFORM_CLI`, or terraform or tofu on PATH. The provider supports its version.
pub(crate) fn find(path: Option<&Path>) -> Result<(Cli, Version)> {
    let cli = path.map_or_else(Cli::find, Cli::at).map_err(Error::msg)?;
    let shown = cli.path().display();
    let version = cli.version().ok().filter(|version| version.major > 0);
    let version = version.with_context(|| format!("{shown} is not Terraform or OpenTofu"))?;
    ensure!(
        version.has(5, 6),
        "{version} is too old: Terraform 1.5 or OpenTofu 1.6, or later, is required"
    );
    Ok((cli, version))
}

/// The variables with which the provider finds a local Atlas.
pub(crate) fn credentials(atlas: &LocalAtlas) -> [(&'static str, String); 3] {
    let credentials = atlas.control().credentials();
    [
        ("MONGODB_ATLAS_BASE_URL", atlas.base_url()),
        ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
        ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_cli_is_named() {
        let error = find(Some(Path::new("/no/such/tofu"))).err().map(|error| error.to_string());
        let expected = "there is no Terraform or OpenTofu binary at /no/such/tofu";
        assert_eq!(error.as_deref(), Some(expected));
    }
}
