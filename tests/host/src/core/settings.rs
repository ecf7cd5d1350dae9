//! Which host is played.

use crate::pb::tfplugin5 as pb;

/// The host and what it can do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who is played.
    pub host: Host,
    /// The version told to `Configure`.
    pub terraform_version: String,
    /// What requests say about the client; `None` for hosts that do not know the field.
    pub capabilities: Option<Capabilities>,
}

/// The two hosts differ in small things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Terraform.
    Terraform,
    /// `OpenTofu`: permitted null arguments are empty messages; `Close` gets the latest private data.
    OpenTofu,
}

/// What the client says that it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Write-only attributes are known and never stored.
    pub write_only_attributes_allowed: bool,
    /// Deferral is claimed to be allowed in the apply walk, where it never is.
    pub deferral_allowed_in_apply: bool,
}

/// Which walk a call belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Validation.
    Validate,
    /// Planning, refreshing, importing.
    Plan,
    /// Applying.
    Apply,
}

impl Settings {
    /// Terraform of this version, such as `1.11.4`.
    pub fn terraform(version: &str) -> Self {
        let minor = minor(version);
        let capabilities = (minor >= 9).then_some(Capabilities {
            write_only_attributes_allowed: minor >= 11,
            deferral_allowed_in_apply: true,
        });
        Self {
            host: Host::Terraform,
            terraform_version: version.to_owned(),
            capabilities,
        }
    }

    /// `OpenTofu` of this version, such as `1.12.6`; it says a Terraform version of its own choosing.
    pub fn opentofu(version: &str) -> Self {
        let minor = minor(version);
        let capabilities = (minor >= 11).then_some(Capabilities {
            write_only_attributes_allowed: true,
            deferral_allowed_in_apply: false,
        });
        let terraform_version = if minor >= 12 { "1.13.0" } else { version }.to_owned();
        Self {
            host: Host::OpenTofu,
            terraform_version,
            capabilities,
        }
    }

    /// Whether the host knows write-only attributes. To one that does not, they are ordinary.
    pub fn knows_write_only(&self) -> bool {
        self.capabilities
            .is_some_and(|capabilities| capabilities.write_only_attributes_allowed)
    }

    /// What a request says.
    pub fn in_walk(&self, walk: Walk) -> Option<pb::ClientCapabilities> {
        self.capabilities
            .map(|capabilities| pb::ClientCapabilities {
                deferral_allowed: walk == Walk::Apply && capabilities.deferral_allowed_in_apply,
                write_only_attributes_allowed: capabilities.write_only_attributes_allowed,
            })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::terraform("1.11.4")
    }
}

fn minor(version: &str) -> u32 {
    version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_say_what_they_can_do() {
        assert_eq!(Settings::terraform("1.5.7").in_walk(Walk::Plan), None);
        let middle = Settings::terraform("1.10.0");
        assert!(!middle.knows_write_only());
        let now = Settings::terraform("1.11.4");
        assert!(now.knows_write_only());
        let deferral = |walk| now.in_walk(walk).is_some_and(|said| said.deferral_allowed);
        assert_eq!(
            [Walk::Validate, Walk::Plan, Walk::Apply].map(deferral),
            [false, false, true]
        );
        let tofu = Settings::opentofu("1.12.6");
        assert_eq!(tofu.terraform_version, "1.13.0");
        assert!(
            !tofu
                .in_walk(Walk::Apply)
                .is_some_and(|said| said.deferral_allowed)
        );
    }
}
