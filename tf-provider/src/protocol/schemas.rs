//! The schemas of a provider: looked up by type name to decode values, and encoded for the host.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    calls::Outcome,
    pb::{self, schema::nested_block::NestingMode},
};
use crate::terraform::{
    Attribute, Block, DataSource, Diagnostic, Function, ListResource, Mode, NestedBlock, Parameter,
    Provider, Resource, Schema, Signature, Type,
};

/// Everything that a provider offers, by name.
pub(super) struct Registry {
    pub(super) provider: Schema,
    pub(super) resources: Handlers<dyn Resource>,
    pub(super) data_sources: Handlers<dyn DataSource>,
    pub(super) ephemeral_resources: Handlers<dyn DataSource>,
    pub(super) list_resources: Handlers<dyn ListResource>,
    pub(super) functions: BTreeMap<&'static str, (Arc<dyn Function>, Signature)>,
}

/// The handlers of one kind, by type name.
pub(super) struct Handlers<T: ?Sized> {
    kind: &'static str,
    by_name: BTreeMap<&'static str, Registered<T>>,
}

pub(super) struct Registered<T: ?Sized> {
    pub(super) handler: Arc<T>,
    pub(super) schema: Schema,
    pub(super) identity_schema: Option<Schema>,
}

impl Registry {
    pub(super) fn new(provider: &dyn Provider) -> Self {
        let data_source = |it: &dyn DataSource| (it.type_name(), it.schema(), None);
        let ephemeral = provider.ephemeral_resources();
        let functions = provider.functions().into_iter();
        Self {
            provider: provider.schema(),
            resources: Handlers::new("resource type", provider.resources(), |it| {
                (it.type_name(), it.schema(), it.identity_schema())
            }),
            data_sources: Handlers::new("data source", provider.data_sources(), data_source),
            ephemeral_resources: Handlers::new("ephemeral resource type", ephemeral, data_source),
            list_resources: Handlers::new("list resource type", provider.list_resources(), |it| {
                (it.type_name(), it.schema(), None)
            }),
            functions: functions.map(|it| (it.name(), (it.clone(), it.signature()))).collect(),
        }
    }

    pub(super) fn identity_schemas(&self) -> HashMap<String, pb::ResourceIdentitySchema> {
        let resources = self.resources.by_name.iter();
        let identities = resources.filter_map(|(name, it)| {
            Some(((*name).into(), identity_schema(it.identity_schema.as_ref()?)))
        });
        identities.collect()
    }

    pub(super) fn function_signatures(&self) -> HashMap<String, pb::Function> {
        let functions = self.functions.iter();
        functions.map(|(name, (_, signature))| ((*name).into(), function(signature))).collect()
    }
}

impl<T: ?Sized> Handlers<T> {
    fn new(
        kind: &'static str,
        handlers: Vec<Arc<T>>,
        describe: impl Fn(&T) -> (&'static str, Schema, Option<Schema>),
    ) -> Self {
        let handlers = handlers.into_iter().map(|handler| {
            let (name, schema, identity_schema) = describe(&handler);
            (name, Registered { handler, schema, identity_schema })
        });
        Self { kind, by_name: handlers.collect() }
    }

    pub(super) fn get(&self, name: &str) -> Outcome<&Registered<T>> {
        self.by_name.get(name).ok_or_else(|| {
            let (kind, name) = (self.kind, name.chars().take(MAX_QUOTED_NAME).collect::<String>());
            let detail = format!(
                "This provider has no {kind} named {name:?}. A newer version of the provider may have it."
            );
            Diagnostic::error(format!("Unknown {kind}"), detail).into()
        })
    }

    pub(super) fn schemas(&self) -> HashMap<String, pb::Schema> {
        let handlers = self.by_name.iter();
        handlers.map(|(name, it)| ((*name).into(), schema(&it.schema))).collect()
    }
}

/// The characters of a name that an error repeats.
const MAX_QUOTED_NAME: usize = 200;

pub(super) fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema { version: schema.version, block: Some(block(&schema.block, schema.version)) }
}

fn block(block: &Block, version: i64) -> pb::schema::Block {
    pb::schema::Block {
        version,
        attributes: block.attributes.iter().map(attribute).collect(),
        block_types: block.blocks.iter().map(nested_block).collect(),
        description: block.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    }
}

fn nested_block(nested: &NestedBlock) -> pb::schema::NestedBlock {
    pb::schema::NestedBlock {
        type_name: nested.name.to_owned(),
        block: Some(block(&nested.block, 0)),
        nesting: NestingMode::Single.into(),
        ..Default::default()
    }
}

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    pb::schema::Attribute {
        name: attribute.name.to_owned(),
        r#type: type_json(&attribute.ty),
        description: attribute.description.clone(),
        required: attribute.mode == Mode::Required,
        optional: matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed),
        computed: matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed),
        sensitive: attribute.sensitive,
        description_kind: pb::StringKind::Markdown.into(),
        write_only: attribute.write_only,
        ..Default::default()
    }
}

fn identity_schema(schema: &Schema) -> pb::ResourceIdentitySchema {
    let attribute = |it: &Attribute| pb::resource_identity_schema::IdentityAttribute {
        name: it.name.to_owned(),
        r#type: type_json(&it.ty),
        required_for_import: it.mode == Mode::Required,
        optional_for_import: it.mode != Mode::Required,
        description: it.description.clone(),
    };
    pb::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: schema.block.attributes.iter().map(attribute).collect(),
    }
}

fn function(signature: &Signature) -> pb::Function {
    let parameter = |it: &Parameter| pb::function::Parameter {
        name: it.name.to_owned(),
        r#type: type_json(&it.ty),
        allow_null_value: it.allow_null,
        allow_unknown_values: false,
        description: it.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
    };
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        r#return: Some(pb::function::Return { r#type: type_json(&signature.returns) }),
        summary: signature.summary.to_owned(),
        description: signature.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    }
}

/// The type constraint as JSON text.
fn type_json(ty: &Type) -> Vec<u8> {
    ty.to_json().to_string().into_bytes()
}
