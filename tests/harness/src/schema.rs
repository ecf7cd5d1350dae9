//! Schemas, read out of `GetSchema`.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use crate::{
    error::Problem,
    pb::tfplugin5::{self as pb, schema::nested_block::NestingMode},
    value::{Type, convert, encode},
};

/// Everything that a provider offers.
#[derive(Clone, Debug, Default)]
pub struct ProviderSchema {
    pub provider: Schema,
    pub resources: BTreeMap<String, Schema>,
    pub data_sources: BTreeMap<String, Schema>,
    pub ephemeral_resources: BTreeMap<String, Schema>,
    pub functions: BTreeMap<String, pb::Function>,
    pub capabilities: pb::ServerCapabilities,
}

/// The schema of one type.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The type that it describes.
    pub name: String,
    pub version: i64,
    pub block: Block,
    /// The type of the resource identity, if host and provider have identities.
    pub identity: Option<Type>,
}

/// The attributes of a type. A nested block is an optional attribute with an object type.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub attributes: BTreeMap<String, Attribute>,
}

/// One attribute.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "the flags of the protocol's message")]
pub struct Attribute {
    pub ty: Type,
    pub required: bool,
    pub optional: bool,
    pub computed: bool,
    pub sensitive: bool,
    pub write_only: bool,
}

impl ProviderSchema {
    /// Reads a response to `GetSchema`. A host that does not know write-only attributes sees ordinary ones.
    ///
    /// # Panics
    /// If there is a block that may be repeated.
    pub(crate) fn read(
        response: pb::get_provider_schema::Response,
        knows_write_only: bool,
    ) -> Self {
        let schema = |name: &str, given: pb::Schema| Schema {
            name: name.to_owned(),
            version: given.version,
            block: Block::read(given.block.unwrap_or_default(), knows_write_only),
            identity: None,
        };
        let all = |given: HashMap<String, pb::Schema>| {
            let schemas = given.into_iter();
            schemas.map(|(name, given)| (name.clone(), schema(&name, given))).collect()
        };
        Self {
            provider: schema("the provider", response.provider.unwrap_or_default()),
            resources: all(response.resource_schemas),
            data_sources: all(response.data_source_schemas),
            ephemeral_resources: all(response.ephemeral_resource_schemas),
            functions: response.functions.into_iter().collect(),
            capabilities: response.server_capabilities.unwrap_or_default(),
        }
    }
}

impl Schema {
    /// A value of this type, as requests hold it.
    #[expect(clippy::unnecessary_wraps, reason = "the fields of requests are optional")]
    pub(crate) fn encode(&self, value: &Json) -> Option<pb::DynamicValue> {
        Some(encode(value, &self.block.ty()))
    }
}

impl Block {
    /// The type of an object of this schema.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter();
        Type::Object(attributes.map(|(name, it)| (name.clone(), it.ty.clone())).collect())
    }

    /// Completes a configuration as core does: values are converted, and what is absent becomes null. An absent required
    /// attribute and an unknown name are refused; an explicit null passes.
    pub fn conform(&self, config: impl Into<Json>) -> Result<Json, Problem> {
        let config = config.into();
        let absent = |(name, it): &(&String, &Attribute)| it.required && config.get(name).is_none();
        match self.attributes.iter().find(absent) {
            Some((name, _)) => Err(Problem::new(name, "missing required argument")),
            None => convert(config, &self.ty()),
        }
    }

    fn read(given: pb::schema::Block, knows_write_only: bool) -> Self {
        let attribute = |it: pb::schema::Attribute| {
            let attribute = Attribute {
                ty: Type::parse(&it.r#type),
                required: it.required,
                optional: it.optional,
                computed: it.computed,
                sensitive: it.sensitive,
                write_only: it.write_only && knows_write_only,
            };
            (it.name, attribute)
        };
        let nested = |it: pb::schema::NestedBlock| {
            assert_eq!(it.nesting(), NestingMode::Single, "block {} may be repeated", it.type_name);
            let block = Self::read(it.block.unwrap_or_default(), knows_write_only);
            let attribute = Attribute {
                ty: block.ty(),
                required: false,
                optional: true,
                computed: false,
                sensitive: false,
                write_only: false,
            };
            (it.type_name, attribute)
        };
        let blocks = given.block_types.into_iter().map(nested);
        Self { attributes: given.attributes.into_iter().map(attribute).chain(blocks).collect() }
    }
}
