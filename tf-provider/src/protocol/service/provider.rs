//! The RPCs of the provider as a whole, and the call of a function.

use super::{
    super::{decode, encode, pb, schemas},
    Outcome, Service,
};
use crate::terraform::{Diagnostics, FunctionError};

pub(super) async fn schema(
    service: Service,
    _request: pb::get_provider_schema::Request,
) -> Outcome<pb::get_provider_schema::Response> {
    let registry = service.registry();
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
    service: Service,
    _request: pb::get_resource_identity_schemas::Request,
) -> Outcome<pb::get_resource_identity_schemas::Response> {
    let identity_schemas = service.registry().identity_schemas();
    Ok(pb::get_resource_identity_schemas::Response { identity_schemas, diagnostics: vec![] })
}

pub(super) async fn functions(
    service: Service,
    _request: pb::get_functions::Request,
) -> Outcome<pb::get_functions::Response> {
    let functions = service.registry().function_signatures();
    Ok(pb::get_functions::Response { functions, diagnostics: vec![] })
}

pub(super) async fn prepare(
    service: Service,
    request: pb::prepare_provider_config::Request,
) -> Outcome<pb::prepare_provider_config::Response> {
    let schema = &service.registry().provider;
    let config = decode::object(request.config.clone(), schema, "configuration")?;
    let found = [schema.block.check(&config, false), service.provider.validate(&config)].concat();
    Ok(pb::prepare_provider_config::Response {
        prepared_config: request.config,
        diagnostics: encode::diagnostics(found),
    })
}

pub(super) async fn configure(
    service: Service,
    request: pb::configure::Request,
) -> Outcome<Diagnostics> {
    let schema = &service.registry().provider;
    let config = decode::object(request.config, schema, "provider configuration")?;
    Ok(service.provider.configure(config, request.terraform_version).await)
}

pub(super) async fn call_function(
    service: Service,
    request: pb::call_function::Request,
) -> Outcome<pb::call_function::Response> {
    let Some((function, signature)) = service.registry().functions.get(&*request.name) else {
        let text = format!("this provider has no function named {:?}", request.name);
        return Ok(Err(FunctionError { text, argument: None }).into());
    };
    let arguments = decode::arguments(request.arguments, signature);
    Ok(arguments.and_then(|arguments| function.call(arguments)).into())
}
