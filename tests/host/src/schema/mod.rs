//! Schemas as core sees them, read out of `GetSchema` with core's checks applied.

mod read;

use std::collections::BTreeMap;

pub use self::read::read;

use crate::ty::Type;

/// Everything that a provider offers.
#[derive(Clone, Debug, Default)]
pub struct ProviderSchema {
    /// The provider block.
    pub provider: Schema,
    /// Managed resources by type name.
    pub resources: BTreeMap<String, Schema>,
    /// Data sources by type name.
    pub data_sources: BTreeMap<String, Schema>,
    /// Ephemeral resources by type name.
    pub ephemeral_resources: BTreeMap<String, Schema>,
    /// Functions by name.
    pub functions: BTreeMap<String, Function>,
    /// What the server said that it can do.
    pub capabilities: Capabilities,
}

/// The server's capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "the protocol's message")]
pub struct Capabilities {
    /// Deletions are planned by the provider too.
    pub plan_destroy: bool,
    /// The schema may come from a cache.
    pub get_provider_schema_optional: bool,
    /// `MoveResourceState` is served.
    pub move_resource_state: bool,
    /// `GenerateResourceConfig` is served.
    pub generate_resource_config: bool,
}

/// The schema of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The version that state is stored under.
    pub version: i64,
    /// Its attributes and blocks.
    pub block: Block,
}

/// Attributes and nested blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Nested blocks by name.
    pub blocks: BTreeMap<String, NestedBlock>,
    /// The description shown to users.
    pub description: String,
    /// Whether using it is discouraged.
    pub deprecated: bool,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "the protocol's message")]
pub struct Attribute {
    /// The type of its value.
    pub ty: Type,
    /// Must be configured.
    pub required: bool,
    /// May be configured.
    pub optional: bool,
    /// May be set by the provider.
    pub computed: bool,
    /// Not to be shown.
    pub sensitive: bool,
    /// Never stored.
    pub write_only: bool,
    /// Whether using it is discouraged.
    pub deprecated: bool,
    /// The description shown to users.
    pub description: String,
}

/// A kind of block inside a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedBlock {
    /// How its occurrences are kept.
    pub nesting: Nesting,
    /// What one occurrence holds.
    pub block: Block,
    /// The least number of occurrences.
    pub min_items: i64,
    /// The greatest number of occurrences; 0 is no limit.
    pub max_items: i64,
}

/// How occurrences of a nested block are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object or null.
    Single,
    /// One object, of nulls where absent.
    Group,
    /// A list.
    List,
    /// A set.
    Set,
    /// A map, by label.
    Map,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Positional parameters.
    pub parameters: Vec<Parameter>,
    /// What further arguments are.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// One line for users.
    pub summary: String,
    /// The description shown to users.
    pub description: String,
}

/// One parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The type that arguments are converted to.
    pub ty: Type,
    /// Whether null may be passed.
    pub allow_null: bool,
    /// Whether unknowns may be passed.
    pub allow_unknown: bool,
}

impl Block {
    /// The type of an object of this schema.
    pub fn ty(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, a)| (name.clone(), a.ty.clone()));
        let blocks = self
            .blocks
            .iter()
            .map(|(name, nested)| (name.clone(), nested.ty()));
        Type::Object(attributes.chain(blocks).collect())
    }
}

impl NestedBlock {
    /// The type under which its occurrences are kept.
    pub fn ty(&self) -> Type {
        let element = self.block.ty();
        match self.nesting {
            Nesting::Single | Nesting::Group => element,
            Nesting::List => Type::List(Box::new(element)),
            Nesting::Set => Type::Set(Box::new(element)),
            Nesting::Map => Type::Map(Box::new(element)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// name (R), size (O+C), note (O), id (C), secret (O, sensitive), password (O, write-only),
    /// tags (O set), labels (O map), and one block of every nesting.
    pub(crate) fn example() -> Block {
        let leaf = |name: &str, attribute| Block {
            attributes: BTreeMap::from([(name.to_owned(), attribute)]),
            ..Block::default()
        };
        let port = || {
            let mut block = leaf("port", attribute(Type::Number, "optional"));
            block
                .attributes
                .insert("uid".into(), attribute(Type::String, "computed"));
            block
        };
        let nested = |nesting, block| NestedBlock {
            nesting,
            block,
            min_items: 0,
            max_items: 0,
        };
        Block {
            attributes: [
                ("name", attribute(Type::String, "required")),
                ("size", attribute(Type::Number, "optional computed")),
                ("note", attribute(Type::String, "optional")),
                ("id", attribute(Type::String, "computed")),
                ("secret", attribute(Type::String, "optional sensitive")),
                ("password", attribute(Type::String, "optional write_only")),
                (
                    "tags",
                    attribute(Type::Set(Box::new(Type::String)), "optional"),
                ),
                (
                    "labels",
                    attribute(Type::Map(Box::new(Type::String)), "optional"),
                ),
            ]
            .map(|(name, attribute)| (name.to_owned(), attribute))
            .into(),
            blocks: [
                (
                    "timeouts",
                    nested(
                        Nesting::Single,
                        leaf("create", attribute(Type::String, "optional")),
                    ),
                ),
                (
                    "meta",
                    nested(
                        Nesting::Group,
                        leaf("owner", attribute(Type::String, "optional")),
                    ),
                ),
                ("rule", nested(Nesting::List, port())),
                ("peer", nested(Nesting::Set, port())),
                ("zone", nested(Nesting::Map, port())),
            ]
            .map(|(name, block)| (name.to_owned(), block))
            .into(),
            ..Block::default()
        }
    }

    pub(crate) fn attribute(ty: Type, flags: &str) -> Attribute {
        let has = |flag| flags.split(' ').any(|word| word == flag);
        Attribute {
            ty,
            required: has("required"),
            optional: has("optional"),
            computed: has("computed"),
            sensitive: has("sensitive"),
            write_only: has("write_only"),
            deprecated: false,
            description: String::new(),
        }
    }
}
