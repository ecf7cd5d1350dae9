//! How values look in a failed test: like HCL, nothing redacted.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::Value;

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self, 0)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self, 0)
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &Value, depth: usize) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Unknown => f.write_str("(unknown)"),
        Value::Refined(refinement) => write!(f, "(unknown within {refinement:?})"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Number(number) => write!(f, "{number}"),
        Value::String(text) => write!(f, "{text:?}"),
        Value::List(elements) => write_elements(f, ("[", "]"), elements, depth),
        Value::Set(elements) => write_elements(f, ("set[", "]"), elements, depth),
        Value::Map(entries) => write_entries(f, entries, "=>", depth),
        Value::Object(entries) => write_entries(f, entries, "=", depth),
    }
}

fn write_elements(
    f: &mut fmt::Formatter<'_>,
    (open, close): (&str, &str),
    elements: &[Value],
    depth: usize,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write_value(f, element, depth)?;
    }
    f.write_str(close)
}

fn write_entries(
    f: &mut fmt::Formatter<'_>,
    entries: &BTreeMap<String, Value>,
    arrow: &str,
    depth: usize,
) -> fmt::Result {
    if entries.is_empty() {
        return f.write_str("{}");
    }
    f.write_str("{\n")?;
    for (key, value) in entries {
        indent(f, depth + 1)?;
        if arrow == "=" {
            write!(f, "{key} = ")?;
        } else {
            write!(f, "{key:?} {arrow} ")?;
        }
        write_value(f, value, depth + 1)?;
        f.write_char('\n')?;
    }
    indent(f, depth)?;
    f.write_char('}')
}

fn indent(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| f.write_str("  "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Value, unknown};

    #[test]
    fn values_look_like_hcl() {
        let value =
            Value::from(json!({ "id": unknown(), "n": 3, "t": { "create": "5m" }, "l": [] }));
        let expected =
            "{\n  id = (unknown)\n  l = []\n  n = 3\n  t = {\n    create = \"5m\"\n  }\n}";
        assert_eq!(format!("{value:?}"), expected);
    }
}
