//! The host that is emulated.

use crate::pb::tfplugin5 as pb;

/// The host and its abilities.
#[derive(Clone, Debug)]
pub struct Settings {
    pub host: Host,
    pub terraform_version: String,
    /// Whether requests have client capabilities.
    pub sends_capabilities: bool,
    /// Whether write-only attributes are known and never stored. A host that does not know them sees ordinary ones.
    pub knows_write_only: bool,
    /// Whether resource identities are kept in state and sent back.
    pub has_identity: bool,
}

/// The product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Terraform,
    /// `OpenTofu`: a permitted null argument of a function is an empty message.
    OpenTofu,
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
        let minor = minor(version);
        Self {
            host: Host::Terraform,
            terraform_version: version.to_owned(),
            sends_capabilities: minor >= 9,
            knows_write_only: minor >= 11,
            has_identity: minor >= 12,
        }
    }

    /// `OpenTofu` of this version, such as `1.12.6`. It sends the Terraform version that it is compatible with.
    pub fn opentofu(version: &str) -> Self {
        let minor = minor(version);
        Self {
            host: Host::OpenTofu,
            terraform_version: if minor >= 12 { "1.13.0" } else { version }.to_owned(),
            sends_capabilities: minor >= 11,
            knows_write_only: minor >= 11,
            has_identity: minor >= 12,
        }
    }

    /// The client capabilities of a request. Terraform claims in every apply that deferral is allowed.
    pub fn capabilities(&self, phase: Phase) -> Option<pb::ClientCapabilities> {
        self.sends_capabilities.then_some(pb::ClientCapabilities {
            deferral_allowed: phase == Phase::Apply && self.host == Host::Terraform,
            write_only_attributes_allowed: self.knows_write_only,
        })
    }
}

/// The newest Terraform.
impl Default for Settings {
    fn default() -> Self {
        Self::terraform("1.15.9")
    }
}

fn minor(version: &str) -> u32 {
    let minor = version.split('.').nth(1);
    minor.and_then(|minor| minor.parse().ok()).unwrap_or(0)
}
