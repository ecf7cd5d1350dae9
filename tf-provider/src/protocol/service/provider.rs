//! The RPCs of the provider as a whole.

use std::sync::Arc;

use super::{
    super::{
        decode,
        pb::{
            configure, get_functions, get_provider_schema, get_resource_identity_schemas,
            prepare_provider_config,
        },
        schemas::CAPABILITIES,
    },
    Context, Outcome, check,
};
use crate::terraform::ConfigureRequest;

pub(super) async fn schema(
    context: Arc<Context>,
    _request: get_provider_schema::Request,
) -> Outcome<get_provider_schema::Response> {
    let registry = context.registry();
    Ok(get_provider_schema::Response {
        provider: Some((&registry.provider).into()),
        resource_schemas: registry.resources.schemas(),
        data_source_schemas: registry.data_sources.schemas(),
        ephemeral_resource_schemas: registry.ephemeral_resources.schemas(),
        list_resource_schemas: registry.list_resources.schemas(),
        functions: registry.function_signatures(),
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    })
}

pub(super) async fn identities(
    context: Arc<Context>,
    _request: get_resource_identity_schemas::Request,
) -> Outcome<get_resource_identity_schemas::Response> {
    let identity_schemas = context.registry().identity_schemas();
    Ok(get_resource_identity_schemas::Response { identity_schemas, diagnostics: Vec::new() })
}

pub(super) async fn functions(
    context: Arc<Context>,
    _request: get_functions::Request,
) -> Outcome<get_functions::Response> {
    let functions = context.registry().function_signatures();
    Ok(get_functions::Response { functions, diagnostics: Vec::new() })
}

pub(super) async fn prepare(
    context: Arc<Context>,
    request: prepare_provider_config::Request,
) -> Outcome<prepare_provider_config::Response> {
    let schema = &context.registry().provider;
    let config = request.config.clone();
    let diagnostics = check(config, schema, false, |config| context.provider.validate(&config))?;
    let diagnostics = diagnostics.into();
    Ok(prepare_provider_config::Response { prepared_config: request.config, diagnostics })
}

pub(super) async fn configure(
    context: Arc<Context>,
    request: configure::Request,
) -> Outcome<configure::Response> {
    let schema = &context.registry().provider;
    let request = ConfigureRequest {
        terraform_version: request.terraform_version,
        config: decode::object(request.config, schema, "provider configuration")?,
    };
    Ok(context.provider.configure(request).await.into())
}
