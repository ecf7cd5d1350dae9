//! The host that is emulated.

use crate::pb::tfplugin5 as pb;

/// The host and its abilities.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each ability came with another version")]
pub struct Settings {
    /// `OpenTofu`: a permitted null argument of a function is an empty message.
    pub(super) is_opentofu: bool,
    pub(super) terraform_version: String,
    /// Whether requests have client capabilities.
    pub(super) sends_capabilities: bool,
    /// Whether write-only attributes are known and never stored. A host that does not know them sees ordinary ones.
    pub(super) knows_write_only: bool,
    /// Whether resource identities are kept in state and sent back.
    pub(super) has_identity: bool,
}

/// The part of a command that a call belongs to; core calls it a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Validate,
    /// Planning, refreshing, importing.
    Plan,
    Apply,
}

impl Settings {
    /// Terraform of this version, such as `1.11.4`.
    pub fn terraform(version: &str) -> Self {
        Self::new(false, version, 9)
    }

    /// `OpenTofu` of this version, such as `1.12.6`. It sends the Terraform version that it is compatible with.
    pub fn opentofu(version: &str) -> Self {
        let mut settings = Self::new(true, version, 11);
        if settings.has_identity {
            "1.13.0".clone_into(&mut settings.terraform_version);
        }
        settings
    }

    /// The client capabilities of a request. Terraform claims in every apply that deferral is allowed.
    pub fn capabilities(&self, phase: Phase) -> Option<pb::ClientCapabilities> {
        self.sends_capabilities.then_some(pb::ClientCapabilities {
            deferral_allowed: phase == Phase::Apply && !self.is_opentofu,
            write_only_attributes_allowed: self.knows_write_only,
        })
    }

    fn new(is_opentofu: bool, version: &str, sends_capabilities_since: u32) -> Self {
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0);
        Self {
            is_opentofu,
            terraform_version: version.to_owned(),
            sends_capabilities: minor >= sends_capabilities_since,
            knows_write_only: minor >= 11,
            has_identity: minor >= 12,
        }
    }
}

/// The newest Terraform.
impl Default for Settings {
    fn default() -> Self {
        Self::terraform("1.15.9")
    }
}
