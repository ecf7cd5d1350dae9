//! Schemas: what configurations may contain and what objects have.

use super::{Diagnostic, Diagnostics, Step, Type, Value};

/// The schema of a provider block, resource, data source, ephemeral resource or list resource, or of the identity of a
/// resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Increases when stored objects must be converted.
    pub version: i64,
    /// The outermost block.
    pub block: Block,
    /// The type of its objects.
    pub(crate) ty: Type,
}

/// Attributes and nested blocks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// The attributes, in the order of the docs.
    pub attributes: Vec<Attribute>,
    /// The nested blocks.
    pub blocks: Vec<NestedBlock>,
    /// Markdown for the docs.
    pub description: String,
}

/// One attribute, built with [`Attribute::new`] and the methods that follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: Type,
    /// Who sets it.
    pub mode: Mode,
    /// Whether hosts hide its value.
    pub sensitive: bool,
    /// Whether its value is in configurations only, never in plans or state.
    pub write_only: bool,
    /// Markdown for the docs.
    pub description: String,
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The configuration must.
    Required,
    /// The configuration may.
    Optional,
    /// The provider does.
    Computed,
    /// The configuration may, otherwise the provider does.
    OptionalComputed,
}

/// A nested block that occurs at most once: an object or null.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedBlock {
    /// The name.
    pub name: &'static str,
    /// The contents.
    pub block: Block,
}

impl Schema {
    /// A schema of version 0.
    pub fn new(block: Block) -> Self {
        Self { version: 0, ty: block.ty(), block }
    }
}

impl Block {
    /// The type of objects under this block.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|a| (a.name, a.ty.clone()));
        let blocks = self.blocks.iter().map(|b| (b.name, b.block.ty()));
        Type::object(attributes.chain(blocks))
    }

    /// The object in which every attribute is null and no block is set.
    pub fn empty(&self) -> Value {
        let attributes = self.attributes.iter().map(|a| a.name);
        let names = attributes.chain(self.blocks.iter().map(|b| b.name));
        Value::object(names.map(|name| (name, Value::Null)))
    }

    /// Checks what hosts do not: required arguments that are null, values of computed attributes and, unless
    /// `write_only_allowed`, of write-only arguments.
    pub fn check(&self, config: &Value, write_only_allowed: bool) -> Diagnostics {
        if config.as_map().is_none() {
            return Diagnostics::new();
        }
        let own = self
            .attributes
            .iter()
            .filter_map(|it| it.problem(config.get(it.name), write_only_allowed));
        let nested = self.blocks.iter().flat_map(|NestedBlock { name, block }| {
            let problems = block.check(config.get(name), write_only_allowed).into_iter();
            problems.map(|problem| problem.inside(Step::Attribute((*name).to_owned())))
        });
        own.chain(nested).collect()
    }

    /// Sets every attribute to which the condition applies to null, at any depth.
    pub(crate) fn clear(&self, object: &mut Value, applies: fn(&Attribute) -> bool) {
        let Value::Map(entries) = object else { return };
        for attribute in self.attributes.iter().filter(|a| applies(a)) {
            entries.insert(attribute.name.into(), Value::Null);
        }
        for nested in &self.blocks {
            if let Some(object) = entries.get_mut(nested.name) {
                nested.block.clear(object, applies);
            }
        }
    }
}

impl Attribute {
    /// A computed attribute.
    pub fn new(name: &'static str, ty: Type, description: impl Into<String>) -> Self {
        let (mode, description) = (Mode::Computed, description.into());
        Self { name, ty, mode, sensitive: false, write_only: false, description }
    }

    /// Makes it required.
    pub fn required(self) -> Self {
        Self { mode: Mode::Required, ..self }
    }

    /// Makes it optional.
    pub fn optional(self) -> Self {
        Self { mode: Mode::Optional, ..self }
    }

    /// Makes it optional, and computed where it is not configured.
    pub fn optional_computed(self) -> Self {
        Self { mode: Mode::OptionalComputed, ..self }
    }

    /// Makes hosts hide its value.
    pub fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    /// Makes it optional and write-only.
    pub fn write_only(self) -> Self {
        Self { write_only: true, ..self.optional() }
    }

    fn problem(&self, value: &Value, write_only_allowed: bool) -> Option<Diagnostic> {
        let name = self.name;
        let (summary, detail) = match (self.mode, value) {
            (Mode::Required, Value::Null) => (
                "Missing required argument",
                format!("The argument \"{name}\" is required, but its value is null."),
            ),
            (_, Value::Null) => return None,
            (Mode::Computed, _) => (
                "Value for a read-only attribute",
                format!("The provider sets \"{name}\". Remove it from the configuration."),
            ),
            _ if self.write_only && !write_only_allowed => (
                "Write-only argument not supported",
                format!(
                    "\"{name}\" must never be stored, and this version of Terraform or OpenTofu would store it. \
                     Write-only arguments need Terraform 1.11 or OpenTofu 1.11, or later."
                ),
            ),
            _ => return None,
        };
        Some(Diagnostic::error(summary, detail).at(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        let inner = Block {
            attributes: vec![Attribute::new("must", Type::String, "").required()],
            ..Block::default()
        };
        Block {
            attributes: vec![
                Attribute::new("must", Type::String, "").required(),
                Attribute::new("ours", Type::String, ""),
                Attribute::new("secret", Type::String, "").write_only(),
            ],
            blocks: vec![NestedBlock { name: "one", block: inner }],
            description: String::new(),
        }
    }

    fn problems(config: &Value, allowed: bool) -> Vec<String> {
        let at = |d: &Diagnostic| d.path.as_ref().map(ToString::to_string).unwrap_or_default();
        block().check(config, allowed).iter().map(|d| format!("{}: {}", at(d), d.summary)).collect()
    }

    #[test]
    fn what_hosts_do_not_check_is_found_at_any_depth() {
        let bad = Value::object([("must", Value::Null)]);
        let mut config = block().empty();
        config.set("ours", "x");
        config.set("secret", "x");
        config.set("one", bad);
        assert_eq!(
            problems(&config, false),
            [
                "must: Missing required argument",
                "ours: Value for a read-only attribute",
                "secret: Write-only argument not supported",
                "one.must: Missing required argument",
            ]
        );
    }

    #[test]
    fn a_correct_or_unknown_configuration_has_no_problems() {
        let mut config = block().empty();
        config.set("must", Value::Unknown);
        config.set("secret", "x");
        assert_eq!(problems(&config, true), Vec::<String>::new());
        assert_eq!(problems(&Value::Unknown, false), Vec::<String>::new());
    }

    #[test]
    fn clear_sets_attributes_to_null_at_any_depth() {
        let mut object = block().empty();
        object.set("secret", "x");
        block().clear(&mut object, |attribute| attribute.write_only);
        assert_eq!(object, block().empty());
        let mut nothing = Value::Null;
        block().clear(&mut nothing, |_| true);
        assert!(nothing.is_null());
    }

    #[test]
    fn an_empty_object_has_every_attribute_and_block() {
        let Type::Object(types) = block().ty() else { unreachable!("a block is an object") };
        let empty = block().empty();
        assert!(empty.as_map().unwrap().keys().eq(types.keys()));
    }
}
