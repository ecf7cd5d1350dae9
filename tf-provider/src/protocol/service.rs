//! The Provider service: one function per RPC, which decodes the request, calls the handler and encodes the response.
//!
//! The gRPC status is OK whenever the message can be decoded. Errors and panics are returned as diagnostics.
#![expect(clippy::unused_async, reason = "all RPCs have one signature")]

mod ephemeral;
mod list;
mod resource;

use std::sync::{Arc, OnceLock};

use tonic::{Request, Response, async_trait};

use super::{
    calls::{Calls, Rpc, RpcResult},
    decode, encode,
    pb::{self, DynamicValue},
    schemas::{Registry, TypedSchema},
};
use crate::terraform::{
    ConfigureRequest, Diagnostics, FunctionError, Provider, ReadDataRequest, Type, Value,
};

type Grpc = pb::provider_server::ProviderServer<Service>;

/// The gRPC service of one provider. Schemas are built at the first call.
pub(crate) fn service(provider: Arc<dyn Provider>, calls: Arc<Calls>) -> Grpc {
    Grpc::new(Service(Arc::new(Context { provider, calls, registry: OnceLock::new() })))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// The limit of Go providers, in both directions.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

pub(crate) struct Service(Arc<Context>);

/// What every RPC may use.
struct Context {
    provider: Arc<dyn Provider>,
    calls: Arc<Calls>,
    registry: OnceLock<Registry>,
}

impl Context {
    fn registry(&self) -> &Registry {
        self.registry.get_or_init(|| Registry::new(&*self.provider))
    }
}

/// Implements the service from a table with one RPC per line: how it runs, the method, the messages, what it concerns, its
/// name in the log with the field of the request that holds the type name, and the function that implements it.
macro_rules! provider_service {
    ({ $($other:tt)* }
     $($run:ident $method:ident($message:ident) = $subject:ident($name:literal $(, $field:ident)?) => $function:path;)*) => {
        #[async_trait]
        impl pb::provider_server::Provider for Service {
            $(
                async fn $method(
                    &self,
                    request: Request<pb::$message::Request>,
                ) -> RpcResult<pb::$message::Response> {
                    let request = request.into_inner();
                    let rpc = Rpc::$subject($name $(, &request.$field)?);
                    self.0.calls.$run(rpc, $function(self.0.clone(), request)).await
                }
            )*
            $($other)*
        }
    };
}

provider_service! {
    {
        async fn read_resource(
            &self,
            request: Request<pb::read_resource::Request>,
        ) -> RpcResult<pb::read_resource::Response> {
            let request = request.into_inner();
            let rpc = Rpc::resource("ReadResource", &request.type_name);
            let (state, private) = (request.current_state.clone(), request.private.clone());
            let read = resource::read(self.0.clone(), request);
            let mut response = self.0.calls.run_cancellable(rpc, read).await?.into_inner();
            // Without a state, also after a panic, the object would count as deleted.
            if has_errors(&response.diagnostics) {
                (response.new_state, response.private) = (state, private);
            }
            Ok(Response::new(response))
        }

        type ListResourceStream = list::Events;

        async fn list_resource(
            &self,
            request: Request<pb::list_resource::Request>,
        ) -> RpcResult<Self::ListResourceStream> {
            let (context, request) = (self.0.clone(), request.into_inner());
            let rpc = Rpc::list_resource("ListResource", &request.type_name);
            let list = |events| list::list(context, request, events);
            Ok(Response::new(Box::pin(self.0.calls.stream(rpc, list))))
        }

        async fn stop(&self, _request: Request<pb::stop::Request>) -> RpcResult<pb::stop::Response> {
            self.0.calls.cancel_all();
            tracing::info!("stop requested: cancelling waits; requests already sent will complete");
            Ok(Response::new(pb::stop::Response::default()))
        }
    }

    run_cancellable get_metadata(get_metadata) = provider("GetMetadata") => metadata;
    run_cancellable get_schema(get_provider_schema) = provider("GetProviderSchema") => schema;
    run_cancellable get_resource_identity_schemas(get_resource_identity_schemas) =
        provider("GetResourceIdentitySchemas") => identity_schemas;
    run_cancellable prepare_provider_config(prepare_provider_config) =
        provider("PrepareProviderConfig") => prepare_provider_config;
    run_cancellable configure(configure) = provider("Configure") => configure;

    run_cancellable validate_resource_type_config(validate_resource_type_config) =
        resource("ValidateResourceTypeConfig", type_name) => resource::validate;
    run_cancellable upgrade_resource_state(upgrade_resource_state) =
        resource("UpgradeResourceState", type_name) => resource::upgrade_state;
    run_cancellable upgrade_resource_identity(upgrade_resource_identity) =
        resource("UpgradeResourceIdentity", type_name) => resource::upgrade_identity;
    run_cancellable plan_resource_change(plan_resource_change) =
        resource("PlanResourceChange", type_name) => resource::plan;
    run_to_completion apply_resource_change(apply_resource_change) =
        resource("ApplyResourceChange", type_name) => resource::apply;
    run_cancellable import_resource_state(import_resource_state) =
        resource("ImportResourceState", type_name) => resource::import;
    run_cancellable move_resource_state(move_resource_state) =
        resource("MoveResourceState", target_type_name) => resource::move_state;
    run_cancellable generate_resource_config(generate_resource_config) =
        resource("GenerateResourceConfig", type_name) => resource::generate_config;

    run_cancellable validate_data_source_config(validate_data_source_config) =
        data_source("ValidateDataSourceConfig", type_name) => validate_data_source;
    run_cancellable read_data_source(read_data_source) =
        data_source("ReadDataSource", type_name) => read_data_source;

    run_cancellable validate_ephemeral_resource_config(validate_ephemeral_resource_config) =
        ephemeral_resource("ValidateEphemeralResourceConfig", type_name) => ephemeral::validate;
    run_to_completion open_ephemeral_resource(open_ephemeral_resource) =
        ephemeral_resource("OpenEphemeralResource", type_name) => ephemeral::open;
    run_to_completion renew_ephemeral_resource(renew_ephemeral_resource) =
        ephemeral_resource("RenewEphemeralResource", type_name) => ephemeral::renew;
    run_to_completion close_ephemeral_resource(close_ephemeral_resource) =
        ephemeral_resource("CloseEphemeralResource", type_name) => ephemeral::close;

    run_cancellable validate_list_resource_config(validate_list_resource_config) =
        list_resource("ValidateListResourceConfig", type_name) => list::validate;

    run_cancellable get_functions(get_functions) = provider("GetFunctions") => functions;
    run_cancellable call_function(call_function) = function("CallFunction", name) => call_function;
}

fn has_errors(diagnostics: &[pb::Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity() == pb::diagnostic::Severity::Error)
}

/// Checks a configuration by its schema and by the handler.
fn check(
    config: Option<DynamicValue>,
    schema: &TypedSchema,
    write_only_allowed: bool,
    validate: impl FnOnce(Value) -> Diagnostics,
) -> Result<Vec<pb::Diagnostic>, Diagnostics> {
    let config = decode::object(config, schema, "configuration")?;
    let mut diagnostics = schema.schema.block.check(&config, write_only_allowed);
    diagnostics.extend(validate(config));
    Ok(diagnostics.into())
}

async fn metadata(
    context: Arc<Context>,
    _request: pb::get_metadata::Request,
) -> Result<pb::get_metadata::Response, Diagnostics> {
    Ok(context.registry().metadata())
}

async fn schema(
    context: Arc<Context>,
    _request: pb::get_provider_schema::Request,
) -> Result<pb::get_provider_schema::Response, Diagnostics> {
    Ok(context.registry().provider_schema())
}

async fn identity_schemas(
    context: Arc<Context>,
    _request: pb::get_resource_identity_schemas::Request,
) -> Result<pb::get_resource_identity_schemas::Response, Diagnostics> {
    Ok(context.registry().identity_schemas())
}

async fn prepare_provider_config(
    context: Arc<Context>,
    request: pb::prepare_provider_config::Request,
) -> Result<pb::prepare_provider_config::Response, Diagnostics> {
    let schema = &context.registry().provider;
    let config = request.config.clone();
    let diagnostics = check(config, schema, false, |config| context.provider.validate(&config))?;
    Ok(pb::prepare_provider_config::Response { prepared_config: request.config, diagnostics })
}

async fn configure(
    context: Arc<Context>,
    request: pb::configure::Request,
) -> Result<pb::configure::Response, Diagnostics> {
    let schema = &context.registry().provider;
    let request = ConfigureRequest {
        terraform_version: request.terraform_version,
        config: decode::object(request.config, schema, "provider configuration")?,
    };
    let diagnostics = context.provider.configure(request).await.into();
    Ok(pb::configure::Response { diagnostics })
}

async fn validate_data_source(
    context: Arc<Context>,
    request: pb::validate_data_source_config::Request,
) -> Result<pb::validate_data_source_config::Response, Diagnostics> {
    let source = context.registry().data_source(&request.type_name)?;
    let diagnostics =
        check(request.config, &source.schema, false, |config| source.handler.validate(&config))?;
    Ok(pb::validate_data_source_config::Response { diagnostics })
}

async fn read_data_source(
    context: Arc<Context>,
    request: pb::read_data_source::Request,
) -> Result<pb::read_data_source::Response, Diagnostics> {
    let source = context.registry().data_source(&request.type_name)?;
    let request = ReadDataRequest {
        config: decode::object(request.config, &source.schema, "configuration")?,
        cancel: context.calls.cancellation(),
    };
    let response = source.handler.read(request).await;
    Ok(encode::data_source(response, &source.schema))
}

async fn functions(
    context: Arc<Context>,
    _request: pb::get_functions::Request,
) -> Result<pb::get_functions::Response, Diagnostics> {
    Ok(pb::get_functions::Response {
        functions: context.registry().function_signatures(),
        diagnostics: Vec::new(),
    })
}

async fn call_function(
    context: Arc<Context>,
    request: pb::call_function::Request,
) -> Result<pb::call_function::Response, Diagnostics> {
    let Some((function, signature)) = context.registry().function(&request.name) else {
        let text = format!("this provider has no function named {:?}", request.name);
        let argument = None;
        let unknown = Err(FunctionError { text, argument });
        return Ok(encode::call_function(unknown, &Type::Dynamic));
    };
    let result = decode::arguments(request.arguments, signature)
        .and_then(|arguments| function.call(arguments));
    Ok(encode::call_function(result, &signature.returns))
}

#[cfg(test)]
mod tests;
