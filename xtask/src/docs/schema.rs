//! A schema as the registry's Markdown: required, optional and read-only entries by name, nested blocks below.

use std::fmt::Write;

use tf_provider::{Attribute, Block, IdentitySchema, Mode, NestedBlock, Type};

/// The section below the heading `## Schema`.
pub(super) fn markdown(block: &Block) -> String {
    let mut text = groups(block, &Level::Top);
    text += &nested(block, "");
    text.trim_end().to_owned()
}

/// The section below the heading `### Identity Schema`.
pub(super) fn identity(schema: &IdentitySchema) -> String {
    let group = |title: &str, required: bool| {
        let attributes = schema.attributes.iter();
        let lines: Vec<String> = attributes
            .filter(|attribute| attribute.required_for_import == required)
            .map(|it| format!("- `{}` ({}) {}", it.name, type_name(&it.ty), it.description))
            .collect();
        (!lines.is_empty()).then(|| format!("#### {title}\n\n{}", lines.join("\n")))
    };
    let groups = [group("Required", true), group("Optional", false)];
    groups.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// Where a group of entries stands.
enum Level {
    Top,
    /// Inside a block of this anchor.
    Nested(String),
}

/// One line of a group.
struct Entry {
    name: String,
    group: Group,
    line: String,
}

#[derive(PartialEq, Eq)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

fn groups(block: &Block, level: &Level) -> String {
    let at = match level {
        Level::Top => String::new(),
        Level::Nested(path) => format!("{path}--"),
    };
    let attributes = block.attributes.iter().map(|attribute| Entry::of_attribute(attribute, &at));
    let blocks = block.blocks.iter().map(|nested| Entry::of_block(nested, &at));
    let mut entries: Vec<Entry> = attributes.chain(blocks).collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let mut text = String::new();
    for (group, title) in [
        (Group::Required, "Required"),
        (Group::Optional, "Optional"),
        (Group::ReadOnly, "Read-Only"),
    ] {
        let lines: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.group == group)
            .map(|entry| entry.line.as_str())
            .collect();
        if lines.is_empty() {
            continue;
        }
        let title = match level {
            Level::Top => format!("### {title}"),
            Level::Nested(_) => format!("{title}:"),
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{title}\n\n{}\n\n", lines.join("\n"));
    }
    text
}

/// A section for each nested block, and for each list of objects.
fn nested(block: &Block, at: &str) -> String {
    let mut sections = Vec::new();
    for inner in &block.blocks {
        let path = format!("{at}{}", inner.name);
        let body = groups(&inner.block, &Level::Nested(path.clone()))
            + &nested(&inner.block, &format!("{path}--"));
        sections.push((inner.name.clone(), section("nestedblock", &path, &body)));
    }
    for attribute in &block.attributes {
        if let Some(object) = object_of(&attribute.ty) {
            let path = format!("{at}{}", attribute.name);
            let lines: Vec<String> =
                object.iter().map(|(name, ty)| format!("- `{name}` ({})", type_name(ty))).collect();
            let body = format!("Read-Only:\n\n{}\n\n", lines.join("\n"));
            sections.push((attribute.name.clone(), section("nestedatt", &path, &body)));
        }
    }
    sections.sort();
    sections.into_iter().map(|(_, text)| text).collect()
}

fn section(anchor: &str, path: &str, body: &str) -> String {
    let shown = path.replace("--", ".");
    format!("<a id=\"{anchor}--{path}\"></a>\n### Nested Schema for `{shown}`\n\n{body}")
}

impl Entry {
    fn of_attribute(attribute: &Attribute, at: &str) -> Self {
        let group = match attribute.mode {
            Mode::Required => Group::Required,
            Mode::Optional | Mode::OptionalComputed => Group::Optional,
            Mode::Computed => Group::ReadOnly,
        };
        let mut words = vec![type_name(&attribute.ty)];
        if attribute.sensitive {
            words.push("Sensitive".to_owned());
        }
        if attribute.write_only {
            words.push(format!("[Write-only]({WRITE_ONLY})"));
        }
        let name = &attribute.name;
        let below = object_of(&attribute.ty).map(|_| below("nestedatt", at, name));
        let line = line(name, &words, &attribute.description, below);
        Self { name: name.clone(), group, line }
    }

    fn of_block(nested: &NestedBlock, at: &str) -> Self {
        let name = &nested.name;
        let line = line(
            name,
            &["Block, Optional".to_owned()],
            &nested.block.description,
            Some(below("nestedblock", at, name)),
        );
        Self { name: name.clone(), group: Group::Optional, line }
    }
}

/// A list entry. Further paragraphs of the description stay inside it.
fn line(name: &str, words: &[String], description: &str, below: Option<String>) -> String {
    let (first, rest) = description.split_once('\n').unwrap_or((description, ""));
    let mut text = format!("- `{name}` ({}) {first}", words.join(", ")).trim_end().to_owned();
    if let Some(below) = below {
        text = format!("{text} {below}");
    }
    for further in rest.lines() {
        text += if further.is_empty() { "\n" } else { "\n  " };
        text += further;
    }
    text
}

fn below(anchor: &str, at: &str, name: &str) -> String {
    format!("(see [below for nested schema](#{anchor}--{at}{name}))")
}

/// The attributes of an object, or of the objects in a collection.
fn object_of(ty: &Type) -> Option<&std::collections::BTreeMap<String, Type>> {
    match ty {
        Type::Object(attributes) => Some(attributes),
        Type::List(element) | Type::Set(element) | Type::Map(element) => object_of(element),
        _ => None,
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::String => "String".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Object(_) => "Object".to_owned(),
    }
}

const WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_grouped_sorted_and_linked_to_what_is_below() {
        let inner = Block {
            attributes: vec![Attribute::new("create", Type::String, "How long.").optional()],
            description: "Limits.".to_owned(),
            ..Block::default()
        };
        let block = Block {
            attributes: vec![
                Attribute::new("b", Type::list(Type::String), "Second.").optional(),
                Attribute::new("a", Type::String, "First.").optional_computed().sensitive(),
                Attribute::new("secret_wo", Type::String, "Never stored.").write_only(),
                Attribute::new("must", Type::Number, "Needed.").required(),
                Attribute::new(
                    "found",
                    Type::list(Type::object([("id", Type::String)])),
                    "All:\n- `id`: its id",
                ),
            ],
            blocks: vec![NestedBlock::new("timeouts", inner)],
            description: String::new(),
        };
        let expected = format!(
            "\
### Required

- `must` (Number) Needed.

### Optional

- `a` (String, Sensitive) First.
- `b` (List of String) Second.
- `secret_wo` (String, [Write-only]({WRITE_ONLY})) Never stored.
- `timeouts` (Block, Optional) Limits. (see [below for nested schema](#nestedblock--timeouts))

### Read-Only

- `found` (List of Object) All: (see [below for nested schema](#nestedatt--found))
  - `id`: its id

<a id=\"nestedatt--found\"></a>
### Nested Schema for `found`

Read-Only:

- `id` (String)

<a id=\"nestedblock--timeouts\"></a>
### Nested Schema for `timeouts`

Optional:

- `create` (String) How long."
        );
        assert_eq!(markdown(&block), expected);
    }
}
