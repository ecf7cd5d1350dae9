//! What core stores after an apply, whatever the provider answered.

use super::ResourceInstance;
use crate::assert;
use crate::diagnostic::Diagnostics;
use crate::path::Path;
use crate::pb::tfplugin5 as pb;
use crate::schema::Schema;
use crate::value::Value;
use crate::violation::{Problem, Violation};
use crate::wire;

/// What an apply call was to achieve.
pub(super) struct Applied<'a> {
    pub(super) type_name: &'a str,
    pub(super) schema: &'a Schema,
    /// The object before; `None` on a create.
    pub(super) prior: Option<&'a ResourceInstance>,
    /// What was planned; null on a delete.
    pub(super) planned: &'a Value,
}

/// What is in state after it.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) instance: Option<ResourceInstance>,
    pub(super) diagnostics: Diagnostics,
    /// Everything that core would blame the provider for.
    pub(super) violation: Option<Violation>,
}

impl Applied<'_> {
    /// The outcome table of `ApplyResourceChange`.
    pub(super) fn settle(&self, response: pb::apply_resource_change::Response) -> Settled {
        let block = &self.schema.block;
        let ty = block.ty();
        let mut settled = Settled {
            instance: self.prior.cloned(),
            diagnostics: Diagnostics::default(),
            violation: None,
        };
        match Diagnostics::read(RPC, self.type_name, &response.diagnostics, Some(&ty)) {
            Ok(diagnostics) => settled.diagnostics = diagnostics,
            Err(violation) => settled.violation = Some(violation),
        }
        if response.legacy_type_system {
            let problem = Problem::new(&Path::root(), "the flag is reserved for an old SDK");
            self.blame(&mut settled, "legacy_type_system is set", vec![problem]);
        }
        let new = match wire::decode(response.new_state.as_ref(), &ty) {
            Ok(new) => new,
            Err(error) => {
                let problem = Problem::new(&error.path, error.problem);
                self.blame(
                    &mut settled,
                    "Provider produced invalid object",
                    vec![problem],
                );
                return settled;
            }
        };
        let written = assert::write_only_values(block, &new);
        if !written.is_empty() {
            self.blame(&mut settled, "Provider produced invalid object", written);
            return settled;
        }
        let failed = settled.diagnostics.has_errors();
        let misplaced = match (new.is_null(), self.planned.is_null()) {
            (true, true) if !failed => {
                settled.instance = None;
                return settled;
            }
            (true, _) if failed => return settled,
            (true, _) => Some("root object was present, but now absent"),
            (false, true) if !failed => Some("the object still exists after its deletion"),
            (false, _) => None,
        };
        if let Some(message) = misplaced {
            self.blame(
                &mut settled,
                INVALID_RESULT,
                vec![Problem::new(&Path::root(), message)],
            );
            return settled;
        }
        let mut problems = assert::conforms(block, &new);
        if !new.is_wholly_known() {
            self.blame(&mut settled, INVALID_RESULT, assert::unknowns(&new));
        } else if !failed {
            problems.extend(assert::compatible(block, self.planned, &new));
        }
        if !problems.is_empty() {
            let summary = "Provider produced inconsistent result after apply";
            self.blame(&mut settled, summary, problems);
        }
        let wrong = failed || settled.violation.is_some();
        settled.instance = Some(ResourceInstance {
            state: new.unknown_as_null(),
            private: response.private,
            tainted: self.prior.map_or(wrong, |prior| prior.tainted),
            schema_version: self.schema.version,
        });
        settled
    }

    /// The first finding counts.
    fn blame(&self, settled: &mut Settled, summary: &str, problems: Vec<Problem>) {
        settled.violation.get_or_insert_with(|| Violation {
            rpc: RPC,
            subject: self.type_name.to_owned(),
            summary: summary.to_owned(),
            problems,
        });
    }
}

const RPC: &str = "ApplyResourceChange";
const INVALID_RESULT: &str = "Provider returned invalid result object after apply";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::convert;
    use crate::schema::tests::example;
    use crate::value::unknown;

    fn schema() -> Schema {
        Schema {
            version: 2,
            block: example(),
        }
    }

    fn object(json: serde_json::Value) -> Value {
        convert::block(json.into(), &example()).unwrap()
    }

    fn instance(name: &str) -> ResourceInstance {
        ResourceInstance {
            state: object(json!({ "name": name })).with("id", "1"),
            private: b"old".to_vec(),
            tainted: false,
            schema_version: 2,
        }
    }

    fn response(new: &Value, error: bool) -> pb::apply_resource_change::Response {
        let diagnostic = pb::Diagnostic {
            severity: 1,
            summary: "no".into(),
            ..Default::default()
        };
        pb::apply_resource_change::Response {
            new_state: Some(wire::encode(new, &example().ty())),
            private: b"new".to_vec(),
            diagnostics: if error { vec![diagnostic] } else { Vec::new() },
            ..Default::default()
        }
    }

    fn settle(
        prior: Option<&ResourceInstance>,
        planned: &Value,
        response: pb::apply_resource_change::Response,
    ) -> Settled {
        Applied {
            type_name: "x",
            schema: &schema(),
            prior,
            planned,
        }
        .settle(response)
    }

    fn blame(settled: &Settled) -> String {
        settled
            .violation
            .as_ref()
            .map(Violation::to_string)
            .unwrap_or_default()
    }

    #[test]
    fn a_good_result_is_stored_with_its_private_data() {
        let planned = object(json!({ "name": "n", "id": unknown() }));
        let new = planned.clone().with("id", "7");
        let settled = settle(None, &planned, response(&new, false));
        assert_eq!(blame(&settled), "");
        let stored = settled.instance.unwrap();
        assert_eq!((stored.state, stored.private), (new, b"new".to_vec()));
        assert_eq!((stored.tainted, stored.schema_version), (false, 2));
    }

    #[test]
    fn an_object_with_an_error_is_stored_and_tainted_only_by_a_create() {
        let planned = object(json!({ "name": "n", "id": unknown() }));
        let partial = planned.clone().with("id", Value::Null);
        let created = settle(None, &planned, response(&partial, true));
        assert_eq!(blame(&created), "");
        assert!(created.instance.unwrap().tainted);
        let prior = instance("old");
        let updated = settle(Some(&prior), &planned, response(&prior.state, true));
        let stored = updated.instance.unwrap();
        assert_eq!((stored.state == prior.state, stored.tainted), (true, false));
    }

    #[test]
    fn null_with_an_error_keeps_what_was_there() {
        let planned = object(json!({ "name": "n" }));
        let prior = instance("old");
        assert_eq!(
            settle(None, &planned, response(&Value::Null, true)).instance,
            None
        );
        for planned in [&planned, &Value::Null] {
            let settled = settle(Some(&prior), planned, response(&Value::Null, true));
            assert_eq!(settled.instance, Some(prior.clone()));
        }
    }

    #[test]
    fn null_means_gone_after_a_delete_and_is_a_bug_after_anything_else() {
        let prior = instance("old");
        let deleted = settle(Some(&prior), &Value::Null, response(&Value::Null, false));
        assert_eq!((blame(&deleted), deleted.instance), (String::new(), None));
        let vanished = settle(Some(&prior), &prior.state, response(&Value::Null, false));
        assert!(blame(&vanished).contains(INVALID_RESULT));
        let stayed = settle(Some(&prior), &Value::Null, response(&prior.state, false));
        assert!(blame(&stayed).contains(INVALID_RESULT));
    }

    #[test]
    fn a_write_only_value_loses_a_created_object() {
        let planned = object(json!({ "name": "n" }));
        let leaking = planned.clone().with("password", "p");
        let created = settle(None, &planned, response(&leaking, false));
        assert!(blame(&created).contains("password: write-only"));
        assert_eq!(created.instance, None);
        let prior = instance("old");
        let updated = settle(Some(&prior), &planned, response(&leaking, true));
        assert_eq!(updated.instance, Some(prior));
    }

    #[test]
    fn what_cannot_be_read_loses_a_created_object() {
        let planned = object(json!({ "name": "n" }));
        let mut garbled = response(&planned, false);
        garbled.new_state = Some(pb::DynamicValue {
            msgpack: vec![0x80],
            json: Vec::new(),
        });
        let settled = settle(None, &planned, garbled);
        assert!(blame(&settled).contains("an object with 13 attributes is required"));
        assert_eq!(settled.instance, None);
    }

    #[test]
    fn an_unknown_left_over_is_stored_as_null_and_blamed() {
        let planned = object(json!({ "name": "n", "id": unknown() }));
        let settled = settle(None, &planned, response(&planned, false));
        assert!(blame(&settled).contains("id: still unknown"));
        assert_eq!(settled.instance.unwrap().state["id"], Value::Null);
    }

    #[test]
    fn a_broken_promise_is_blamed_and_stored_all_the_same() {
        let planned = object(json!({ "name": "n" }));
        let other = object(json!({ "name": "m" }));
        let settled = settle(None, &planned, response(&other, false));
        assert!(blame(&settled).contains("inconsistent result after apply"));
        assert!(blame(&settled).contains(r#"name: was "n", but now "m""#));
        let stored = settled.instance.unwrap();
        assert_eq!((stored.state, stored.tainted), (other, true));
    }
}
