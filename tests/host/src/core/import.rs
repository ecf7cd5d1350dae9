//! Objects that come from elsewhere: import, and moves from another resource type.

use serde_json::Value as Json;

use super::{Error, Host, Resource, ResourceInstance, Walk};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::pb::tfplugin5 as pb;

/// What an import or a move brought.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The instance, unless it was refused.
    pub instance: Option<ResourceInstance>,
    /// What was said.
    pub diagnostics: Diagnostics,
}

/// The object of another type that a `moved` block names.
#[derive(Clone, Debug)]
pub struct MoveSource {
    /// The other provider's full source address.
    pub provider_address: String,
    /// The other type.
    pub type_name: String,
    /// The schema version under which it is stored.
    pub schema_version: i64,
    /// Its attributes as state has them.
    pub state: Json,
    /// The other provider's private data.
    pub private: Vec<u8>,
}

impl Resource {
    /// `ImportResourceState` and `ReadResource`.
    pub async fn import(&self, id: &str) -> Result<Imported, Error> {
        const RPC: &str = "ImportResourceState";
        let request = pb::import_resource_state::Request {
            type_name: self.type_name.clone(),
            id: id.to_owned(),
            client_capabilities: self.core.settings.in_walk(Walk::Plan),
            identity: None,
        };
        let response = self.core.provider.import_resource_state(request).await?;
        let mut diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        self.check_deferred(RPC, response.deferred.as_ref())?;
        if diagnostics.has_errors() {
            return Ok(Imported {
                instance: None,
                diagnostics,
            });
        }
        let [imported] = response.imported_resources.as_slice() else {
            let message = format!("{} resources, not one", response.imported_resources.len());
            return Err(self
                .violation(RPC, "Import returned no resources", message)
                .into());
        };
        let state = self.decode(RPC, imported.state.as_ref())?;
        if imported.type_name != self.type_name || state.is_null() {
            let message = format!("type {:?}, state {state}", imported.type_name);
            return Err(self
                .violation(RPC, "Provider produced invalid import", message)
                .into());
        }
        self.check_known(RPC, &state)?;
        let instance = ResourceInstance {
            state,
            private: imported.private.clone(),
            tainted: false,
            schema_version: self.schema()?.version,
        };
        let (read, said) = self.read(&instance).await?;
        diagnostics.append(&said);
        if read.is_none() {
            diagnostics.0.push(Diagnostic::by_core(
                "Cannot import non-existent remote object",
                format!("no object with id {id:?}"),
            ));
        }
        let instance = read.filter(|_| !diagnostics.has_errors());
        Ok(Imported {
            instance,
            diagnostics,
        })
    }

    /// `MoveResourceState` and `UpgradeResourceState`; the read that core makes next is part of the
    /// following plan.
    pub async fn move_from(&self, source: &MoveSource) -> Result<Imported, Error> {
        const RPC: &str = "MoveResourceState";
        let core = &self.core;
        if core.settings.host == Host::Terraform && !core.schema.capabilities.move_resource_state {
            let refusal = Diagnostic::by_core("Unsupported `moved` across resource types", "");
            return Ok(Imported {
                instance: None,
                diagnostics: Diagnostics(vec![refusal]),
            });
        }
        let request = pb::move_resource_state::Request {
            source_provider_address: source.provider_address.clone(),
            source_type_name: source.type_name.clone(),
            source_schema_version: source.schema_version,
            source_state: Some(pb::RawState {
                json: source.state.to_string().into_bytes(),
                flatmap: std::collections::HashMap::new(),
            }),
            target_type_name: self.type_name.clone(),
            source_private: source.private.clone(),
            source_identity: None,
            source_identity_schema_version: 0,
        };
        let response = core.provider.move_resource_state(request).await?;
        let mut diagnostics = self.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok(Imported {
                instance: None,
                diagnostics,
            });
        }
        let state = self.decode(RPC, response.target_state.as_ref())?;
        if state.is_null() {
            let message = "null target state without an error";
            return Err(self
                .violation(RPC, "Provider returned invalid result", message)
                .into());
        }
        self.check_known(RPC, &state)?;
        let moved = ResourceInstance {
            state,
            private: response.target_private,
            tainted: false,
            schema_version: self.schema()?.version,
        };
        let (instance, said) = self.upgrade(&moved).await?;
        diagnostics.append(&said);
        Ok(Imported {
            instance,
            diagnostics,
        })
    }
}
