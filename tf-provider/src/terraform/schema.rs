use super::{Diagnostic, Diagnostics, Path, Step, Type, Value};

/// What a configuration of one kind may hold, and what its objects have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schema {
    /// Counts up when stored objects must be rewritten.
    pub version: i64,
    /// The outermost block.
    pub block: Block,
}

/// A group of attributes and further blocks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// Attributes, in the order of the docs.
    pub attributes: Vec<Attribute>,
    /// Blocks inside this one.
    pub blocks: Vec<NestedBlock>,
    /// Markdown for the docs.
    pub description: String,
}

/// One attribute. Made by [`Attribute::new`] and what can be chained to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// Who sets it.
    pub usage: Usage,
    /// Whether hosts hide its value.
    pub sensitive: bool,
    /// Whether the value is only in configurations, never in plans or state.
    pub write_only: bool,
    /// What to use instead, if users should stop using it.
    pub deprecated: Option<String>,
    /// Markdown for the docs.
    pub description: String,
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The user must.
    Required,
    /// The user may.
    Optional,
    /// The provider does.
    Computed,
    /// The user may, else the provider does.
    OptionalComputed,
}

/// A block inside a block.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedBlock {
    /// The name.
    pub name: String,
    /// How often it may stand, and what its value is.
    pub nesting: Nesting,
    /// What is in it.
    pub block: Block,
}

/// How blocks of one name become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// At most once: an object or null.
    Optional,
    /// Exactly once: an object.
    Required,
    /// Any number of times: a list.
    List,
    /// Any number of times: a set.
    Set,
    /// Once a label: a map.
    Map,
    /// At most once: an object always, of nulls where the block is not there.
    Group,
}

impl Schema {
    /// The first version of a schema.
    pub fn new(block: Block) -> Self {
        Self { version: 0, block }
    }
}

impl Block {
    /// The type of the objects under this block.
    pub fn ty(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|a| (a.name.clone(), a.ty.clone()));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.ty()));
        Type::object(attributes.chain(blocks))
    }

    /// An object under this block in which nothing is set.
    pub fn empty(&self) -> Value {
        let attributes = self
            .attributes
            .iter()
            .map(|a| (a.name.clone(), Value::Null));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.absent()));
        Value::object(attributes.chain(blocks))
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// Finds in a configuration what hosts let through: null for required arguments, values for attributes that are only
    /// computed, and, where `write_only_allowed` is false, write-only arguments. Deprecated arguments give warnings.
    pub fn check(&self, config: &Value, write_only_allowed: bool) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        self.check_at(
            config,
            write_only_allowed,
            &Path::default(),
            &mut diagnostics,
        );
        diagnostics
    }

    /// Sets every write-only argument of an object to null, at any depth.
    pub fn clear_write_only(&self, object: &mut Value) {
        self.clear(object, &|attribute| attribute.write_only);
    }

    /// Sets every attribute that cannot be configured to null, at any depth.
    pub fn clear_computed(&self, object: &mut Value) {
        self.clear(object, &|attribute| {
            attribute.usage == Usage::Computed || attribute.write_only
        });
    }

    fn clear(&self, object: &mut Value, applies: &dyn Fn(&Attribute) -> bool) {
        let Value::Map(entries) = object else { return };
        for attribute in self
            .attributes
            .iter()
            .filter(|attribute| applies(attribute))
        {
            entries.insert(attribute.name.clone(), Value::Null);
        }
        for nested in &self.blocks {
            match (nested.nesting, entries.get_mut(&nested.name)) {
                (Nesting::List | Nesting::Set, Some(Value::List(elements))) => {
                    for element in elements {
                        nested.block.clear(element, applies);
                    }
                }
                (Nesting::Map, Some(Value::Map(inner))) => {
                    for entry in inner.values_mut() {
                        nested.block.clear(entry, applies);
                    }
                }
                (_, Some(object)) => nested.block.clear(object, applies),
                (_, None) => {}
            }
        }
    }

    fn check_at(&self, config: &Value, allowed: bool, at: &Path, found: &mut Diagnostics) {
        if config.as_map().is_none() {
            return;
        }
        for attribute in &self.attributes {
            let value = config.get(&attribute.name);
            let problem = attribute.problem(value, allowed);
            found.extend(problem.map(|problem| problem.at(at.then(&*attribute.name))));
        }
        for nested in &self.blocks {
            let value = config.get(&nested.name);
            let path = at.then(&*nested.name);
            match (nested.nesting, value) {
                (Nesting::List, Value::List(elements)) => {
                    for (index, element) in (0..).zip(elements) {
                        let path = path.with(Step::Index(index));
                        nested.block.check_at(element, allowed, &path, found);
                    }
                }
                (Nesting::Set, Value::List(elements)) => {
                    for element in elements {
                        // Elements of sets have no address of their own.
                        let mut inner = Diagnostics::new();
                        nested
                            .block
                            .check_at(element, allowed, &Path::default(), &mut inner);
                        found.extend(inner.into_iter().map(|problem| problem.at(path.clone())));
                    }
                }
                (Nesting::Map, Value::Map(entries)) => {
                    for (key, entry) in entries {
                        let path = path.with(Step::Key(key.clone()));
                        nested.block.check_at(entry, allowed, &path, found);
                    }
                }
                _ => nested.block.check_at(value, allowed, &path, found),
            }
        }
    }
}

impl Attribute {
    /// An attribute that the provider sets, until one of the methods below says otherwise.
    pub fn new(name: impl Into<String>, ty: Type, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ty,
            usage: Usage::Computed,
            sensitive: false,
            write_only: false,
            deprecated: None,
            description: description.into(),
        }
    }

    /// The user must set it.
    pub fn required(self) -> Self {
        Self {
            usage: Usage::Required,
            ..self
        }
    }

    /// The user may set it.
    pub fn optional(self) -> Self {
        Self {
            usage: Usage::Optional,
            ..self
        }
    }

    /// The user may set it, else the provider does.
    pub fn optional_computed(self) -> Self {
        Self {
            usage: Usage::OptionalComputed,
            ..self
        }
    }

    /// Hosts hide its value.
    pub fn sensitive(self) -> Self {
        Self {
            sensitive: true,
            ..self
        }
    }

    /// Only in configurations, never in plans or state.
    pub fn write_only(self) -> Self {
        Self {
            usage: Usage::Optional,
            write_only: true,
            ..self
        }
    }

    /// Users should stop using it; says what to use instead.
    pub fn deprecated(self, instead: impl Into<String>) -> Self {
        Self {
            deprecated: Some(instead.into()),
            ..self
        }
    }

    fn problem(&self, value: &Value, write_only_allowed: bool) -> Option<Diagnostic> {
        let name = &self.name;
        match (self.usage, value) {
            (Usage::Required, Value::Null) => Some(Diagnostic::error(
                "Missing required argument",
                format!("The argument \"{name}\" is required, but its value is null."),
            )),
            (Usage::Computed, set) if !set.is_null() => Some(Diagnostic::error(
                "Value for a read-only attribute",
                format!(
                    "The provider sets \"{name}\" by itself. Remove it from the configuration."
                ),
            )),
            (_, set) if self.write_only && !set.is_null() && !write_only_allowed => {
                Some(Diagnostic::error(
                    "Write-only argument not supported",
                    format!(
                        "\"{name}\" must never be stored, and this version of Terraform or OpenTofu would store it. \
                         Write-only arguments need Terraform 1.11 or OpenTofu 1.11, or later."
                    ),
                ))
            }
            (_, set) if !set.is_null() => self.deprecated.as_ref().map(|instead| {
                Diagnostic::warning(
                    "Deprecated argument",
                    format!("\"{name}\" is deprecated. {instead}"),
                )
            }),
            _ => None,
        }
    }
}

impl NestedBlock {
    /// A block of that name.
    pub fn new(name: impl Into<String>, nesting: Nesting, block: Block) -> Self {
        Self {
            name: name.into(),
            nesting,
            block,
        }
    }

    /// The type of the value that all blocks of this name become.
    pub fn ty(&self) -> Type {
        let object = self.block.ty();
        match self.nesting {
            Nesting::Optional | Nesting::Required | Nesting::Group => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }

    /// The value where no block of this name stands.
    pub fn absent(&self) -> Value {
        match self.nesting {
            Nesting::Optional | Nesting::Required => Value::Null,
            Nesting::List | Nesting::Set => Value::List(Vec::new()),
            Nesting::Map => Value::Map(std::collections::BTreeMap::new()),
            Nesting::Group => self.block.empty(),
        }
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
                Attribute::new("old", Type::String, "")
                    .optional()
                    .deprecated("Use \"new\"."),
            ],
            blocks: vec![
                NestedBlock::new("one", Nesting::Optional, inner.clone()),
                NestedBlock::new("list", Nesting::List, inner.clone()),
                NestedBlock::new("set", Nesting::Set, inner.clone()),
                NestedBlock::new("map", Nesting::Map, inner),
            ],
            description: String::new(),
        }
    }

    fn problems(config: &Value, allowed: bool) -> Vec<String> {
        let at = |d: &Diagnostic| d.path.as_ref().map(ToString::to_string).unwrap_or_default();
        block()
            .check(config, allowed)
            .iter()
            .map(|d| format!("{}: {}", at(d), d.summary))
            .collect()
    }

    #[test]
    fn what_hosts_let_through_is_found_at_any_depth() {
        let bad = Value::object([("must", Value::Null)]);
        let mut config = block().empty();
        config.set("ours", "x");
        config.set("secret", "x");
        config.set("old", "x");
        config.set("one", bad.clone());
        config.set("list", Value::List(vec![bad.clone()]));
        config.set("set", Value::List(vec![bad.clone()]));
        config.set("map", Value::object([("k", bad)]));
        assert_eq!(
            problems(&config, false),
            [
                "must: Missing required argument",
                "ours: Value for a read-only attribute",
                "secret: Write-only argument not supported",
                "old: Deprecated argument",
                "one.must: Missing required argument",
                "list[0].must: Missing required argument",
                "set: Missing required argument",
                "map[\"k\"].must: Missing required argument",
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
    fn write_only_arguments_never_stay_in_an_object() {
        let mut object = block().empty();
        object.set("secret", "x");
        block().clear_write_only(&mut object);
        assert_eq!(object, block().empty());
        let mut nothing = Value::Null;
        block().clear_write_only(&mut nothing);
        assert!(nothing.is_null());
    }

    #[test]
    fn an_empty_object_has_every_attribute_and_block() {
        let Type::Object(types) = block().ty() else {
            unreachable!("a block is an object")
        };
        let empty = block().empty();
        let entries = empty.as_map().map(|map| map.keys().collect::<Vec<_>>());
        assert_eq!(entries, Some(types.keys().collect()));
    }
}
