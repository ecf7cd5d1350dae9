//! Reading the responses about a managed resource, with core's checks.

use serde_json::Value as Json;

use super::{INVALID_OBJECT, ResourceInstance, check, decoded};
use crate::{
    checks::{Problem, Violation, compatible, storable, write_only_values},
    diagnostic::Diagnostics,
    pb::tfplugin5 as pb,
    schema::Schema,
    value::{Type, decode, is_wholly_known, unknown_as_null},
};

/// Reads the responses about one resource type.
#[derive(Clone, Copy, Debug)]
pub struct ResponseReader<'a> {
    pub type_name: &'a str,
    pub schema: &'a Schema,
    /// The type of its identity, if host and provider have identities.
    pub identity: Option<&'a Type>,
}

/// The content of state after an apply.
#[derive(Debug)]
pub struct Stored {
    pub instance: Option<ResourceInstance>,
    pub diagnostics: Diagnostics,
    /// The first bug that core would report.
    pub violation: Option<Violation>,
}

impl ResponseReader<'_> {
    /// What core stores after `ApplyResourceChange`, whatever the response is. `planned` is null for a delete.
    pub fn store(
        &self,
        prior: Option<&ResourceInstance>,
        planned: &Json,
        response: &pb::apply_resource_change::Response,
    ) -> Stored {
        let block = &self.schema.block;
        let mut stored = Stored {
            instance: prior.cloned(),
            diagnostics: Diagnostics::default(),
            violation: None,
        };
        match self.diagnostics(APPLY, &response.diagnostics) {
            Ok(diagnostics) => stored.diagnostics = diagnostics,
            Err(violation) => stored.violation = Some(violation),
        }
        let failed = stored.diagnostics.has_errors();
        let new = match decode(response.new_state.as_ref(), &block.ty()) {
            Ok(new) => new,
            Err(mismatch) => return self.report(stored, INVALID_OBJECT, vec![mismatch.into()]),
        };
        let written = write_only_values(block, &new);
        if !written.is_empty() {
            return self.report(stored, INVALID_OBJECT, written);
        }
        match (new.is_null(), planned.is_null()) {
            (true, true) if !failed => {
                stored.instance = None;
                return stored;
            }
            (true, _) if failed => return stored,
            (true, _) => {
                let problem = Problem::new("", "the object was present, but is now absent");
                return self.report(stored, INVALID_RESULT, vec![problem]);
            }
            (false, true) if !failed => {
                let problem = Problem::new("", "the object still exists after its deletion");
                return self.report(stored, INVALID_RESULT, vec![problem]);
            }
            (false, _) => {}
        }
        if !is_wholly_known(&new) {
            stored = self.report(stored, INVALID_RESULT, storable(block, &new));
        } else if !failed {
            stored = self.report(stored, INCONSISTENT_RESULT, compatible(block, planned, &new));
        }
        let known = prior.and_then(|prior| prior.identity.as_ref());
        let mut identity = known.cloned();
        match self.identity(APPLY, response.new_identity.as_ref(), known) {
            Ok(new) => identity = new,
            Err(_) if failed => {}
            Err(violation) => stored.violation = stored.violation.or(Some(violation)),
        }
        let wrong = failed || stored.violation.is_some();
        stored.instance = Some(ResourceInstance {
            state: unknown_as_null(&new),
            private: response.private.clone(),
            identity,
            tainted: prior.map_or(wrong, |prior| prior.tainted),
            schema_version: self.schema.version,
        });
        stored
    }

    pub(super) fn diagnostics(
        &self,
        rpc: &'static str,
        given: &[pb::Diagnostic],
    ) -> Result<Diagnostics, Violation> {
        Diagnostics::read(rpc, self.type_name, given, Some(&self.schema.block.ty()))
    }

    pub(super) fn violation(
        &self,
        rpc: &'static str,
        summary: &str,
        message: impl Into<String>,
    ) -> Violation {
        Violation::new(rpc, self.type_name, summary, message)
    }

    pub(super) fn check(
        &self,
        rpc: &'static str,
        summary: &str,
        problems: Vec<Problem>,
    ) -> Result<(), Violation> {
        check(rpc, self.type_name, summary, problems)
    }

    pub(super) fn object(
        &self,
        rpc: &'static str,
        given: Option<&pb::DynamicValue>,
    ) -> Result<Json, Violation> {
        decoded(rpc, self.type_name, given, &self.schema.block.ty())
    }

    /// An object that core stores.
    pub(super) fn stored_object(
        &self,
        rpc: &'static str,
        given: Option<&pb::DynamicValue>,
    ) -> Result<Json, Violation> {
        let object = self.object(rpc, given)?;
        if object.is_null() {
            return Err(self.violation(rpc, "Provider lost the object", "null"));
        }
        self.check(rpc, INVALID_OBJECT, storable(&self.schema.block, &object))?;
        Ok(object)
    }

    /// The identity of an object that exists. It is wholly known except in a plan, and equal to an earlier one.
    pub(super) fn identity(
        &self,
        rpc: &'static str,
        given: Option<&pb::ResourceIdentityData>,
        earlier: Option<&Json>,
    ) -> Result<Option<Json>, Violation> {
        let Some(ty) = self.identity else {
            return Ok(None);
        };
        let given = given.and_then(|given| given.identity_data.as_ref());
        let identity = decoded(rpc, self.type_name, given, ty)?;
        if identity.is_null() || !(rpc == PLAN || is_wholly_known(&identity)) {
            return Err(self.violation(
                rpc,
                "Provider produced invalid identity",
                identity.to_string(),
            ));
        }
        if let Some(earlier) = earlier.filter(|earlier| **earlier != identity) {
            let message = format!("was {earlier}, but now {identity}");
            return Err(self.violation(rpc, "Provider changed the identity", message));
        }
        Ok(Some(identity))
    }

    /// The first finding counts.
    fn report(&self, mut stored: Stored, summary: &str, problems: Vec<Problem>) -> Stored {
        let violation = self.check(APPLY, summary, problems).err();
        stored.violation = stored.violation.or(violation);
        stored
    }
}

pub(super) const PLAN: &str = "PlanResourceChange";
const APPLY: &str = "ApplyResourceChange";
const INVALID_RESULT: &str = "Provider returned invalid result object after apply";
const INCONSISTENT_RESULT: &str = "Provider produced inconsistent result after apply";
