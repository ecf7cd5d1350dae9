//! Schemas and signatures as the registry's Markdown: required, optional and read-only entries by name, nested blocks below.

use serde_json::{Map, Value as Json};
use tf_provider::{Attribute, Block, Mode, Signature};

/// The section below the heading `## Schema`.
pub(super) fn markdown(block: &Block) -> String {
    (groups(block, "") + &nested(block, "")).trim_end().to_owned()
}

/// The section below the heading `### Identity Schema`.
pub(super) fn identity(block: &Block) -> String {
    let entries = block.attributes.iter().map(|it| {
        let group = if it.mode == Mode::Required { "Required" } else { "Optional" };
        (group, it.name, line(it.name, &[type_name(&it.ty.to_json())], &it.description, None))
    });
    grouped(&entries.collect::<Vec<_>>(), |group| format!("#### {group}")).trim_end().to_owned()
}

/// The declaration of a function, fenced.
pub(super) fn declaration(name: &str, signature: &Signature) -> String {
    let parameters = signature.parameters.iter();
    let parameters: Vec<String> =
        parameters.map(|it| format!("{} {}", it.name, kind(&it.ty.to_json()))).collect();
    let returns = signature.returns.to_json();
    format!("```text\n{name}({}) {}\n```", parameters.join(", "), kind(&returns))
}

/// The numbered list of a function's parameters.
pub(super) fn arguments(signature: &Signature) -> String {
    let lines = (1..).zip(&signature.parameters).map(|(position, it)| {
        let nullable = if it.allow_null { ", Nullable" } else { "" };
        let kind = title(kind(&it.ty.to_json()));
        format!("{position}. `{}` ({kind}{nullable}) {}", it.name, it.description)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The entries of a block. `at` is the anchor of a nested block with `--`, and empty at the top.
fn groups(block: &Block, at: &str) -> String {
    let attributes = block.attributes.iter().map(|it| {
        let group = match it.mode {
            Mode::Required => "Required",
            Mode::Optional | Mode::OptionalComputed => "Optional",
            Mode::Computed => "Read-Only",
        };
        (group, it.name, attribute_line(it, at))
    });
    let blocks = block.blocks.iter().map(|it| {
        let below = Some(below("nestedblock", at, it.name));
        let words = ["Block, Optional".to_owned()];
        ("Optional", it.name, line(it.name, &words, &it.block.description, below))
    });
    let mut entries: Vec<(&str, &str, String)> = attributes.chain(blocks).collect();
    entries.sort_by_key(|(_, name, _)| *name);
    let title =
        |group: &str| if at.is_empty() { format!("### {group}") } else { format!("{group}:") };
    grouped(&entries, title)
}

/// Group, name and line of each entry under the titles of the groups.
fn grouped(entries: &[(&str, &str, String)], title: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for group in ["Required", "Optional", "Read-Only"] {
        let lines = entries.iter().filter(|(of, ..)| *of == group);
        let lines: Vec<&str> = lines.map(|(.., line)| line.as_str()).collect();
        if !lines.is_empty() {
            text += &format!("{}\n\n{}\n\n", title(group), lines.join("\n"));
        }
    }
    text
}

/// A section for each nested block, and for each list of objects.
fn nested(block: &Block, at: &str) -> String {
    let blocks = block.blocks.iter().map(|inner| {
        let below = format!("{at}{}--", inner.name);
        let body = groups(&inner.block, &below) + &nested(&inner.block, &below);
        (inner.name, section("nestedblock", at, inner.name, &body))
    });
    let objects = block.attributes.iter().filter_map(|attribute| {
        let ty = attribute.ty.to_json();
        let members = object_of(&ty)?.iter();
        let lines: Vec<String> =
            members.map(|(name, ty)| format!("- `{name}` ({})", type_name(ty))).collect();
        let body = format!("Read-Only:\n\n{}\n\n", lines.join("\n"));
        Some((attribute.name, section("nestedatt", at, attribute.name, &body)))
    });
    let mut sections: Vec<_> = blocks.chain(objects).collect();
    sections.sort();
    sections.into_iter().map(|(_, text)| text).collect()
}

fn section(anchor: &str, at: &str, name: &str, body: &str) -> String {
    let shown = at.replace("--", ".");
    format!("<a id=\"{anchor}--{at}{name}\"></a>\n### Nested Schema for `{shown}{name}`\n\n{body}")
}

fn attribute_line(attribute: &Attribute, at: &str) -> String {
    let ty = attribute.ty.to_json();
    let mut words = vec![type_name(&ty)];
    if attribute.sensitive {
        words.push("Sensitive".to_owned());
    }
    if attribute.write_only {
        words.push(format!("[Write-only]({WRITE_ONLY})"));
    }
    let below = object_of(&ty).map(|_| below("nestedatt", at, attribute.name));
    line(attribute.name, &words, &attribute.description, below)
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

/// The attributes of an object type, or of the objects in a collection.
fn object_of(ty: &Json) -> Option<&Map<String, Json>> {
    ty.get(1)?.as_object().or_else(|| object_of(&ty[1]))
}

/// The name of a type constraint: `List of String`.
fn type_name(ty: &Json) -> String {
    match kind(ty) {
        kind @ ("list" | "set" | "map") => format!("{} of {}", title(kind), type_name(&ty[1])),
        kind => title(kind),
    }
}

/// The first word of a type constraint: `list` of `["list","string"]`.
fn kind(ty: &Json) -> &str {
    ty.as_str().or(ty[0].as_str()).unwrap_or_default()
}

fn title(kind: &str) -> String {
    match kind {
        "bool" => "Boolean".to_owned(),
        _ => kind[..1].to_uppercase() + &kind[1..],
    }
}

const WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";
