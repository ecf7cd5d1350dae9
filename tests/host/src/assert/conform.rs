//! What every object from a provider must be, whatever it is for.

use crate::path::Path;
use crate::schema::{Block, Nesting};
use crate::value::Value;
use crate::violation::Problem;

/// Where an object is not of the schema's type, or has null in place of an empty block collection.
pub fn conforms(schema: &Block, object: &Value) -> Vec<Problem> {
    let mismatches = schema.ty().mismatches(object);
    let mut problems: Vec<_> = mismatches
        .iter()
        .map(|(path, problem)| Problem::new(path, problem))
        .collect();
    if problems.is_empty() {
        blocks(schema, object, &Path::root(), &mut problems);
    }
    problems
}

/// Where an object has unknowns though everything must be known.
pub fn unknowns(object: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    collect_unknowns(object, &Path::root(), &mut problems);
    problems
}

/// Where an object holds the value of a write-only attribute.
pub fn write_only_values(schema: &Block, object: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    each_block(
        schema,
        object,
        &Path::root(),
        &mut |schema, object, path| {
            for (name, attribute) in &schema.attributes {
                if attribute.write_only && !object.attribute(name).is_null() {
                    let message = "write-only attribute has a value";
                    problems.push(Problem::new(&path.attribute(name), message));
                }
            }
        },
    );
    problems
}

fn blocks(schema: &Block, object: &Value, path: &Path, problems: &mut Vec<Problem>) {
    each_block(schema, object, path, &mut |schema, object, path| {
        for (name, nested) in &schema.blocks {
            if nested.nesting != Nesting::Single && object.attribute(name).is_null() {
                let message = match nested.nesting {
                    Nesting::Group => "a group block is an object of nulls when absent, not null",
                    _ => "absent blocks are an empty collection, not null",
                };
                problems.push(Problem::new(&path.attribute(name), message));
            }
        }
    });
}

/// Visits an object and every nested block's object in it.
fn each_block(
    schema: &Block,
    object: &Value,
    path: &Path,
    visit: &mut dyn FnMut(&Block, &Value, &Path),
) {
    if object.is_null() || object.is_unknown() {
        return;
    }
    visit(schema, object, path);
    for (name, nested) in &schema.blocks {
        let path = path.attribute(name);
        match object.attribute(name) {
            Value::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    each_block(&nested.block, element, &path.index(index), visit);
                }
            }
            Value::Set(elements) => {
                for element in elements {
                    each_block(&nested.block, element, &path, visit);
                }
            }
            Value::Map(entries) => {
                for (key, element) in entries {
                    each_block(&nested.block, element, &path.key(key), visit);
                }
            }
            single => each_block(&nested.block, single, &path, visit),
        }
    }
}

fn collect_unknowns(value: &Value, path: &Path, problems: &mut Vec<Problem>) {
    match value {
        Value::Unknown | Value::Refined(_) => problems.push(Problem::new(path, "still unknown")),
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect_unknowns(element, &path.index(index), problems);
            }
        }
        Value::Set(elements) => {
            for element in elements {
                collect_unknowns(element, path, problems);
            }
        }
        Value::Map(entries) => {
            for (key, element) in entries {
                collect_unknowns(element, &path.key(key), problems);
            }
        }
        Value::Object(entries) => {
            for (name, element) in entries {
                collect_unknowns(element, &path.attribute(name), problems);
            }
        }
        _ => {}
    }
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
    fn an_object_has_the_schemas_type_and_no_null_collections() {
        let sound = object(json!({ "name": "x" }));
        assert_eq!(conforms(&example(), &sound), []);
        for (name, value, place) in [
            ("size", "x".into(), "size"),
            ("rule", Value::Null, "rule"),
            ("meta", Value::Null, "meta"),
        ] {
            let problems = conforms(&example(), &sound.clone().with(name, value));
            assert_eq!(problems[0].path, place);
        }
    }

    #[test]
    fn write_only_values_are_found_at_any_depth() {
        let mut schema = example();
        let nested = schema.blocks.get_mut("rule").unwrap();
        nested.block.attributes.get_mut("port").unwrap().write_only = true;
        let bad = object(json!({ "name": "x", "password": "p", "rule": [{ "port": 1 }] }));
        let places: Vec<_> = write_only_values(&schema, &bad)
            .iter()
            .map(|p| p.path.to_string())
            .collect();
        assert_eq!(places, ["password", "rule[0].port"]);
    }

    #[test]
    fn unknowns_are_found_at_any_depth() {
        let bad = object(json!({ "name": "x", "labels": { "k": unknown() }, "tags": [unknown()] }));
        let places: Vec<_> = unknowns(&bad).iter().map(|p| p.path.to_string()).collect();
        assert_eq!(places, ["labels[\"k\"]", "tags"]);
    }
}
