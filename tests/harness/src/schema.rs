//! Schemas, read out of `GetSchema`.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json};

use crate::{
    pb::tfplugin5::{self as pb, schema::nested_block::NestingMode},
    value::{Mismatch, Type, attribute_path, convert_at, is_unknown, mismatch},
};

/// Everything that a provider offers.
#[derive(Clone, Debug, Default)]
pub struct ProviderSchema {
    pub provider: Schema,
    pub resources: BTreeMap<String, Schema>,
    pub data_sources: BTreeMap<String, Schema>,
    pub ephemeral_resources: BTreeMap<String, Schema>,
    pub functions: BTreeMap<String, pb::Function>,
    /// The types of resource identities by resource type; empty for a host that does not have them.
    pub identities: BTreeMap<String, Type>,
    pub capabilities: pb::ServerCapabilities,
}

/// The schema of one type.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub version: i64,
    pub block: Block,
}

/// Attributes and nested blocks.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub attributes: BTreeMap<String, Attribute>,
    pub blocks: BTreeMap<String, NestedBlock>,
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

/// A block inside a block.
#[derive(Clone, Debug)]
pub struct NestedBlock {
    pub block: Block,
    pub required: bool,
    /// The value of a configuration without it: null for a single block, an empty list or map for one that may be
    /// repeated. A repeated block cannot be configured with this harness.
    pub absent: Json,
}

impl ProviderSchema {
    /// Reads a response to `GetSchema`. A host that does not know write-only attributes sees ordinary ones.
    pub fn read(response: pb::get_provider_schema::Response, knows_write_only: bool) -> Self {
        let schema = |given: &pb::Schema| Schema {
            version: given.version,
            block: given
                .block
                .as_ref()
                .map(|block| Block::read(block, knows_write_only))
                .unwrap_or_default(),
        };
        let all = |given: HashMap<String, pb::Schema>| {
            given.iter().map(|(name, given)| (name.clone(), schema(given))).collect()
        };
        Self {
            provider: response.provider.as_ref().map(schema).unwrap_or_default(),
            resources: all(response.resource_schemas),
            data_sources: all(response.data_source_schemas),
            ephemeral_resources: all(response.ephemeral_resource_schemas),
            functions: response.functions.into_iter().collect(),
            identities: BTreeMap::new(),
            capabilities: response.server_capabilities.unwrap_or_default(),
        }
    }
}

impl Block {
    /// The type of an object of this schema.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, it)| (name.clone(), it.ty.clone()));
        let blocks = self.blocks.iter().map(|(name, nested)| (name.clone(), nested.ty()));
        Type::Object(attributes.chain(blocks).collect())
    }

    /// Completes a configuration as core does: values are converted, and what is absent becomes null. An absent required
    /// attribute and an unknown name are refused; an explicit null passes.
    pub fn conform(&self, config: impl Into<Json>) -> Result<Json, Mismatch> {
        self.conform_at(config.into(), "")
    }

    fn conform_at(&self, config: Json, path: &str) -> Result<Json, Mismatch> {
        let Json::Object(mut given) = config else {
            return mismatch(path, format!("a block is required, not {config}"));
        };
        let mut object = Map::new();
        for (name, attribute) in &self.attributes {
            let path = attribute_path(path, name);
            let value = match given.remove(name) {
                Some(value) => convert_at(value, &attribute.ty, &path)?,
                None if attribute.required => return mismatch(&path, "missing required argument"),
                None => Json::Null,
            };
            object.insert(name.clone(), value);
        }
        for (name, nested) in &self.blocks {
            let path = attribute_path(path, name);
            let value = match given.remove(name).unwrap_or_default() {
                Json::Null if nested.required => return mismatch(&path, "missing required block"),
                Json::Null => nested.absent.clone(),
                unknown if is_unknown(&unknown) => unknown,
                given if nested.absent.is_null() => nested.block.conform_at(given, &path)?,
                _ => return mismatch(&path, "repeated blocks are not supported by this harness"),
            };
            object.insert(name.clone(), value);
        }
        match given.keys().next() {
            Some(name) => mismatch(&attribute_path(path, name), "unsupported argument"),
            None => Ok(object.into()),
        }
    }

    fn read(given: &pb::schema::Block, knows_write_only: bool) -> Self {
        let attribute = |given: &pb::schema::Attribute| Attribute {
            ty: Type::parse(&serde_json::from_slice(&given.r#type).unwrap_or_default()),
            required: given.required,
            optional: given.optional,
            computed: given.computed,
            sensitive: given.sensitive,
            write_only: given.write_only && knows_write_only,
        };
        let nested = |given: &pb::schema::NestedBlock| NestedBlock {
            block: given
                .block
                .as_ref()
                .map(|block| Self::read(block, knows_write_only))
                .unwrap_or_default(),
            required: given.min_items > 0,
            absent: match given.nesting() {
                NestingMode::Map => Json::Object(Map::new()),
                NestingMode::List | NestingMode::Set => Json::Array(Vec::new()),
                NestingMode::Single | NestingMode::Group | NestingMode::Invalid => Json::Null,
            },
        };
        Self {
            attributes: given
                .attributes
                .iter()
                .map(|it| (it.name.clone(), attribute(it)))
                .collect(),
            blocks: given.block_types.iter().map(|it| (it.type_name.clone(), nested(it))).collect(),
        }
    }
}

impl NestedBlock {
    fn ty(&self) -> Type {
        match &self.absent {
            Json::Array(_) => Type::List(self.block.ty().into()),
            Json::Object(_) => Type::Map(self.block.ty().into()),
            _ => self.block.ty(),
        }
    }
}
