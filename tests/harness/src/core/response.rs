//! Reading the responses about one type, with core's checks.

use serde_json::Value as Json;

use super::{Error, ResourceInstance};
use crate::{
    checks::{compatible, storable, write_only_values},
    diagnostic::Diagnostics,
    error::Problem,
    pb::tfplugin5 as pb,
    schema::Schema,
    value::{decode, is_wholly_known, unknown_as_null},
};

/// The content of state after an apply.
#[derive(Debug)]
pub struct Stored {
    pub instance: Option<ResourceInstance>,
    pub diagnostics: Diagnostics,
    /// The first bug that core would report.
    pub violation: Option<Error>,
}

impl Schema {
    /// What core stores after `ApplyResourceChange`, whatever the response is. `planned` is null for a delete.
    pub fn store(
        &self,
        prior: Option<&ResourceInstance>,
        planned: &Json,
        response: &pb::apply_resource_change::Response,
    ) -> Stored {
        let (diagnostics, mut violation) = match self.diagnostics(APPLY, &response.diagnostics) {
            Ok(diagnostics) => (diagnostics, None),
            Err(violation) => (Diagnostics::default(), Some(violation)),
        };
        let failed = diagnostics.has_errors();
        let mut report = |violations: Result<(), Error>| {
            violation = violation.take().or(violations.err()); // the first finding counts
        };
        let new = decode(response.new_state.as_ref(), &self.block.ty()).and_then(|new| {
            let written = write_only_values(&self.block, &new).into_iter().next();
            written.map_or(Ok(new), Err)
        });
        let instance = match new {
            Err(problem) => {
                report(self.check(APPLY, INVALID_OBJECT, &[problem]));
                prior.cloned()
            }
            Ok(new) if new.is_null() => {
                if !failed && !planned.is_null() {
                    let message = "the object was present, but is now absent";
                    report(Err(self.violation(APPLY, INVALID_RESULT, message)));
                }
                prior.filter(|_| failed || !planned.is_null()).cloned()
            }
            Ok(_) if planned.is_null() && !failed => {
                let message = "the object still exists after its deletion";
                report(Err(self.violation(APPLY, INVALID_RESULT, message)));
                prior.cloned()
            }
            Ok(new) => {
                if !is_wholly_known(&new) {
                    report(self.check(APPLY, INVALID_RESULT, &storable(&self.block, &new)));
                } else if !failed {
                    let problems = compatible(&self.block, planned, &new);
                    report(self.check(APPLY, INCONSISTENT_RESULT, &problems));
                }
                let known = prior.and_then(|prior| prior.identity.as_ref());
                let identity = self.identity(APPLY, response.new_identity.as_ref(), known);
                let identity = identity.unwrap_or_else(|violation| {
                    report(if failed { Ok(()) } else { Err(violation) });
                    known.cloned()
                });
                let wrong = failed || violation.is_some();
                Some(ResourceInstance {
                    state: unknown_as_null(&new),
                    private: response.private.clone(),
                    identity,
                    tainted: prior.map_or(wrong, |prior| prior.tainted),
                    schema_version: self.version,
                })
            }
        };
        Stored { instance, diagnostics, violation }
    }

    pub(crate) fn diagnostics(
        &self,
        method: &str,
        given: &[pb::Diagnostic],
    ) -> Result<Diagnostics, Error> {
        Diagnostics::read(given, &self.block.ty())
            .map_err(|message| self.violation(method, "Malformed diagnostic", message))
    }

    pub(super) fn violation(
        &self,
        method: &str,
        summary: &str,
        message: impl Into<String>,
    ) -> Error {
        Error::violation(method, &self.name, summary, message)
    }

    /// `Err` if there is a finding.
    pub(super) fn check(
        &self,
        method: &str,
        summary: &str,
        problems: &[Problem],
    ) -> Result<(), Error> {
        if problems.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        Err(self.violation(method, summary, lines.concat()))
    }

    /// No host that is emulated accepts a deferral.
    pub(super) fn not_deferred(
        &self,
        method: &str,
        deferred: Option<pb::Deferred>,
    ) -> Result<(), Error> {
        let summary = "Provider deferred changes when Terraform did not allow deferrals";
        deferred.map_or(Ok(()), |it| Err(self.violation(method, summary, format!("{it:?}"))))
    }

    pub(super) fn object(
        &self,
        method: &str,
        given: Option<&pb::DynamicValue>,
    ) -> Result<Json, Error> {
        decode(given, &self.block.ty())
            .map_err(|problem| self.violation(method, INVALID_OBJECT, problem.to_string()))
    }

    /// An object that core stores.
    pub(super) fn stored_object(
        &self,
        method: &str,
        given: Option<&pb::DynamicValue>,
    ) -> Result<Json, Error> {
        let object = self.object(method, given)?;
        if object.is_null() {
            return Err(self.violation(method, "Provider produced null object", ""));
        }
        self.check(method, INVALID_OBJECT, &storable(&self.block, &object))?;
        Ok(object)
    }

    /// The identity of an object that exists. It is wholly known except in a plan, and equal to an earlier one.
    pub(super) fn identity(
        &self,
        method: &str,
        given: Option<&pb::ResourceIdentityData>,
        earlier: Option<&Json>,
    ) -> Result<Option<Json>, Error> {
        let Some(ty) = &self.identity else {
            return Ok(None);
        };
        let summary = "Provider produced invalid identity";
        let identity = decode(given.and_then(|given| given.identity_data.as_ref()), ty)
            .map_err(|problem| self.violation(method, summary, problem.to_string()))?;
        if identity.is_null() || !(method == PLAN || is_wholly_known(&identity)) {
            return Err(self.violation(method, summary, identity.to_string()));
        }
        if let Some(earlier) = earlier.filter(|earlier| **earlier != identity) {
            let message = format!("was {earlier}, but now {identity}");
            return Err(self.violation(method, "Provider changed the identity", message));
        }
        Ok(Some(identity))
    }
}

pub(super) const PLAN: &str = "plan_resource_change";
const APPLY: &str = "apply_resource_change";
const INVALID_OBJECT: &str = "Provider produced invalid object";
const INVALID_RESULT: &str = "Provider returned invalid result object after apply";
const INCONSISTENT_RESULT: &str = "Provider produced inconsistent result after apply";
