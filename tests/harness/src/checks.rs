//! The checks that Terraform core makes of a provider's objects.

use serde_json::Value as Json;

use crate::{
    error::Problem,
    schema::{Attribute, Block},
    value::{attribute_path, is_unknown, unknown_places},
};

/// Core's `ProposedNew`: the configuration, and for computed attributes without configuration the prior value.
pub fn proposed_new(block: &Block, prior: &Json, config: &Json) -> Json {
    let attributes = block.attributes.iter().map(|(name, attribute)| {
        let kept = attribute.computed && config[name].is_null();
        (name.clone(), if kept { &prior[name] } else { &config[name] }.clone())
    });
    Json::Object(attributes.collect())
}

/// Core's `AssertPlanValid`: whether a planned object agrees with configuration and prior object.
pub fn plan_valid(block: &Block, prior: &Json, config: &Json, planned: &Json) -> Vec<Problem> {
    if planned.is_null() {
        return vec![Problem::new("", "planned for absence but config wants existence")];
    }
    let problem = |(name, attribute): (&String, &Attribute)| {
        let values = [prior, config, planned].map(|object| &object[name]);
        Some(Problem::new(name, attribute_plan_problem(attribute, values)?))
    };
    block.attributes.iter().filter_map(problem).collect()
}

fn attribute_plan_problem(attribute: &Attribute, values: [&Json; 3]) -> Option<String> {
    let [prior, config, planned] = values;
    let same = |one: &Json, other: &Json| one == other || (is_unknown(one) && is_unknown(other));
    if attribute.write_only {
        let message = "planned value for a write-only attribute is not null";
        return (!planned.is_null()).then(|| message.to_owned());
    }
    let kept_prior = same(planned, prior) && !prior.is_null() && !config.is_null();
    if same(planned, config) || kept_prior || (attribute.computed && !attribute.optional) {
        return None;
    }
    if config.is_null() {
        let message = format!("planned value {planned} for a non-computed attribute");
        return (!attribute.computed).then_some(message);
    }
    Some(format!(
        "planned value {planned} does not match config value {config} nor prior value {prior}"
    ))
}

/// Core's `AssertObjectCompatible`: whether an object is one that the planned object allows.
pub fn compatible(block: &Block, planned: &Json, actual: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, attribute) in &block.attributes {
        let mut found = Vec::new();
        compatible_at(&planned[name], &actual[name], name, &mut found);
        if attribute.sensitive && !found.is_empty() {
            found = vec![Problem::new(name, "inconsistent values for sensitive attribute")];
        }
        problems.extend(found);
    }
    problems
}

fn compatible_at(planned: &Json, actual: &Json, path: &str, problems: &mut Vec<Problem>) {
    match (planned, actual) {
        _ if is_unknown(planned) || planned == actual => {}
        _ if is_unknown(actual) => {
            problems.push(Problem::new(path, format!("was {planned}, but now unknown")));
        }
        (Json::Array(planned), Json::Array(actual)) if planned.len() == actual.len() => {
            for (index, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                compatible_at(planned, actual, &format!("{path}[{index}]"), problems);
            }
        }
        (Json::Object(planned), Json::Object(actual)) if planned.keys().eq(actual.keys()) => {
            for (key, planned) in planned {
                compatible_at(planned, &actual[key], &attribute_path(path, key), problems);
            }
        }
        _ => problems.push(Problem::new(path, format!("was {planned}, but now {actual}"))),
    }
}

/// What every stored object must be: wholly known, and null in each write-only attribute.
pub fn storable(block: &Block, object: &Json) -> Vec<Problem> {
    let mut problems = write_only_values(block, object);
    let unknown = unknown_places(object).into_iter();
    problems.extend(unknown.map(|path| Problem::new(&path, "still unknown")));
    problems
}

/// The write-only attributes that have a value.
pub(crate) fn write_only_values(block: &Block, object: &Json) -> Vec<Problem> {
    let written = |(name, it): &(&String, &Attribute)| it.write_only && !object[*name].is_null();
    let attributes = block.attributes.iter().filter(written);
    attributes.map(|(name, _)| Problem::new(name, "write-only attribute has a value")).collect()
}
