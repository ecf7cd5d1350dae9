//! The schemas of a provider: looked up by type name to decode values, and encoded for the host.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::pb::{self, schema::nested_block::NestingMode};
use crate::terraform::{
    Attribute, Block, DataSource, Diagnostic, Diagnostics, EphemeralResource, Function,
    IdentityAttribute, IdentitySchema, ListResource, Mode, NestedBlock, Parameter, Provider,
    Resource, Schema, Signature, Type,
};

/// Everything that a provider offers, by name.
pub(super) struct Registry {
    pub(super) provider: TypedSchema,
    pub(super) resources: Handlers<dyn Resource>,
    pub(super) data_sources: Handlers<dyn DataSource>,
    pub(super) ephemeral_resources: Handlers<dyn EphemeralResource>,
    pub(super) list_resources: Handlers<dyn ListResource>,
    pub(super) functions: BTreeMap<&'static str, (Arc<dyn Function>, Signature)>,
}

/// The handlers of one kind, by type name.
pub(super) struct Handlers<T: ?Sized> {
    /// In words.
    kind: &'static str,
    by_name: BTreeMap<&'static str, Registered<T>>,
}

/// A handler with its schema.
pub(super) struct Registered<T: ?Sized> {
    pub(super) handler: Arc<T>,
    pub(super) schema: TypedSchema,
}

/// A schema and the type of its values.
pub(super) struct TypedSchema {
    pub(super) version: i64,
    pub(super) block: Block,
    pub(super) ty: Type,
}

impl Registry {
    pub(super) fn new(provider: &dyn Provider) -> Self {
        let functions = provider.functions().into_iter();
        Self {
            provider: TypedSchema::new(provider.schema()),
            resources: Handlers::new("resource type", provider.resources(), |resource| {
                (resource.type_name(), resource.schema())
            }),
            data_sources: Handlers::new("data source", provider.data_sources(), |source| {
                (source.type_name(), source.schema())
            }),
            ephemeral_resources: Handlers::new(
                "ephemeral resource type",
                provider.ephemeral_resources(),
                |resource| (resource.type_name(), resource.schema()),
            ),
            list_resources: Handlers::new(
                "list resource type",
                provider.list_resources(),
                |list| (list.type_name(), list.schema()),
            ),
            functions: functions
                .map(|function| (function.name(), (function.clone(), function.signature())))
                .collect(),
        }
    }

    pub(super) fn identity_schemas(&self) -> HashMap<String, pb::ResourceIdentitySchema> {
        let resources = self.resources.by_name.iter();
        let schema = |resource: &Registered<dyn Resource>| resource.handler.identity_schema();
        resources.filter_map(|(name, it)| Some(((*name).into(), (&schema(it)?).into()))).collect()
    }

    pub(super) fn function_signatures(&self) -> HashMap<String, pb::Function> {
        let functions = self.functions.iter();
        functions.map(|(name, (_, signature))| ((*name).into(), signature.into())).collect()
    }
}

impl<T: ?Sized> Handlers<T> {
    fn new(
        kind: &'static str,
        handlers: Vec<Arc<T>>,
        describe: impl Fn(&T) -> (&'static str, Schema),
    ) -> Self {
        let handlers = handlers.into_iter().map(|handler| {
            let (name, schema) = describe(&handler);
            (name, Registered { handler, schema: TypedSchema::new(schema) })
        });
        Self { kind, by_name: handlers.collect() }
    }

    pub(super) fn get(&self, name: &str) -> Result<&Registered<T>, Diagnostics> {
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
        handlers.map(|(name, it)| ((*name).into(), (&it.schema).into())).collect()
    }
}

/// The characters of a name that an error repeats.
const MAX_QUOTED_NAME: usize = 200;

impl TypedSchema {
    pub(super) fn new(Schema { version, block }: Schema) -> Self {
        Self { ty: block.ty(), version, block }
    }
}

pub(super) const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

impl From<&TypedSchema> for pb::Schema {
    fn from(schema: &TypedSchema) -> Self {
        Self { version: schema.version, block: Some(block(&schema.block, schema.version)) }
    }
}

fn block(block: &Block, version: i64) -> pb::schema::Block {
    pb::schema::Block {
        version,
        attributes: block.attributes.iter().map(Into::into).collect(),
        block_types: block.blocks.iter().map(nested).collect(),
        description: block.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    }
}

fn nested(nested: &NestedBlock) -> pb::schema::NestedBlock {
    pb::schema::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(block(&nested.block, 0)),
        nesting: NestingMode::Single.into(),
        min_items: 0,
        max_items: 0,
    }
}

impl From<&Attribute> for pb::schema::Attribute {
    fn from(attribute: &Attribute) -> Self {
        Self {
            name: attribute.name.clone(),
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
}

impl From<&IdentitySchema> for pb::ResourceIdentitySchema {
    fn from(schema: &IdentitySchema) -> Self {
        Self {
            version: schema.version,
            identity_attributes: schema.attributes.iter().map(Into::into).collect(),
        }
    }
}

impl From<&IdentityAttribute> for pb::resource_identity_schema::IdentityAttribute {
    fn from(attribute: &IdentityAttribute) -> Self {
        Self {
            name: attribute.name.clone(),
            r#type: type_json(&attribute.ty),
            required_for_import: attribute.required_for_import,
            optional_for_import: !attribute.required_for_import,
            description: attribute.description.clone(),
        }
    }
}

impl From<&Signature> for pb::Function {
    fn from(signature: &Signature) -> Self {
        Self {
            parameters: signature.parameters.iter().map(Into::into).collect(),
            r#return: Some(pb::function::Return { r#type: type_json(&signature.returns) }),
            summary: signature.summary.to_owned(),
            description: signature.description.to_owned(),
            description_kind: pb::StringKind::Markdown.into(),
            ..Default::default()
        }
    }
}

impl From<&Parameter> for pb::function::Parameter {
    fn from(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.to_owned(),
            r#type: type_json(&parameter.ty),
            allow_null_value: parameter.allow_null,
            allow_unknown_values: parameter.allow_unknown,
            description: parameter.description.to_owned(),
            description_kind: pb::StringKind::Markdown.into(),
        }
    }
}

/// The type constraint as JSON text.
fn type_json(ty: &Type) -> Vec<u8> {
    ty.to_json().to_string().into_bytes()
}
