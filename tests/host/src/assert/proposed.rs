//! The object that core puts before the provider: configuration over prior.

use std::collections::BTreeMap;

use crate::schema::{Block, NestedBlock, Nesting};
use crate::value::Value;

/// Core's `ProposedNew`: the configuration where it says something, and for computed attributes
/// without configuration the prior value; null on a create.
pub fn proposed_new(schema: &Block, prior: &Value, config: &Value) -> Value {
    if config.is_null() || config.is_unknown() {
        return prior.clone();
    }
    let mut proposed = BTreeMap::new();
    for (name, attribute) in &schema.attributes {
        let (prior, config) = (prior.attribute(name), config.attribute(name));
        let kept = attribute.computed && config.is_null();
        proposed.insert(name.clone(), if kept { prior } else { config }.clone());
    }
    for (name, kind) in &schema.blocks {
        proposed.insert(
            name.clone(),
            nested(kind, prior.attribute(name), config.attribute(name)),
        );
    }
    Value::Object(proposed)
}

fn nested(kind: &NestedBlock, prior: &Value, config: &Value) -> Value {
    let merge = |prior: &Value, config: &Value| proposed_new(&kind.block, prior, config);
    match (kind.nesting, config) {
        (_, Value::Null | Value::Unknown | Value::Refined(_)) => config.clone(),
        (Nesting::Single | Nesting::Group, config) => merge(prior, config),
        (Nesting::List, Value::List(elements)) => {
            let prior = prior.elements().unwrap_or_default();
            let merged = elements
                .iter()
                .enumerate()
                .map(|(index, config)| merge(prior.get(index).unwrap_or(&Value::Null), config));
            Value::List(merged.collect())
        }
        (Nesting::Map, Value::Map(entries)) => Value::Map(
            entries
                .iter()
                .map(|(key, config)| (key.clone(), merge(prior.attribute(key), config)))
                .collect(),
        ),
        (Nesting::Set, Value::Set(elements)) => {
            let mut unclaimed: Vec<_> = prior.elements().unwrap_or_default().iter().collect();
            Value::set(elements.iter().map(|config| {
                let claim = unclaimed
                    .iter()
                    .position(|prior| could_come_of(&kind.block, prior, config));
                let prior = claim.map_or(&Value::Null, |index| unclaimed.remove(index));
                merge(prior, config)
            }))
        }
        _ => config.clone(),
    }
}

/// Whether a prior set element may be what this configuration once led to.
fn could_come_of(schema: &Block, prior: &Value, config: &Value) -> bool {
    if config.is_unknown() {
        return false;
    }
    let attributes_fit = schema.attributes.iter().all(|(name, attribute)| {
        let (prior, config) = (prior.attribute(name), config.attribute(name));
        prior == config || (config.is_null() && attribute.computed)
    });
    attributes_fit
        && schema.blocks.iter().all(|(name, kind)| {
            let (prior, config) = (prior.attribute(name), config.attribute(name));
            nested(kind, prior, config) == *prior
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::convert;
    use crate::schema::tests::example;
    use crate::value::unknown;

    fn object(json: serde_json::Value) -> Value {
        convert::block(json.into(), &example()).unwrap()
    }

    #[test]
    fn on_create_the_configuration_is_proposed_and_computed_attributes_are_null() {
        let config =
            object(json!({ "name": "x", "size": 1, "password": "p", "peer": [{ "port": 1 }] }));
        assert_eq!(proposed_new(&example(), &Value::Null, &config), config);
    }

    #[test]
    fn computed_attributes_keep_their_prior_value_and_others_do_not() {
        let prior = object(json!({ "name": "x", "note": "n", "size": 3 })).with("id", "7");
        let proposed = proposed_new(&example(), &prior, &object(json!({ "name": "y" })));
        assert_eq!(proposed["name"], "y");
        assert_eq!(proposed["note"], Value::Null);
        assert_eq!(proposed["size"], 3);
        assert_eq!(proposed["id"], "7");
        let explicit = object(json!({ "name": "y", "size": unknown() }));
        assert_eq!(
            proposed_new(&example(), &prior, &explicit)["size"],
            Value::Unknown
        );
    }

    #[test]
    fn blocks_are_merged_by_index_key_and_best_match() {
        let prior = object(json!({
            "name": "x",
            "rule": [{ "port": 1, "uid": "r1" }],
            "zone": { "a": { "port": 1, "uid": "za" } },
            "peer": [{ "port": 1, "uid": "p1" }, { "port": 2, "uid": "p2" }],
        }));
        let config = object(json!({
            "name": "x",
            "rule": [{ "port": 9 }, { "port": 1 }],
            "zone": { "b": { "port": 1 }, "a": { "port": 2 } },
            "peer": [{ "port": 2 }, { "port": 3 }],
        }));
        let proposed = proposed_new(&example(), &prior, &config);
        assert_eq!(
            proposed["rule"],
            json!([{ "port": 9, "uid": "r1" }, { "port": 1, "uid": null }])
        );
        assert_eq!(proposed["zone"]["a"], json!({ "port": 2, "uid": "za" }));
        assert_eq!(proposed["zone"]["b"], json!({ "port": 1, "uid": null }));
        let expected = Value::set(
            [
                json!({ "port": 2, "uid": "p2" }),
                json!({ "port": 3, "uid": null }),
            ]
            .map(Value::from),
        );
        assert_eq!(proposed["peer"], expected);
    }

    #[test]
    fn unknown_blocks_are_proposed_as_they_are() {
        let prior = object(json!({ "name": "x", "rule": [{ "port": 1 }] }));
        let config = object(json!({ "name": "x", "rule": unknown() }));
        assert_eq!(
            proposed_new(&example(), &prior, &config)["rule"],
            Value::Unknown
        );
    }
}
