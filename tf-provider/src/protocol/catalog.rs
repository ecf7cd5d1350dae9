//! What the provider offers, by name, with the types that its values are decoded under.

use std::{collections::BTreeMap, sync::Arc};

use crate::terraform::{
    DataSource, Diagnostic, Diagnostics, EphemeralResource, Function, Provider, Resource, Schema,
    Signature, Type,
};

pub(super) struct Catalog {
    pub(super) provider: Shape,
    pub(super) resources: BTreeMap<&'static str, Offer<dyn Resource>>,
    pub(super) data_sources: BTreeMap<&'static str, Offer<dyn DataSource>>,
    pub(super) ephemeral_resources: BTreeMap<&'static str, Offer<dyn EphemeralResource>>,
    pub(super) functions: BTreeMap<&'static str, (Arc<dyn Function>, Signature)>,
}

/// One thing that is offered.
pub(super) struct Offer<T: ?Sized> {
    pub(super) it: Arc<T>,
    pub(super) shape: Shape,
}

/// A schema and the type of its values.
pub(super) struct Shape {
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

impl Catalog {
    pub(super) fn of(provider: &dyn Provider) -> Self {
        fn offer<T: ?Sized>(
            it: Arc<T>,
            name: &'static str,
            schema: Schema,
        ) -> (&'static str, Offer<T>) {
            (
                name,
                Offer {
                    it,
                    shape: Shape::of(schema),
                },
            )
        }
        Self {
            provider: Shape::of(provider.schema()),
            resources: provider
                .resources()
                .into_iter()
                .map(|it| (it.type_name(), it.schema(), it))
                .map(|(name, schema, it)| offer(it, name, schema))
                .collect(),
            data_sources: provider
                .data_sources()
                .into_iter()
                .map(|it| (it.type_name(), it.schema(), it))
                .map(|(name, schema, it)| offer(it, name, schema))
                .collect(),
            ephemeral_resources: provider
                .ephemeral_resources()
                .into_iter()
                .map(|it| (it.type_name(), it.schema(), it))
                .map(|(name, schema, it)| offer(it, name, schema))
                .collect(),
            functions: provider
                .functions()
                .into_iter()
                .map(|it| (it.name(), (it.clone(), it.signature())))
                .collect(),
        }
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Offer<dyn Resource>, Diagnostics> {
        self.resources
            .get(name)
            .ok_or_else(|| unknown("resource type", name))
    }

    pub(super) fn data_source(&self, name: &str) -> Result<&Offer<dyn DataSource>, Diagnostics> {
        self.data_sources
            .get(name)
            .ok_or_else(|| unknown("data source", name))
    }

    pub(super) fn ephemeral_resource(
        &self,
        name: &str,
    ) -> Result<&Offer<dyn EphemeralResource>, Diagnostics> {
        self.ephemeral_resources
            .get(name)
            .ok_or_else(|| unknown("ephemeral resource type", name))
    }
}

impl Shape {
    pub(super) fn of(schema: Schema) -> Self {
        Self {
            ty: schema.block.ty(),
            schema,
        }
    }
}

fn unknown(kind: &str, name: &str) -> Diagnostics {
    let name: String = name.chars().take(LONGEST_NAME).collect();
    Diagnostic::error(
        format!("Unknown {kind}"),
        format!("This provider has no {kind} named {name:?}. A newer version of the provider may have it."),
    )
    .into()
}

/// How much of a name is worth repeating.
const LONGEST_NAME: usize = 200;
