//! The schemas of a provider: looked up by type name to decode values, and encoded for the host.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::pb::{self, schema::nested_block::NestingMode};
use crate::terraform::{
    Attribute, Block, DataSource, Diagnostic, Diagnostics, EphemeralResource, Function,
    IdentityAttribute, IdentitySchema, ListResource, Mode, NestedBlock, Nesting, Parameter,
    Provider, Resource, Schema, Signature, Type,
};

/// Everything that a provider offers, by name.
pub(super) struct Registry {
    pub(super) provider: TypedSchema,
    resources: Handlers<dyn Resource>,
    data_sources: Handlers<dyn DataSource>,
    ephemeral_resources: Handlers<dyn EphemeralResource>,
    list_resources: Handlers<dyn ListResource>,
    functions: BTreeMap<&'static str, (Arc<dyn Function>, Signature)>,
}

type Handlers<T> = BTreeMap<&'static str, Registered<T>>;

/// A handler with its schema.
pub(super) struct Registered<T: ?Sized> {
    pub(super) handler: Arc<T>,
    pub(super) schema: TypedSchema,
    /// Of resources that have one.
    pub(super) identity: Option<TypedIdentity>,
}

/// A schema and the type of its values.
pub(super) struct TypedSchema {
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

/// An identity schema and the type of its values.
pub(super) struct TypedIdentity {
    pub(super) schema: IdentitySchema,
    pub(super) ty: Type,
}

impl Registry {
    pub(super) fn new(provider: &dyn Provider) -> Self {
        let functions = provider.functions().into_iter();
        Self {
            provider: TypedSchema::new(provider.schema()),
            resources: register(provider.resources(), |resource| {
                let (name, schema) = (resource.type_name(), resource.schema());
                (name, schema, resource.identity_schema())
            }),
            data_sources: register(provider.data_sources(), |source| {
                (source.type_name(), source.schema(), None)
            }),
            ephemeral_resources: register(provider.ephemeral_resources(), |resource| {
                (resource.type_name(), resource.schema(), None)
            }),
            list_resources: register(provider.list_resources(), |list| {
                (list.type_name(), list.schema(), None)
            }),
            functions: functions
                .map(|function| (function.name(), (function.clone(), function.signature())))
                .collect(),
        }
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Registered<dyn Resource>, Diagnostics> {
        find(&self.resources, "resource type", name)
    }

    pub(super) fn data_source(
        &self,
        name: &str,
    ) -> Result<&Registered<dyn DataSource>, Diagnostics> {
        find(&self.data_sources, "data source", name)
    }

    pub(super) fn ephemeral_resource(
        &self,
        name: &str,
    ) -> Result<&Registered<dyn EphemeralResource>, Diagnostics> {
        find(&self.ephemeral_resources, "ephemeral resource type", name)
    }

    pub(super) fn list_resource(
        &self,
        name: &str,
    ) -> Result<&Registered<dyn ListResource>, Diagnostics> {
        find(&self.list_resources, "list resource type", name)
    }

    pub(super) fn function(&self, name: &str) -> Option<&(Arc<dyn Function>, Signature)> {
        self.functions.get(name)
    }

    /// The response of `GetSchema`.
    pub(super) fn provider_schema(&self) -> pb::get_provider_schema::Response {
        pb::get_provider_schema::Response {
            provider: Some((&self.provider.schema).into()),
            resource_schemas: schemas(&self.resources),
            data_source_schemas: schemas(&self.data_sources),
            ephemeral_resource_schemas: schemas(&self.ephemeral_resources),
            list_resource_schemas: schemas(&self.list_resources),
            functions: self.function_signatures(),
            server_capabilities: Some(CAPABILITIES),
            ..Default::default()
        }
    }

    /// The response of `GetMetadata`.
    pub(super) fn metadata(&self) -> pb::get_metadata::Response {
        use pb::get_metadata::{
            DataSourceMetadata, EphemeralResourceMetadata, FunctionMetadata, ListResourceMetadata,
            ResourceMetadata,
        };
        pb::get_metadata::Response {
            server_capabilities: Some(CAPABILITIES),
            resources: names(&self.resources, |type_name| ResourceMetadata { type_name }),
            data_sources: names(&self.data_sources, |type_name| DataSourceMetadata { type_name }),
            ephemeral_resources: names(&self.ephemeral_resources, |type_name| {
                EphemeralResourceMetadata { type_name }
            }),
            list_resources: names(&self.list_resources, |type_name| ListResourceMetadata {
                type_name,
            }),
            functions: names(&self.functions, |name| FunctionMetadata { name }),
            diagnostics: Vec::new(),
        }
    }

    /// The response of `GetResourceIdentitySchemas`.
    pub(super) fn identity_schemas(&self) -> pb::get_resource_identity_schemas::Response {
        let identities = self.resources.iter().filter_map(|(name, resource)| {
            let identity = resource.identity.as_ref()?;
            Some(((*name).to_owned(), (&identity.schema).into()))
        });
        pb::get_resource_identity_schemas::Response {
            identity_schemas: identities.collect(),
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn function_signatures(&self) -> HashMap<String, pb::Function> {
        let functions = self.functions.iter();
        functions.map(|(name, (_, signature))| ((*name).to_owned(), signature.into())).collect()
    }
}

impl TypedSchema {
    pub(super) fn new(schema: Schema) -> Self {
        Self { ty: schema.block.ty(), schema }
    }
}

impl From<IdentitySchema> for TypedIdentity {
    fn from(schema: IdentitySchema) -> Self {
        Self { ty: schema.ty(), schema }
    }
}

fn register<T: ?Sized>(
    handlers: Vec<Arc<T>>,
    describe: impl Fn(&T) -> (&'static str, Schema, Option<IdentitySchema>),
) -> Handlers<T> {
    let handlers = handlers.into_iter().map(|handler| {
        let (name, schema, identity) = describe(&handler);
        let registered = Registered {
            handler,
            schema: TypedSchema::new(schema),
            identity: identity.map(TypedIdentity::from),
        };
        (name, registered)
    });
    handlers.collect()
}

fn find<'a, T: ?Sized>(
    handlers: &'a Handlers<T>,
    kind: &str,
    name: &str,
) -> Result<&'a Registered<T>, Diagnostics> {
    handlers.get(name).ok_or_else(|| {
        let name: String = name.chars().take(MAX_QUOTED_NAME).collect();
        Diagnostic::error(
            format!("Unknown {kind}"),
            format!(
                "This provider has no {kind} named {name:?}. A newer version of the provider may have it."
            ),
        )
        .into()
    })
}

/// The characters of a name that an error repeats.
const MAX_QUOTED_NAME: usize = 200;

const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

fn schemas<T: ?Sized>(handlers: &Handlers<T>) -> HashMap<String, pb::Schema> {
    let handlers = handlers.iter();
    handlers
        .map(|(name, registered)| ((*name).to_owned(), (&registered.schema.schema).into()))
        .collect()
}

fn names<V, M>(handlers: &BTreeMap<&'static str, V>, message: impl Fn(String) -> M) -> Vec<M> {
    handlers.keys().map(|name| message((*name).to_owned())).collect()
}

impl From<&Schema> for pb::Schema {
    fn from(schema: &Schema) -> Self {
        Self { version: schema.version, block: Some(block(&schema.block, schema.version)) }
    }
}

fn block(block: &Block, version: i64) -> pb::schema::Block {
    pb::schema::Block {
        version,
        attributes: block.attributes.iter().map(Into::into).collect(),
        block_types: block.blocks.iter().map(Into::into).collect(),
        description: block.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
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

impl From<&NestedBlock> for pb::schema::NestedBlock {
    fn from(nested: &NestedBlock) -> Self {
        let nesting = match nested.nesting {
            Nesting::Single => NestingMode::Single,
            Nesting::List => NestingMode::List,
            Nesting::Set => NestingMode::Set,
        };
        Self {
            type_name: nested.name.clone(),
            block: Some(block(&nested.block, 0)),
            nesting: nesting.into(),
            min_items: 0,
            max_items: 0,
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
