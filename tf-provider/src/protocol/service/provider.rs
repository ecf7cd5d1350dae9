//! The RPCs of the provider as a whole, and the call of a function.

use std::sync::Arc;

use super::{
    super::{decode, encode, pb, schemas},
    Context, Outcome,
};
use crate::terraform::FunctionError;

pub(super) async fn schema(
    context: Arc<Context>,
    _request: pb::get_provider_schema::Request,
) -> Outcome<pb::get_provider_schema::Response> {
    let registry = context.registry();
    Ok(pb::get_provider_schema::Response {
        provider: Some(schemas::schema(&registry.provider)),
        resource_schemas: registry.resources.schemas(),
        data_source_schemas: registry.data_sources.schemas(),
        ephemeral_resource_schemas: registry.ephemeral_resources.schemas(),
        list_resource_schemas: registry.list_resources.schemas(),
        functions: registry.function_signatures(),
        server_capabilities: Some(pb::ServerCapabilities {
            plan_destroy: true,
            get_provider_schema_optional: true,
            move_resource_state: true,
            generate_resource_config: true,
        }),
        ..Default::default()
    })
}

pub(super) async fn identities(
    context: Arc<Context>,
    _request: pb::get_resource_identity_schemas::Request,
) -> Outcome<pb::get_resource_identity_schemas::Response> {
    let identity_schemas = context.registry().identity_schemas();
    Ok(pb::get_resource_identity_schemas::Response { identity_schemas, diagnostics: vec![] })
}

pub(super) async fn functions(
    context: Arc<Context>,
    _request: pb::get_functions::Request,
) -> Outcome<pb::get_functions::Response> {
    let functions = context.registry().function_signatures();
    Ok(pb::get_functions::Response { functions, diagnostics: vec![] })
}

pub(super) async fn prepare(
    context: Arc<Context>,
    request: pb::prepare_provider_config::Request,
) -> Outcome<pb::prepare_provider_config::Response> {
    let schema = &context.registry().provider;
    let config = decode::object(request.config.clone(), schema, "configuration")?;
    let found = [schema.block.check(&config, false), context.provider.validate(&config)].concat();
    Ok(pb::prepare_provider_config::Response {
        prepared_config: request.config,
        diagnostics: encode::diagnostics(found),
    })
}

pub(super) async fn configure(
    context: Arc<Context>,
    request: pb::configure::Request,
) -> Outcome<pb::configure::Response> {
    let schema = &context.registry().provider;
    let config = decode::object(request.config, schema, "provider configuration")?;
    Ok(context.provider.configure(config, request.terraform_version).await.into())
}

pub(super) async fn call_function(
    context: Arc<Context>,
    request: pb::call_function::Request,
) -> Outcome<pb::call_function::Response> {
    let Some((function, signature)) = context.registry().functions.get(&*request.name) else {
        let text = format!("this provider has no function named {:?}", request.name);
        return Ok(Err(FunctionError { text, argument: None }).into());
    };
    let arguments = decode::arguments(request.arguments, signature);
    Ok(arguments.and_then(|arguments| function.call(arguments)).into())
}
