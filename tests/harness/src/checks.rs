//! The checks that Terraform core makes of a provider's objects, for attributes and single nested blocks.

use std::fmt;

use serde_json::{Map, Value as Json};
use thiserror::Error;

use crate::{
    schema::{Attribute, Block},
    value::{Mismatch, attribute_path, is_unknown},
};

/// A response that core would report as a bug in the provider.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Violation {
    pub rpc: &'static str,
    /// The resource type or other subject of the call.
    pub subject: String,
    /// Core's title, such as "Provider produced invalid plan".
    pub summary: String,
    pub problems: Vec<Problem>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the attribute; empty for the whole object.
    pub path: String,
    /// The reason, in core's words.
    pub message: String,
}

impl Violation {
    /// A violation with one finding about the whole response.
    pub(crate) fn new(
        rpc: &'static str,
        subject: &str,
        summary: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rpc,
            subject: subject.to_owned(),
            summary: summary.to_owned(),
            problems: vec![Problem::new("", message)],
        }
    }
}

impl Problem {
    pub(crate) fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }
}

impl From<Mismatch> for Problem {
    fn from(mismatch: Mismatch) -> Self {
        Self::new(&mismatch.path, mismatch.problem)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} of {})", self.summary, self.rpc, self.subject)?;
        self.problems.iter().try_for_each(|it| write!(f, "\n  {}: {}", it.path, it.message))
    }
}

/// Core's `ProposedNew`: the configuration, and for computed attributes without configuration the prior value.
pub fn proposed_new(schema: &Block, prior: &Json, config: &Json) -> Json {
    if config.is_null() || is_unknown(config) {
        return config.clone();
    }
    let attributes = schema.attributes.iter().map(|(name, attribute)| {
        let kept = attribute.computed && config[name].is_null();
        (name.clone(), if kept { &prior[name] } else { &config[name] }.clone())
    });
    let blocks = schema.blocks.iter().map(|(name, nested)| {
        let (prior, config) = (&prior[name], &config[name]);
        let single = nested.absent.is_null();
        let proposed =
            if single { proposed_new(&nested.block, prior, config) } else { config.clone() };
        (name.clone(), proposed)
    });
    Json::Object(attributes.chain(blocks).collect())
}

/// Core's `AssertPlanValid`: whether a planned object agrees with configuration and prior object.
pub fn plan_valid(schema: &Block, prior: &Json, config: &Json, planned: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    plan_valid_at(schema, [prior, config, planned], "", &mut problems);
    problems
}

fn plan_valid_at(schema: &Block, objects: [&Json; 3], path: &str, problems: &mut Vec<Problem>) {
    let [_, config, planned] = objects;
    let message = match (config.is_null(), planned.is_null()) {
        (true, true) => return,
        (false, true) => "planned for absence but config wants existence",
        (true, false) => "planned for existence but config wants absence",
        _ if is_unknown(config) && is_unknown(planned) => return,
        _ if is_unknown(config) => "planned known value for a dynamic block not yet known",
        _ if is_unknown(planned) => {
            "attribute representing nested block must not be unknown itself"
        }
        _ => {
            for (name, attribute) in &schema.attributes {
                let path = attribute_path(path, name);
                let message = attribute_plan_problem(attribute, objects.map(|it| &it[name]));
                problems.extend(message.map(|message| Problem::new(&path, message)));
            }
            for (name, nested) in &schema.blocks {
                let (path, parts) = (attribute_path(path, name), objects.map(|it| &it[name]));
                if nested.absent.is_null() {
                    plan_valid_at(&nested.block, parts, &path, problems);
                } else if parts[1] != parts[2] {
                    problems
                        .push(Problem::new(&path, "planned blocks are not those of the config"));
                }
            }
            return;
        }
    };
    problems.push(Problem::new(path, message));
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
pub fn compatible(schema: &Block, planned: &Json, actual: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    compatible_at(schema, planned, actual, "", &mut problems);
    problems
}

fn compatible_at(
    schema: &Block,
    planned: &Json,
    actual: &Json,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    match (planned.is_null(), actual.is_null()) {
        (true, true) => return,
        (false, true) => return problems.push(Problem::new(path, "was present, but now absent")),
        (true, false) => return problems.push(Problem::new(path, "was absent, but now present")),
        _ if is_unknown(planned) => return,
        _ => {}
    }
    for (name, attribute) in &schema.attributes {
        let mut found = Vec::new();
        let path = attribute_path(path, name);
        compatible_values(&planned[name], &actual[name], &path, &mut found);
        if attribute.sensitive && !found.is_empty() {
            found = vec![Problem::new(&path, "inconsistent values for sensitive attribute")];
        }
        problems.extend(found);
    }
    for (name, nested) in &schema.blocks {
        let (planned, actual, path) = (&planned[name], &actual[name], attribute_path(path, name));
        if nested.absent.is_null() {
            compatible_at(&nested.block, planned, actual, &path, problems);
        } else {
            compatible_values(planned, actual, &path, problems);
        }
    }
}

fn compatible_values(planned: &Json, actual: &Json, path: &str, problems: &mut Vec<Problem>) {
    match (planned, actual) {
        _ if is_unknown(planned) || planned == actual => {}
        _ if is_unknown(actual) => {
            problems.push(Problem::new(path, format!("was {planned}, but now unknown")));
        }
        (Json::Array(planned), Json::Array(actual)) if planned.len() == actual.len() => {
            for (index, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                compatible_values(planned, actual, &format!("{path}[{index}]"), problems);
            }
        }
        (Json::Object(planned), Json::Object(actual)) if planned.keys().eq(actual.keys()) => {
            for (key, planned) in planned {
                compatible_values(planned, &actual[key], &format!("{path}[{key:?}]"), problems);
            }
        }
        _ => problems.push(Problem::new(path, format!("was {planned}, but now {actual}"))),
    }
}

/// What every stored object must be: wholly known, and null in each write-only attribute.
pub fn storable(schema: &Block, object: &Json) -> Vec<Problem> {
    let mut problems = write_only_values(schema, object);
    unknowns(object, "", &mut problems);
    problems
}

/// The write-only attributes that have a value.
pub fn write_only_values(schema: &Block, object: &Json) -> Vec<Problem> {
    let written = |(name, it): &(&String, &Attribute)| it.write_only && !object[*name].is_null();
    let attributes = schema.attributes.iter().filter(written);
    let problem = |(name, _): (&String, _)| Problem::new(name, "write-only attribute has a value");
    attributes.map(problem).collect()
}

/// The places in a value that are unknown.
pub(crate) fn unknowns(value: &Json, path: &str, problems: &mut Vec<Problem>) {
    let none = Map::new();
    if is_unknown(value) {
        return problems.push(Problem::new(path, "still unknown"));
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        unknowns(element, &format!("{path}[{index}]"), problems);
    }
    for (name, element) in value.as_object().unwrap_or(&none) {
        unknowns(element, &attribute_path(path, name), problems);
    }
}
