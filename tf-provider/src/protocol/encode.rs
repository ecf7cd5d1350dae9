//! Vocabulary to wire. Nothing here can fail.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    catalog::{Catalog, Shape},
    msgpack,
    pb::{self, attribute_path::step::Selector, schema::nested_block::NestingMode},
};
use crate::terraform::{
    ApplyResponse, Attribute, Block, Diagnostic, Diagnostics, FunctionError, ImportResponse,
    MoveResponse, NestedBlock, Nesting, OpenResponse, Parameter, Path, PlanResponse,
    ReadDataResponse, ReadResponse, RenewResponse, Schema, Severity, Signature, Step, Type, Usage,
    Value,
};

pub(super) fn value(value: &Value, ty: &Type) -> pb::DynamicValue {
    pb::DynamicValue {
        msgpack: msgpack::encode(value, ty),
        json: Vec::new(),
    }
}

/// Plans and state never hold a write-only argument: an object that did would be lost.
fn stored(mut object: Value, shape: &Shape) -> pb::DynamicValue {
    shape.schema.block.clear_write_only(&mut object);
    value(&object, &shape.ty)
}

pub(super) fn read(response: ReadResponse, shape: &Shape) -> pb::read_resource::Response {
    pb::read_resource::Response {
        new_state: Some(stored(response.state, shape)),
        diagnostics: diagnostics(response.diagnostics),
        private: response.private,
        ..Default::default()
    }
}

pub(super) fn plan(response: PlanResponse, shape: &Shape) -> pb::plan_resource_change::Response {
    pb::plan_resource_change::Response {
        planned_state: Some(stored(response.planned, shape)),
        requires_replace: response.requires_replace.iter().map(path).collect(),
        planned_private: response.private,
        diagnostics: diagnostics(response.diagnostics),
        ..Default::default()
    }
}

pub(super) fn apply(response: ApplyResponse, shape: &Shape) -> pb::apply_resource_change::Response {
    pb::apply_resource_change::Response {
        new_state: Some(stored(response.state, shape)),
        private: response.private,
        diagnostics: diagnostics(response.diagnostics),
        ..Default::default()
    }
}

pub(super) fn upgrade(state: Value, shape: &Shape) -> pb::upgrade_resource_state::Response {
    pb::upgrade_resource_state::Response {
        upgraded_state: Some(stored(state, shape)),
        diagnostics: Vec::new(),
    }
}

pub(super) fn import(
    response: ImportResponse,
    type_name: String,
    shape: &Shape,
) -> pb::import_resource_state::Response {
    pb::import_resource_state::Response {
        imported_resources: vec![pb::import_resource_state::ImportedResource {
            type_name,
            state: Some(stored(response.state, shape)),
            private: response.private,
            identity: None,
        }],
        diagnostics: diagnostics(response.diagnostics),
        deferred: None,
    }
}

pub(super) fn moved(response: MoveResponse, shape: &Shape) -> pb::move_resource_state::Response {
    pb::move_resource_state::Response {
        target_state: Some(stored(response.state, shape)),
        diagnostics: diagnostics(response.diagnostics),
        ..Default::default()
    }
}

pub(super) fn data(response: ReadDataResponse, shape: &Shape) -> pb::read_data_source::Response {
    pb::read_data_source::Response {
        state: Some(value(&response.state, &shape.ty)),
        diagnostics: diagnostics(response.diagnostics),
        deferred: None,
    }
}

pub(super) fn opened(
    response: OpenResponse,
    shape: &Shape,
) -> pb::open_ephemeral_resource::Response {
    pb::open_ephemeral_resource::Response {
        diagnostics: diagnostics(response.diagnostics),
        renew_at: response.renew_at.map(timestamp),
        result: Some(value(&response.result, &shape.ty)),
        private: Some(response.private),
        deferred: None,
    }
}

pub(super) fn renewed(response: RenewResponse) -> pb::renew_ephemeral_resource::Response {
    pb::renew_ephemeral_resource::Response {
        diagnostics: diagnostics(response.diagnostics),
        renew_at: response.renew_at.map(timestamp),
        private: Some(response.private),
    }
}

pub(super) fn called(
    result: Result<Value, FunctionError>,
    returns: &Type,
) -> pb::call_function::Response {
    match result {
        Ok(result) => pb::call_function::Response {
            result: Some(value(&result, returns)),
            error: None,
        },
        Err(error) => pb::call_function::Response {
            result: None,
            error: Some(pb::FunctionError {
                text: error.text,
                function_argument: error.argument.map(i64::from),
            }),
        },
    }
}

pub(super) fn diagnostics(diagnostics: Diagnostics) -> Vec<pb::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: Diagnostic) -> pb::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    pb::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: diagnostic.path.as_ref().map(path),
    }
}

fn path(path: &Path) -> pb::AttributePath {
    let steps = path.steps().iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(i64::from(*index)),
        };
        pb::attribute_path::Step {
            selector: Some(selector),
        }
    });
    pb::AttributePath {
        steps: steps.collect(),
    }
}

fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: 0,
    }
}

// ------------------------------------------------------------------ schemas ---

pub(super) fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: false,
    }
}

pub(super) fn provider_schema(catalog: &Catalog) -> pb::get_provider_schema::Response {
    pb::get_provider_schema::Response {
        provider: Some(schema(&catalog.provider.schema)),
        resource_schemas: catalog
            .resources
            .iter()
            .map(|(name, offer)| ((*name).to_owned(), schema(&offer.shape.schema)))
            .collect(),
        data_source_schemas: catalog
            .data_sources
            .iter()
            .map(|(name, offer)| ((*name).to_owned(), schema(&offer.shape.schema)))
            .collect(),
        ephemeral_resource_schemas: catalog
            .ephemeral_resources
            .iter()
            .map(|(name, offer)| ((*name).to_owned(), schema(&offer.shape.schema)))
            .collect(),
        functions: functions(catalog).collect(),
        server_capabilities: Some(capabilities()),
        ..Default::default()
    }
}

pub(super) fn metadata(catalog: &Catalog) -> pb::get_metadata::Response {
    use pb::get_metadata as meta;
    pb::get_metadata::Response {
        server_capabilities: Some(capabilities()),
        resources: catalog
            .resources
            .keys()
            .map(|name| meta::ResourceMetadata {
                type_name: (*name).to_owned(),
            })
            .collect(),
        data_sources: catalog
            .data_sources
            .keys()
            .map(|name| meta::DataSourceMetadata {
                type_name: (*name).to_owned(),
            })
            .collect(),
        ephemeral_resources: catalog
            .ephemeral_resources
            .keys()
            .map(|name| meta::EphemeralResourceMetadata {
                type_name: (*name).to_owned(),
            })
            .collect(),
        functions: catalog
            .functions
            .keys()
            .map(|name| meta::FunctionMetadata {
                name: (*name).to_owned(),
            })
            .collect(),
        ..Default::default()
    }
}

pub(super) fn functions(catalog: &Catalog) -> impl Iterator<Item = (String, pb::Function)> + '_ {
    catalog
        .functions
        .iter()
        .map(|(name, (_, signature))| ((*name).to_owned(), function(signature)))
}

fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema {
        version: schema.version,
        block: Some(block(&schema.block, schema.version)),
    }
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

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    pb::schema::Attribute {
        name: attribute.name.clone(),
        r#type: spelling(&attribute.ty),
        description: attribute.description.clone(),
        required: attribute.usage == Usage::Required,
        optional: matches!(attribute.usage, Usage::Optional | Usage::OptionalComputed),
        computed: matches!(attribute.usage, Usage::Computed | Usage::OptionalComputed),
        sensitive: attribute.sensitive,
        description_kind: pb::StringKind::Markdown.into(),
        deprecated: attribute.deprecated.is_some(),
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn nested_block(nested: &NestedBlock) -> pb::schema::NestedBlock {
    let (nesting, min_items, max_items) = match nested.nesting {
        Nesting::Optional => (NestingMode::Single, 0, 0),
        Nesting::Required => (NestingMode::Single, 1, 1),
        Nesting::List => (NestingMode::List, 0, 0),
        Nesting::Set => (NestingMode::Set, 0, 0),
        Nesting::Map => (NestingMode::Map, 0, 0),
        Nesting::Group => (NestingMode::Group, 0, 0),
    };
    pb::schema::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(block(&nested.block, 0)),
        nesting: nesting.into(),
        min_items,
        max_items,
    }
}

fn function(signature: &Signature) -> pb::Function {
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return {
            r#type: spelling(&signature.returns),
        }),
        summary: signature.summary.to_owned(),
        description: signature.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    }
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: spelling(&parameter.ty),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
    }
}

fn spelling(ty: &Type) -> Vec<u8> {
    ty.to_json().to_string().into_bytes()
}
