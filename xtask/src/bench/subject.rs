//! What is measured: a configuration of `n` resources, of a provider or of Terraform's own.

use std::{fs, path::Path};

use super::server::PROJECT;
use crate::Failure;

/// A configuration that takes the number of resources as the variable `n`.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    /// The provider's source address, if it has one.
    pub(super) source: Option<String>,
    pub(super) files: Vec<(String, String)>,
}

impl Subject {
    /// Our resource with nothing but what is required.
    pub(super) fn plain() -> Self {
        Self::ours("atlas_user_certificate", "")
    }

    /// The same with the key sealed.
    pub(super) fn sealed() -> Self {
        Self::ours(
            "atlas_user_certificate, sealed",
            &format!("  private_key_recipients = [\"{RECIPIENT}\"]\n"),
        )
    }

    /// `terraform_data` with an input of so many bytes, which state holds twice.
    pub(super) fn yardstick(name: &str, input_bytes: usize) -> Self {
        let text = "x".repeat(input_bytes);
        let resource = format!(
            "resource \"terraform_data\" \"bench\" {{\n  count = var.n\n  input = \"{text}\"\n}}\n"
        );
        Self {
            name: name.to_owned(),
            source: None,
            files: vec![("main.tf".to_owned(), VARIABLE.to_owned() + &resource)],
        }
    }

    /// Another provider's configuration.
    pub(super) fn foreign(binary: &Path, folder: &Path) -> Result<Self, Failure> {
        let unreadable =
            |error| Failure::Failed(format!("{} cannot be read: {error}", folder.display()));
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                files.push((
                    file_name(&path),
                    fs::read_to_string(&path).map_err(unreadable)?,
                ));
            }
        }
        let name = file_name(binary);
        let sources = files
            .iter()
            .flat_map(|(_, text)| text.lines())
            .filter_map(source);
        let source = sources.map(str::to_owned).find(|source| {
            source
                .rsplit('/')
                .next()
                .is_some_and(|kind| name.starts_with(&format!("terraform-provider-{kind}")))
        });
        if source.is_none() {
            return Err(Failure::Failed(format!(
                "no *.tf file in {} requires a provider whose binary could be {name}",
                folder.display()
            )));
        }
        Ok(Self {
            name,
            source,
            files,
        })
    }

    fn ours(name: &str, more: &str) -> Self {
        let resource = format!(
            "terraform {{\n  required_providers {{\n    atlas = {{\n      source = \"{SOURCE}\"\n    }}\n  }}\n}}\n\n\
             resource \"atlas_user_certificate\" \"bench\" {{\n  count = var.n\n  project_id = \"{PROJECT}\"\n  \
             username = \"bench-${{count.index}}\"\n{more}}}\n"
        );
        Self {
            name: name.to_owned(),
            source: Some(SOURCE.to_owned()),
            files: vec![("main.tf".to_owned(), VARIABLE.to_owned() + &resource)],
        }
    }
}

/// The address in a line such as `source = "hashicorp/tls"`.
fn source(line: &str) -> Option<&str> {
    let value = line
        .trim()
        .strip_prefix("source")?
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    value.strip_prefix('"')?.split('"').next()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

const SOURCE: &str = tf_host::cli::SOURCE;
const VARIABLE: &str = "variable \"n\" {\n  type = number\n}\n\n";
/// Nobody kept its key.
const RECIPIENT: &str = "age175y9u70yj7jxwytt9u3uazvt9j2xl2c7gj4sa6yk40pttg7u4qgqfjjtg8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_in_its_line_and_nowhere_else() {
        assert_eq!(
            source("      source  = \"hashicorp/tls\""),
            Some("hashicorp/tls")
        );
        assert_eq!(source("source=\"a/b\" # c"), Some("a/b"));
        assert_eq!(source("  sources = []"), None);
        assert_eq!(source("version = \"1\""), None);
    }
}
