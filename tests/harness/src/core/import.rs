//! Objects from elsewhere: import, and moves from another resource type.

use serde_json::Value as Json;

use super::{
    Error, Host, Phase, Resource, ResourceInstance, check_deferred, resource::raw_state, rpc,
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    pb::tfplugin5 as pb,
};

/// The result of an import or a move.
#[derive(Clone, Debug)]
pub struct Imported {
    pub instance: Option<ResourceInstance>,
    pub diagnostics: Diagnostics,
}

/// The object of another type that a `moved` block names.
#[derive(Clone, Debug)]
pub struct MoveSource {
    /// The other provider's full source address.
    pub provider_address: String,
    pub type_name: String,
    /// The schema version under which the object is stored.
    pub schema_version: i64,
    pub state: Json,
    pub private: Vec<u8>,
}

impl Resource {
    /// `ImportResourceState` and `ReadResource`, as `terraform import`.
    pub async fn import(&self, id: &str) -> Result<Imported, Error> {
        self.import_by(id, None).await
    }

    /// The same with `import { identity = ... }`.
    pub async fn import_by_identity(&self, identity: &Json) -> Result<Imported, Error> {
        self.import_by("", Some(identity)).await
    }

    async fn import_by(&self, id: &str, identity: Option<&Json>) -> Result<Imported, Error> {
        const RPC: &str = "ImportResourceState";
        let reader = self.reader()?;
        let request = pb::import_resource_state::Request {
            type_name: self.type_name.clone(),
            id: id.to_owned(),
            client_capabilities: self.core.settings.capabilities(Phase::Plan),
            identity: self.encode_identity(identity),
        };
        let response = rpc!(self.core.provider, import_resource_state, request);
        check_deferred(RPC, &self.type_name, response.deferred)?;
        let mut diagnostics = reader.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok(Imported { instance: None, diagnostics });
        }
        let [imported] = response.imported_resources.as_slice() else {
            let message = format!("{} resources", response.imported_resources.len());
            return Err(reader
                .violation(RPC, "Import did not return one resource", message)
                .into());
        };
        if imported.type_name != self.type_name {
            let message = format!("type {:?}", imported.type_name);
            return Err(reader.violation(RPC, "Provider produced invalid import", message).into());
        }
        let instance = ResourceInstance {
            state: reader.stored_object(RPC, imported.state.as_ref())?,
            private: imported.private.clone(),
            identity: reader.identity(RPC, imported.identity.as_ref(), identity)?,
            tainted: false,
            schema_version: self.schema()?.version,
        };
        let (read, reading) = self.read(&instance).await?;
        diagnostics.append(reading);
        if read.is_none() {
            let summary = "Cannot import non-existent remote object";
            diagnostics.0.push(Diagnostic::by_core(summary, format!("no object with id {id:?}")));
        }
        let instance = read.filter(|_| !diagnostics.has_errors());
        Ok(Imported { instance, diagnostics })
    }

    /// `MoveResourceState` and `UpgradeResourceState`; the following plan reads the object.
    pub async fn move_from(&self, source: &MoveSource) -> Result<Imported, Error> {
        const RPC: &str = "MoveResourceState";
        let reader = self.reader()?;
        let (core, refused) = (&self.core, |diagnostics| Imported { instance: None, diagnostics });
        if core.settings.host == Host::Terraform && !core.schema.capabilities.move_resource_state {
            let refusal = Diagnostic::by_core("Unsupported `moved` across resource types", "");
            return Ok(refused(Diagnostics(vec![refusal])));
        }
        let request = pb::move_resource_state::Request {
            source_provider_address: source.provider_address.clone(),
            source_type_name: source.type_name.clone(),
            source_schema_version: source.schema_version,
            source_state: Some(raw_state(&source.state)),
            target_type_name: self.type_name.clone(),
            source_private: source.private.clone(),
            source_identity: None,
            source_identity_schema_version: 0,
        };
        let response = rpc!(core.provider, move_resource_state, request);
        let mut diagnostics = reader.diagnostics(RPC, &response.diagnostics)?;
        if diagnostics.has_errors() {
            return Ok(refused(diagnostics));
        }
        let moved = ResourceInstance {
            state: reader.stored_object(RPC, response.target_state.as_ref())?,
            private: response.target_private,
            identity: reader.identity(RPC, response.target_identity.as_ref(), None)?,
            tainted: false,
            schema_version: self.schema()?.version,
        };
        let (instance, upgrading) = self.upgrade(&moved).await?;
        diagnostics.append(upgrading);
        Ok(Imported { instance, diagnostics })
    }
}
