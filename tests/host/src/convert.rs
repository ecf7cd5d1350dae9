//! What core does to a configuration before a provider sees it: conversion to the schema's types.

use std::collections::BTreeMap;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::path::Path;
use crate::schema::{Attribute, Block, NestedBlock, Nesting};
use crate::ty::Type;
use crate::value::{Number, Value};

/// A configuration that core itself would refuse, so that no provider would ever see it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("core would refuse this configuration at {path}: {problem}")]
pub struct Unconvertible {
    /// Where.
    pub path: Path,
    /// What core would complain about.
    pub problem: String,
}

/// Converts a whole block: absent optional attributes become null, absent blocks empty. An absent
/// required attribute is refused; an explicit null for one passes, as in core.
pub fn block(value: Value, schema: &Block) -> Result<Value, Unconvertible> {
    block_at(value, schema, &Path::root())
}

/// Converts one value to a type.
pub fn value(value: Value, ty: &Type) -> Result<Value, Unconvertible> {
    value_at(value, ty, &Path::root())
}

fn block_at(value: Value, schema: &Block, path: &Path) -> Result<Value, Unconvertible> {
    let mut given = match value {
        Value::Object(entries) | Value::Map(entries) => entries,
        other => return refuse(path, format!("a block is required, not {other}")),
    };
    let mut converted = BTreeMap::new();
    for (name, attribute) in &schema.attributes {
        let path = path.attribute(name);
        converted.insert(
            name.clone(),
            attribute_at(given.remove(name), attribute, &path)?,
        );
    }
    for (name, nested) in &schema.blocks {
        let path = path.attribute(name);
        converted.insert(name.clone(), nested_at(given.remove(name), nested, &path)?);
    }
    match given.into_keys().next() {
        Some(name) => refuse(&path.attribute(&name), "unsupported argument"),
        None => Ok(Value::Object(converted)),
    }
}

fn attribute_at(
    given: Option<Value>,
    attribute: &Attribute,
    path: &Path,
) -> Result<Value, Unconvertible> {
    match given {
        Some(given) => value_at(given, &attribute.ty, path),
        None if attribute.required => refuse(path, "missing required argument"),
        None => Ok(Value::Null),
    }
}

fn nested_at(
    given: Option<Value>,
    nested: &NestedBlock,
    path: &Path,
) -> Result<Value, Unconvertible> {
    let given = given.filter(|value| !value.is_null());
    if let Some(unknown) = given.as_ref().filter(|value| value.is_unknown()) {
        return Ok(unknown.clone());
    }
    let converted = match nested.nesting {
        Nesting::Single => match given {
            Some(given) => block_at(given, &nested.block, path)?,
            None if nested.min_items > 0 => return refuse(path, "missing required block"),
            None => return Ok(Value::Null),
        },
        Nesting::Group => block_at(
            given.unwrap_or_else(|| Value::Object(BTreeMap::new())),
            &nested.block,
            path,
        )?,
        Nesting::List | Nesting::Set => elements_at(given, nested, path)?,
        Nesting::Map => match given {
            Some(Value::Object(entries) | Value::Map(entries)) => entries
                .into_iter()
                .map(|(key, value)| {
                    let element = block_at(value, &nested.block, &path.key(&key))?;
                    Ok((nfc(&key), element))
                })
                .collect::<Result<_, _>>()
                .map(Value::Map)?,
            None => Value::Map(BTreeMap::new()),
            Some(other) => return refuse(path, format!("labelled blocks required, not {other}")),
        },
    };
    Ok(converted)
}

fn elements_at(
    given: Option<Value>,
    nested: &NestedBlock,
    path: &Path,
) -> Result<Value, Unconvertible> {
    let elements = match given {
        Some(Value::List(elements) | Value::Set(elements)) => elements,
        None => Vec::new(),
        Some(other) => return refuse(path, format!("a sequence of blocks required, not {other}")),
    };
    let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if count < nested.min_items || (nested.max_items > 0 && count > nested.max_items) {
        return refuse(path, format!("{count} blocks are too few or too many"));
    }
    let converted = elements
        .into_iter()
        .enumerate()
        .map(|(index, element)| block_at(element, &nested.block, &path.index(index)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(if nested.nesting == Nesting::Set {
        Value::set(converted)
    } else {
        Value::List(converted)
    })
}

fn value_at(value: Value, ty: &Type, path: &Path) -> Result<Value, Unconvertible> {
    Ok(match (ty, value) {
        (_, value @ (Value::Null | Value::Unknown | Value::Refined(_)))
        | (Type::Dynamic, value)
        | (Type::Bool, value @ Value::Bool(_))
        | (Type::Number, value @ Value::Number(_)) => value,
        (Type::Bool, Value::String(text)) if text == "true" || text == "false" => {
            Value::Bool(text == "true")
        }
        (Type::Number, Value::String(text)) => match Number::parse(&text) {
            Some(number) => Value::Number(number),
            None => return refuse(path, "a number is required"),
        },
        (Type::String, Value::String(text)) => Value::String(nfc(&text)),
        (Type::String, Value::Number(number)) => Value::String(number.to_string()),
        (Type::String, Value::Bool(value)) => Value::String(value.to_string()),
        (Type::List(ty), Value::List(elements) | Value::Set(elements)) => {
            Value::List(each(elements, |_| ty.as_ref(), path)?)
        }
        (Type::Set(ty), Value::List(elements) | Value::Set(elements)) => {
            Value::set(each(elements, |_| ty.as_ref(), path)?)
        }
        (Type::Tuple(types), Value::List(elements)) if types.len() == elements.len() => {
            Value::List(each(elements, |index| &types[index], path)?)
        }
        (Type::Map(ty), Value::Map(entries) | Value::Object(entries)) => entries
            .into_iter()
            .map(|(key, value)| Ok((nfc(&key), value_at(value, ty, &path.key(&key))?)))
            .collect::<Result<_, _>>()
            .map(Value::Map)?,
        (Type::Object(types), Value::Map(mut given) | Value::Object(mut given)) => {
            let mut converted = BTreeMap::new();
            for (name, ty) in types {
                let path = path.attribute(name);
                let Some(value) = given.remove(name) else {
                    return refuse(&path, "attribute is required");
                };
                converted.insert(name.clone(), value_at(value, ty, &path)?);
            }
            Value::Object(converted) // core drops what the type does not name
        }
        (ty, other) => return refuse(path, format!("{ty} required, not {other}")),
    })
}

fn each<'t>(
    elements: Vec<Value>,
    ty: impl Fn(usize) -> &'t Type,
    path: &Path,
) -> Result<Vec<Value>, Unconvertible> {
    elements
        .into_iter()
        .enumerate()
        .map(|(index, element)| value_at(element, ty(index), &path.index(index)))
        .collect()
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}

fn refuse<T>(path: &Path, problem: impl Into<String>) -> Result<T, Unconvertible> {
    Err(Unconvertible {
        path: path.clone(),
        problem: problem.into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::tests::example;
    use crate::value::unknown;

    #[test]
    fn a_configuration_arrives_as_the_schema_says() {
        let config = json!({ "name": 5, "size": "7", "tags": ["b", "a", "b"], "timeouts": null });
        let converted = block(config.into(), &example()).unwrap();
        assert_eq!(converted["name"], "5");
        assert_eq!(converted["size"], 7);
        assert_eq!(converted["tags"], Value::set(["a".into(), "b".into()]));
        assert_eq!(converted["id"], Value::Null);
        assert_eq!(converted["timeouts"], Value::Null);
        assert_eq!(converted["rule"], Value::List(vec![]));
        assert_eq!(converted["zone"], Value::Map(BTreeMap::new()));
        assert_eq!(converted["meta"], json!({ "owner": null }));
        assert!(example().ty().mismatches(&converted).is_empty());
    }

    #[test]
    fn text_is_composed_on_the_way() {
        let converted = value("e\u{301}".into(), &Type::String).unwrap();
        assert_eq!(converted, "\u{e9}");
    }

    #[test]
    fn unknowns_pass_at_any_depth() {
        let config = json!({ "name": unknown(), "rule": [{ "port": unknown() }] });
        let converted = block(config.into(), &example()).unwrap();
        assert_eq!(converted["name"], Value::Unknown);
        assert_eq!(converted["rule"][0]["port"], Value::Unknown);
    }

    #[test]
    fn core_refuses_what_does_not_fit_but_not_an_explicit_null() {
        for (config, path) in [
            (json!({}), "name"),
            (json!({ "name": "x", "nmae": "y" }), "nmae"),
            (json!({ "name": "x", "size": "big" }), "size"),
            (
                json!({ "name": "x", "rule": [{ "prot": 1 }] }),
                "rule[0].prot",
            ),
        ] {
            assert_eq!(block(config.into(), &example()).unwrap_err().path, path);
        }
        assert!(block(json!({ "name": null }).into(), &example()).is_ok());
    }
}
