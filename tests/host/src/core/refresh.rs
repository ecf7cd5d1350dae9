//! State meets the real world.

use super::{Error, Resource, ResourceInstance};
use crate::diagnostic::Diagnostics;
use crate::value::Value;

/// What a refresh did.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// What was said.
    pub diagnostics: Diagnostics,
    /// The top-level attributes that differ from before, in order.
    pub changed: Vec<String>,
    /// Whether the object is gone.
    pub removed: bool,
    /// Whether the private data differ from before.
    pub private_changed: bool,
}

impl Resource {
    /// `UpgradeResourceState` and `ReadResource`. On any error the instance stays as it was.
    pub async fn refresh(
        &self,
        instance: &mut Option<ResourceInstance>,
    ) -> Result<Refreshed, Error> {
        let nothing = |diagnostics| Refreshed {
            diagnostics,
            changed: Vec::new(),
            removed: false,
            private_changed: false,
        };
        let Some(before) = instance.clone() else {
            return Ok(nothing(Diagnostics::default()));
        };
        let (upgraded, mut diagnostics) = self.upgrade(&before).await?;
        let Some(upgraded) = upgraded else {
            return Ok(nothing(diagnostics));
        };
        let (after, read) = self.read(&upgraded).await?;
        diagnostics.append(&read);
        if diagnostics.has_errors() {
            return Ok(nothing(diagnostics));
        }
        let null = Value::Null;
        let refreshed = Refreshed {
            diagnostics,
            changed: match &after {
                Some(after) => upgraded.state.changed_attributes(&after.state),
                None => upgraded.state.changed_attributes(&null),
            },
            removed: after.is_none(),
            private_changed: after
                .as_ref()
                .is_some_and(|after| after.private != before.private),
        };
        *instance = after;
        Ok(refreshed)
    }
}
