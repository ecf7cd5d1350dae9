//! Pretty JSON in the layout Atlas' JSON library prints.

use serde_json::Value;

/// `"name" : value`, two spaces a level, array items on the bracket's line.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

fn write(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if members.is_empty() => out.push_str("{ }"),
        Value::Array(items) if items.is_empty() => out.push_str("[ ]"),
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "\n" } else { ",\n" });
                out.push_str(&"  ".repeat(depth + 1));
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push_str(" : ");
                write(out, member, depth + 1);
            }
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
            out.push('}');
        }
        Value::Array(items) => {
            out.push_str("[ ");
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write(out, item, depth);
            }
            out.push_str(" ]");
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn keeps_large_integers_and_spaces_its_colons() {
        let value: Value =
            serde_json::from_str(r#"{"a":[{"_id":9007199254740993}],"b":[]}"#).unwrap();
        assert_eq!(
            pretty(&value),
            "{\n  \"a\" : [ {\n    \"_id\" : 9007199254740993\n  } ],\n  \"b\" : [ ]\n}"
        );
    }
}
