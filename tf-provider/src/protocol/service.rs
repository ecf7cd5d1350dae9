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
    calls::{Calls, Outcome, Rpc},
    encode,
    pb::{self, provider_server::ProviderServer},
    schemas::Registry,
};
use crate::terraform::{Diagnostics, Provider};

type RpcResult<T> = Result<Response<T>, Status>;

/// The gRPC service of one provider.
pub(crate) fn service(provider: Arc<dyn Provider>, calls: Arc<Calls>) -> ProviderServer<Service> {
    ProviderServer::new(Service { provider, calls, registry: Arc::default() })
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

/// The limit of Go providers, in both directions.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// The service of one provider, which every call gets a clone of.
#[derive(Clone)]
pub(crate) struct Service {
    provider: Arc<dyn Provider>,
    calls: Arc<Calls>,
    /// Built at the first call.
    registry: Arc<OnceLock<Registry>>,
}

impl Service {
    fn registry(&self) -> &Registry {
        self.registry.get_or_init(|| Registry::new(&*self.provider))
    }
}

/// Implements the service from a table of modules, each with the log field that contains what its RPCs concern. One RPC per
/// line: how it runs, the method, its name in the log with the field of the request that names a type, and the function of
/// the module that implements it. The function returns the response, or diagnostics alone.
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
                    let call = $module::$function(self.clone(), request);
                    let outcome = self.calls.$run(rpc, call).await;
                    Ok(Response::new(outcome.map_or_else(Into::into, Into::into)))
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
            let (new_state, private) = (request.current_state.clone(), request.private.clone());
            let read = resource::read(self.clone(), request);
            let outcome = self.calls.run_cancellable(rpc, read).await;
            // Without a state, also after a panic, the object would count as deleted.
            let unchanged = |problems| pb::read_resource::Response {
                new_state,
                private,
                diagnostics: encode::diagnostics(problems),
                ..Default::default()
            };
            Ok(Response::new(outcome.unwrap_or_else(unchanged)))
        }

        type ListResourceStream = stream::Iter<IntoIter<Result<pb::list_resource::Event, Status>>>;

        async fn list_resource(
            &self,
            request: Request<pb::list_resource::Request>,
        ) -> RpcResult<Self::ListResourceStream> {
            let request = request.into_inner();
            let rpc = Rpc::new("ListResource").of("tf_list_resource_type", &request.type_name);
            let list = list_resource::list(self.clone(), request);
            let outcome = self.calls.run_cancellable(rpc, list).await;
            let failed = |problems| vec![Ok(list_resource::event(problems))];
            Ok(Response::new(stream::iter(outcome.unwrap_or_else(failed))))
        }

        async fn call_function(
            &self,
            request: Request<pb::call_function::Request>,
        ) -> RpcResult<pb::call_function::Response> {
            let request = request.into_inner();
            let rpc = Rpc::new("CallFunction").of("tf_function", &request.name);
            let call = provider::call_function(self.clone(), request);
            let outcome = self.calls.run_cancellable(rpc, call).await;
            Ok(Response::new(outcome.unwrap_or_else(Into::into)))
        }

        async fn stop(&self, _request: Request<pb::stop::Request>) -> RpcResult<pb::stop::Response> {
            self.calls.cancel_all();
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

#[cfg(test)]
mod tests;
