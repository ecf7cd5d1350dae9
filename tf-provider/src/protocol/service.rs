//! The Provider service: one function per RPC, which decodes the request, calls the handler and encodes the response.
//!
//! The gRPC status is OK whenever the message can be decoded. Errors and panics are returned as diagnostics.
#![expect(clippy::unused_async, reason = "all RPCs have one signature")]

mod data_source;
mod list_resource;
mod provider;
mod resource;

use std::{
    sync::{Arc, OnceLock},
    vec::IntoIter,
};

use futures_util::stream;
use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::{Calls, Outcome, Rpc, RpcResult},
    encode, pb,
    schemas::Registry,
};
use crate::terraform::{Diagnostics, Provider};

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

/// Implements the service from a table of modules, each with the log field that contains what its RPCs concern. One RPC per
/// line: how it runs, the method, its name in the log with the field of the request that names a type, and the function of
/// the module that implements it.
macro_rules! provider_service {
    ({ $($other:tt)* } $($module:ident[$field:literal] {
        $($run:ident $method:ident $name:ident($($type_name:ident)?) => $function:ident;)*
    })*) => {
        #[async_trait]
        impl pb::provider_server::Provider for Service {
            $($(
                async fn $method(
                    &self,
                    request: Request<pb::$method::Request>,
                ) -> RpcResult<pb::$method::Response> {
                    let request = request.into_inner();
                    let rpc = Rpc::new(stringify!($name))$(.of($field, &request.$type_name))?;
                    self.0.calls.$run(rpc, $module::$function(self.0.clone(), request)).await
                }
            )*)*
            $($other)*
        }

        $($(
            impl From<Diagnostics> for pb::$method::Response {
                #[allow(clippy::needless_update, reason = "some responses have no other field")]
                fn from(diagnostics: Diagnostics) -> Self {
                    Self { diagnostics: encode::diagnostics(diagnostics), ..Default::default() }
                }
            }
        )*)*
    };
}

provider_service! {
    {
        async fn read_resource(
            &self,
            request: Request<pb::read_resource::Request>,
        ) -> RpcResult<pb::read_resource::Response> {
            let request = request.into_inner();
            let rpc = Rpc::new("ReadResource").of("tf_resource_type", &request.type_name);
            let (state, private) = (request.current_state.clone(), request.private.clone());
            let read = resource::read(self.0.clone(), request);
            let mut response = self.0.calls.run_cancellable(rpc, read).await?.into_inner();
            // Without a state, also after a panic, the object would count as deleted.
            if has_errors(&response.diagnostics) {
                (response.new_state, response.private) = (state, private);
            }
            Ok(Response::new(response))
        }

        type ListResourceStream = stream::Iter<IntoIter<Result<pb::list_resource::Event, Status>>>;

        async fn list_resource(
            &self,
            request: Request<pb::list_resource::Request>,
        ) -> RpcResult<Self::ListResourceStream> {
            let request = request.into_inner();
            let rpc = Rpc::new("ListResource").of("tf_list_resource_type", &request.type_name);
            let list = list_resource::list(self.0.clone(), request);
            let events = self.0.calls.run_cancellable(rpc, list).await?;
            Ok(events.map(|events| stream::iter(events.0)))
        }

        async fn call_function(
            &self,
            request: Request<pb::call_function::Request>,
        ) -> RpcResult<pb::call_function::Response> {
            let request = request.into_inner();
            let rpc = Rpc::new("CallFunction").of("tf_function", &request.name);
            self.0.calls.run_cancellable(rpc, provider::call_function(self.0.clone(), request)).await
        }

        async fn stop(&self, _request: Request<pb::stop::Request>) -> RpcResult<pb::stop::Response> {
            self.0.calls.cancel_all();
            tracing::info!("stop requested: cancelling waits; requests already sent will complete");
            Ok(Response::new(pb::stop::Response::default()))
        }
    }

    provider[""] {
        run_cancellable get_schema GetProviderSchema() => schema;
        run_cancellable get_resource_identity_schemas GetResourceIdentitySchemas() => identities;
        run_cancellable get_functions GetFunctions() => functions;
        run_cancellable prepare_provider_config PrepareProviderConfig() => prepare;
        run_cancellable configure Configure() => configure;
    }

    resource["tf_resource_type"] {
        run_cancellable validate_resource_type_config ValidateResourceTypeConfig(type_name) => validate;
        run_cancellable upgrade_resource_state UpgradeResourceState(type_name) => upgrade_state;
        run_cancellable upgrade_resource_identity UpgradeResourceIdentity(type_name) => upgrade_identity;
        run_cancellable plan_resource_change PlanResourceChange(type_name) => plan;
        run_to_completion apply_resource_change ApplyResourceChange(type_name) => apply;
        run_cancellable import_resource_state ImportResourceState(type_name) => import;
        run_cancellable move_resource_state MoveResourceState(target_type_name) => move_state;
        run_cancellable generate_resource_config GenerateResourceConfig(type_name) => generate_config;
    }

    data_source["tf_data_source_type"] {
        run_cancellable validate_data_source_config ValidateDataSourceConfig(type_name) => validate;
        run_cancellable read_data_source ReadDataSource(type_name) => read;
    }

    data_source["tf_ephemeral_resource_type"] {
        run_cancellable validate_ephemeral_resource_config
            ValidateEphemeralResourceConfig(type_name) => validate_ephemeral;
        run_to_completion open_ephemeral_resource OpenEphemeralResource(type_name) => open_ephemeral;
        run_cancellable renew_ephemeral_resource RenewEphemeralResource(type_name) => renew_ephemeral;
        run_cancellable close_ephemeral_resource CloseEphemeralResource(type_name) => close_ephemeral;
    }

    list_resource["tf_list_resource_type"] {
        run_cancellable validate_list_resource_config
            ValidateListResourceConfig(type_name) => validate;
    }
}

fn has_errors(diagnostics: &[pb::Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity() == pb::diagnostic::Severity::Error)
}

#[cfg(test)]
mod tests;
