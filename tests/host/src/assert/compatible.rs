//! Whether what came of a plan is what the plan had promised.

use std::collections::BTreeMap;

use crate::path::{Path, Step};
use crate::schema::{Attribute, Block, NestedBlock, Nesting};
use crate::ty::Type;
use crate::value::Value;
use crate::violation::Problem;

/// Core's `AssertObjectCompatible`: every reason for which core would call `actual` inconsistent with
/// `planned`.
pub fn compatible(schema: &Block, planned: &Value, actual: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    object(schema, planned, actual, &Path::root(), &mut problems);
    problems
}

fn object(
    schema: &Block,
    planned: &Value,
    actual: &Value,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    match (planned.is_null(), actual.is_null()) {
        (true, true) => return,
        (false, true) => return problems.push(Problem::new(path, "was present, but now absent")),
        (true, false) => return problems.push(Problem::new(path, "was absent, but now present")),
        (false, false) if planned.is_unknown() => return,
        (false, false) => {}
    }
    for (name, attribute) in &schema.attributes {
        let (planned, actual) = (planned.attribute(name), actual.attribute(name));
        attribute_problems(attribute, planned, actual, &path.attribute(name), problems);
    }
    for (name, kind) in &schema.blocks {
        let (planned, actual) = (planned.attribute(name), actual.attribute(name));
        nested(kind, planned, actual, &path.attribute(name), problems);
    }
}

/// Of a sensitive attribute nothing is told but that it differs.
fn attribute_problems(
    attribute: &Attribute,
    planned: &Value,
    actual: &Value,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    if attribute.ty == Type::Dynamic {
        return;
    }
    let mut found = Vec::new();
    value(planned, actual, path, &mut found);
    if attribute.sensitive && !found.is_empty() {
        found = vec![Problem::new(
            path,
            "inconsistent values for sensitive attribute",
        )];
    }
    problems.extend(found);
}

fn nested(
    kind: &NestedBlock,
    planned: &Value,
    actual: &Value,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    match kind.nesting {
        Nesting::Single | Nesting::Group => {
            // A group that was wholly unknown may turn out anything.
            object(&kind.block, planned, actual, path, problems);
        }
        _ if planned.is_unknown() || planned.is_null() || actual.is_null() => {}
        Nesting::List => {
            let (planned, actual) = (
                planned.elements().unwrap_or_default(),
                actual.elements().unwrap_or_default(),
            );
            if planned.len() != actual.len() {
                let message = format!(
                    "block count changed from {} to {}",
                    planned.len(),
                    actual.len()
                );
                return problems.push(Problem::new(path, message));
            }
            for (index, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                object(&kind.block, planned, actual, &path.index(index), problems);
            }
        }
        Nesting::Map => {
            let none = BTreeMap::new();
            let (planned, actual) = (
                planned.entries().unwrap_or(&none),
                actual.entries().unwrap_or(&none),
            );
            for (key, planned) in planned {
                match actual.get(key) {
                    Some(actual) => object(&kind.block, planned, actual, &path.key(key), problems),
                    None => problems.push(Problem::new(
                        path,
                        format!("block key {key:?} has vanished"),
                    )),
                }
            }
            for key in actual.keys().filter(|key| !planned.contains_key(*key)) {
                problems.push(Problem::new(
                    path,
                    format!("new block key {key:?} has appeared"),
                ));
            }
        }
        Nesting::Set => {
            let fits = |planned: &Value, actual: &Value| {
                compatible(&kind.block, planned, actual).is_empty()
            };
            let (planned, actual) = (
                planned.elements().unwrap_or_default(),
                actual.elements().unwrap_or_default(),
            );
            if planned.iter().all(Value::is_wholly_known) {
                sets(planned, actual, fits, path, problems);
            }
            if planned.len() < actual.len() {
                let message = format!(
                    "block set length changed from {} to {}",
                    planned.len(),
                    actual.len()
                );
                problems.push(Problem::new(path, message));
            }
        }
    }
}

fn value(planned: &Value, actual: &Value, path: &Path, problems: &mut Vec<Problem>) {
    let mut complain = |path: &Path, message: String| problems.push(Problem::new(path, message));
    match (planned, actual) {
        (Value::Unknown, _) | (Value::Null, Value::Null) => {}
        (Value::Refined(refinement), actual) => {
            if !refinement.admits(actual) {
                let message = format!(
                    "final value {actual} does not conform to planning placeholder {planned}"
                );
                complain(path, message);
            }
        }
        (planned, actual) if actual.is_unknown() => {
            complain(path, format!("was known ({planned}), but now unknown"));
        }
        (planned, Value::Null) => complain(path, format!("was {planned}, but now null")),
        (Value::Null, actual) => complain(path, format!("was null, but now {actual}")),
        (Value::List(planned), Value::List(actual)) => {
            for (index, planned) in planned.iter().enumerate() {
                let path = path.index(index);
                match actual.get(index) {
                    Some(actual) => value(planned, actual, &path, problems),
                    None => {
                        problems.push(Problem::new(&path, format!("element {index} has vanished")));
                    }
                }
            }
            for index in planned.len()..actual.len() {
                let message = format!("new element {index} has appeared");
                problems.push(Problem::new(&path.index(index), message));
            }
        }
        (Value::Set(planned), Value::Set(actual)) => {
            let fits = |planned: &Value, actual: &Value| {
                let mut found = Vec::new();
                value(planned, actual, &Path::root(), &mut found);
                found.is_empty()
            };
            sets(planned, actual, fits, path, problems);
            if planned.len() < actual.len() {
                let message = format!("length changed from {} to {}", planned.len(), actual.len());
                problems.push(Problem::new(path, message));
            }
        }
        (Value::Map(planned), Value::Map(actual)) => {
            entries(planned, actual, |key| path.key(key), problems);
        }
        (Value::Object(planned), Value::Object(actual)) => {
            entries(planned, actual, |name| path.attribute(name), problems);
        }
        (planned, actual) if planned == actual => {}
        (planned, actual) => complain(path, format!("was {planned}, but now {actual}")),
    }
}

fn entries(
    planned: &BTreeMap<String, Value>,
    actual: &BTreeMap<String, Value>,
    place: impl Fn(&str) -> Path,
    problems: &mut Vec<Problem>,
) {
    for (key, planned) in planned {
        match actual.get(key) {
            Some(actual) => value(planned, actual, &place(key), problems),
            None => {
                problems.push(Problem::new(
                    &place(key),
                    format!("element {key:?} has vanished"),
                ));
            }
        }
    }
    for key in actual.keys().filter(|key| !planned.contains_key(*key)) {
        problems.push(Problem::new(
            &place(key),
            format!("new element {key:?} has appeared"),
        ));
    }
}

/// Every planned element must fit some actual one, and the reverse.
fn sets(
    planned: &[Value],
    actual: &[Value],
    fits: impl Fn(&Value, &Value) -> bool,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    for element in planned {
        if !actual.iter().any(|actual| fits(element, actual)) {
            let message = format!(
                "planned set element {element} does not correlate with any element in actual"
            );
            problems.push(Problem::new(
                &path.then(Step::Element(element.clone())),
                message,
            ));
        }
    }
    for element in actual {
        if !planned.iter().any(|planned| fits(planned, element)) {
            let message =
                format!("actual set element {element} does not correlate with any element in plan");
            problems.push(Problem::new(
                &path.then(Step::Element(element.clone())),
                message,
            ));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
