//! Whether a planned object agrees with prior object and configuration.

use crate::path::Path;
use crate::schema::{Attribute, Block, NestedBlock, Nesting};
use crate::value::Value;
use crate::violation::Problem;

/// Core's `AssertPlanValid`: every reason for which core would call a plan invalid.
pub fn plan_valid(schema: &Block, prior: &Value, config: &Value, planned: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    block(schema, prior, config, planned, &Path::root(), &mut problems);
    problems
}

fn block(
    schema: &Block,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    let message = match (config.is_null(), planned.is_null()) {
        (true, true) => return,
        (false, true) => "planned for absence but config wants existence",
        (true, false) => "planned for existence but config wants absence",
        (false, false) if planned.is_unknown() && !config.is_unknown() => {
            "planned unknown for a configured block"
        }
        (false, false) => {
            for (name, attribute) in &schema.attributes {
                let [prior, config, planned] = [prior, config, planned].map(|o| o.attribute(name));
                let message = attribute_problem(attribute, prior, config, planned);
                problems
                    .extend(message.map(|message| Problem::new(&path.attribute(name), message)));
            }
            for (name, kind) in &schema.blocks {
                let [prior, config, planned] = [prior, config, planned].map(|o| o.attribute(name));
                nested(
                    kind,
                    prior,
                    config,
                    planned,
                    &path.attribute(name),
                    problems,
                );
            }
            return;
        }
    };
    problems.push(Problem::new(path, message));
}

fn attribute_problem(
    attribute: &Attribute,
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Option<String> {
    let kept_config = same(planned, config);
    let kept_prior = same(planned, prior) && !prior.is_null() && !config.is_null();
    if attribute.write_only {
        return (!planned.is_null())
            .then(|| "planned value for a write-only attribute is not null".to_owned());
    }
    if kept_config || kept_prior || (attribute.computed && !attribute.optional) {
        return None;
    }
    if config.is_null() {
        return match (attribute.computed, attribute.sensitive) {
            (true, _) => None,
            (false, true) => Some("sensitive planned value for a non-computed attribute".into()),
            (false, false) => Some(format!(
                "planned value {planned} for a non-computed attribute"
            )),
        };
    }
    Some(match (prior.is_null(), attribute.sensitive) {
        (true, true) => "sensitive planned value does not match config value".into(),
        (true, false) => {
            format!("planned value {planned} does not match config value {config}")
        }
        (false, true) => {
            "sensitive planned value does not match config value nor prior value".into()
        }
        (false, false) => format!(
            "planned value {planned} does not match config value {config} nor prior value {prior}"
        ),
    })
}

fn nested(
    kind: &NestedBlock,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    let mut complain = |path: &Path, message: String| problems.push(Problem::new(path, message));
    if config.is_unknown() {
        if !planned.is_unknown() {
            complain(
                path,
                "planned known value for a dynamic block not yet known".into(),
            );
        }
        return;
    }
    if planned.is_unknown() {
        let message = "attribute representing nested block must not be unknown itself; set nested \
                       attribute values to unknown instead";
        return complain(path, message.into());
    }
    match kind.nesting {
        Nesting::Single | Nesting::Group => {
            block(&kind.block, prior, config, planned, path, problems);
        }
        Nesting::List => {
            let (Some(planned), Some(config)) = (planned.elements(), config.elements()) else {
                return complain(path, NULL_COLLECTION.into());
            };
            if planned.len() != config.len() {
                let (planned, config) = (planned.len(), config.len());
                let message = format!(
                    "block count in plan ({planned}) disagrees with count in config ({config})"
                );
                return complain(path, message);
            }
            let prior = prior.elements().unwrap_or_default();
            for (index, (planned, config)) in planned.iter().zip(config).enumerate() {
                let prior = prior.get(index).unwrap_or(&Value::Null);
                block(
                    &kind.block,
                    prior,
                    config,
                    planned,
                    &path.index(index),
                    problems,
                );
            }
        }
        Nesting::Map => {
            let (Some(planned), Some(config)) = (planned.entries(), config.entries()) else {
                return complain(path, NULL_COLLECTION.into());
            };
            for key in config.keys().filter(|key| !planned.contains_key(*key)) {
                complain(
                    path,
                    format!("block key {key:?} from config is not present in plan"),
                );
            }
            for (key, planned) in planned {
                let path = path.key(key);
                match config.get(key) {
                    None => problems.push(Problem::new(
                        &path,
                        format!("block key {key:?} from plan is not present in config"),
                    )),
                    Some(config) => {
                        let prior = prior.attribute(key);
                        block(&kind.block, prior, config, planned, &path, problems);
                    }
                }
            }
        }
        Nesting::Set => {
            let Some(planned) = planned.elements() else {
                return complain(path, NULL_COLLECTION.into());
            };
            if planned.iter().any(Value::is_unknown) {
                let message = "element representing nested block must not be unknown itself; set \
                               nested attribute values to unknown instead";
                complain(path, message.into());
            }
        }
    }
}

/// Refinements are ignored.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.unrefined() == other.unrefined()
}

const NULL_COLLECTION: &str = "attribute representing a collection of nested blocks must be empty to \
                               indicate no blocks, not null";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::convert;
    use crate::schema::tests::example;
    use crate::value::{refined, unknown};

    fn object(json: serde_json::Value) -> Value {
        convert::block(json.into(), &example()).unwrap()
    }

    /// The findings for a plan that differs from `{ name = "x" }` in the given attribute.
    fn verdict(prior: &Value, config: &Value, planned: &Value) -> Vec<String> {
        plan_valid(&example(), prior, config, planned)
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn the_configuration_as_it_is_is_a_valid_plan() {
        let config = object(json!({
            "name": refined("pre-"), "tags": ["a"], "rule": [{ "port": 1 }], "peer": [{ "port": 2 }],
            "zone": { "a": {} }, "timeouts": { "create": "5m" },
        }));
        assert_eq!(
            verdict(&Value::Null, &config, &config),
            Vec::<String>::new()
        );
        let plain = config.unrefined();
        assert_eq!(verdict(&Value::Null, &config, &plain), Vec::<String>::new());
    }

    #[test]
    fn a_configured_value_may_be_neither_changed_nor_made_unknown() {
        let config = object(json!({ "name": "x", "secret": "s" }));
        let changed = config
            .clone()
            .with("name", "X")
            .with("secret", Value::Unknown);
        assert_eq!(
            verdict(&Value::Null, &config, &changed),
            [
                r#"name: planned value "X" does not match config value "x""#,
                "secret: sensitive planned value does not match config value",
            ]
        );
        let prior = object(json!({ "name": "old", "secret": "o" }));
        assert_eq!(
            verdict(&prior, &config, &changed),
            [
                r#"name: planned value "X" does not match config value "x" nor prior value "old""#,
                "secret: sensitive planned value does not match config value nor prior value",
            ]
        );
    }

    #[test]
    fn the_prior_value_may_stand_for_a_configured_one_but_not_for_null() {
        let prior = object(json!({ "name": "X", "note": "old" }));
        let config = object(json!({ "name": "x" }));
        let planned = object(json!({ "name": "X", "note": "old" }));
        assert_eq!(
            verdict(&prior, &config, &planned),
            [r#"note: planned value "old" for a non-computed attribute"#]
        );
    }

    #[test]
    fn computed_attributes_are_the_providers_where_config_has_none() {
        let config = object(json!({ "name": "x" }));
        let planned = config.clone().with("id", Value::Unknown).with("size", 3);
        assert!(verdict(&Value::Null, &config, &planned).is_empty());
        let configured = object(json!({ "name": "x", "size": 4 }));
        assert_eq!(verdict(&Value::Null, &configured, &planned).len(), 1);
    }

    #[test]
    fn an_optional_attribute_without_config_stays_null() {
        let config = object(json!({ "name": "x" }));
        assert_eq!(
            verdict(
                &Value::Null,
                &config,
                &config.clone().with("note", "n").with("secret", "s")
            ),
            [
                r#"note: planned value "n" for a non-computed attribute"#,
                "secret: sensitive planned value for a non-computed attribute",
            ]
        );
    }

    #[test]
    fn a_write_only_value_is_never_planned() {
        let config = object(json!({ "name": "x", "password": "p" }));
        assert_eq!(
            verdict(&Value::Null, &config, &config),
            ["password: planned value for a write-only attribute is not null"]
        );
        let planned = config.clone().with("password", Value::Null);
        assert!(verdict(&Value::Null, &config, &planned).is_empty());
    }

    #[test]
    fn existence_is_decided_by_the_configuration() {
        let config = object(json!({ "name": "x", "timeouts": { "create": "5m" } }));
        assert_eq!(
            verdict(&Value::Null, &config, &Value::Null),
            ["planned for absence but config wants existence"]
        );
        assert_eq!(
            verdict(&config, &Value::Null, &config),
            ["planned for existence but config wants absence"]
        );
        assert!(verdict(&config, &Value::Null, &Value::Null).is_empty());
        assert_eq!(
            verdict(
                &Value::Null,
                &config,
                &config.clone().with("timeouts", Value::Null)
            ),
            ["timeouts: planned for absence but config wants existence"]
        );
    }

    #[test]
    fn blocks_keep_their_count_and_keys() {
        let config = object(json!({ "name": "x", "rule": [{ "port": 1 }], "zone": { "a": {} } }));
        let none = config.clone().with("rule", Value::List(vec![])).with(
            "zone",
            Value::Map(BTreeMap::from([("b".into(), config["zone"]["a"].clone())])),
        );
        assert_eq!(
            verdict(&Value::Null, &config, &none),
            [
                "rule: block count in plan (0) disagrees with count in config (1)",
                r#"zone: block key "a" from config is not present in plan"#,
                r#"zone["b"]: block key "b" from plan is not present in config"#,
            ]
        );
    }

    #[test]
    fn attributes_inside_blocks_are_held_to_the_same_rules() {
        let config = object(json!({ "name": "x", "rule": [{ "port": 1 }] }));
        let computed = object(json!({ "name": "x", "rule": [{ "port": 1, "uid": unknown() }] }));
        assert!(verdict(&Value::Null, &config, &computed).is_empty());
        let changed = object(json!({ "name": "x", "rule": [{ "port": 2 }] }));
        assert_eq!(
            verdict(&Value::Null, &config, &changed),
            ["rule[0].port: planned value 2 does not match config value 1"]
        );
    }

    #[test]
    fn a_block_is_never_itself_unknown_or_null() {
        let config = object(json!({ "name": "x", "rule": [{ "port": 1 }] }));
        let unknown_block = config.clone().with("rule", Value::Unknown);
        assert!(
            verdict(&Value::Null, &config, &unknown_block)[0]
                .contains("must not be unknown itself")
        );
        for name in ["rule", "peer", "zone"] {
            let null = config.clone().with(name, Value::Null);
            assert!(
                verdict(&Value::Null, &config, &null)[0].contains("not null"),
                "{name}"
            );
        }
        let element = config.clone().with("peer", Value::set([Value::Unknown]));
        assert!(verdict(&Value::Null, &config, &element)[0].contains("must not be unknown itself"));
    }

    #[test]
    fn a_dynamic_block_not_yet_known_is_planned_as_it_is() {
        let config = object(json!({ "name": "x", "rule": unknown() }));
        assert!(verdict(&Value::Null, &config, &config).is_empty());
        let known = config.clone().with("rule", Value::List(vec![]));
        assert_eq!(verdict(&Value::Null, &config, &known).len(), 1);
    }
}
