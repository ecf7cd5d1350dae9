//! The provider service: each method decodes, calls and encodes.
//!
//! A request that can be read is always answered with status OK; refusals, failures and even panics travel as
//! diagnostics.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
};

use tonic::{Request, Response, Status};

use super::{
    barrier::{Answer, Barrier, Rpc},
    catalog::Catalog,
    decode, encode, pb,
    running::Running,
};
use crate::terraform::{
    CloseRequest, ConfigureRequest, CreateRequest, DeleteRequest, FunctionError, ImportRequest,
    OpenRequest, PlanDestroyRequest, PlanRequest, Provider, ReadDataRequest, ReadRequest,
    RenewRequest, UpdateRequest, ValidateRequest,
};

/// The service in the form that a server takes.
type Grpc = pb::provider_server::ProviderServer<Service>;

/// What Go providers accept and send at most.
const MESSAGE_BYTES: usize = 256 << 20;

/// The service for one provider. Builds no schema before the first call.
pub(crate) fn service(provider: Arc<dyn Provider>, running: Arc<Running>) -> Grpc {
    let core = Core {
        provider,
        running,
        catalog: OnceLock::new(),
    };
    let running = core.running.clone();
    Grpc::new(Service(Barrier::new(core, running)))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES)
}

pub(crate) struct Service(Barrier<Core>);

struct Core {
    provider: Arc<dyn Provider>,
    running: Arc<Running>,
    catalog: OnceLock<Catalog>,
}

impl Core {
    fn catalog(&self) -> &Catalog {
        self.catalog.get_or_init(|| Catalog::of(&*self.provider))
    }
}

type Stream<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl pb::provider_server::Provider for Service {
    async fn get_metadata(
        &self,
        request: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        self.0
            .answer(Rpc::new("GetMetadata", ""), request, |core, _| async move {
                Ok(encode::metadata(core.catalog()))
            })
            .await
    }

    async fn get_schema(
        &self,
        request: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        self.0
            .answer(
                Rpc::new("GetProviderSchema", ""),
                request,
                |core, _| async move { Ok(encode::provider_schema(core.catalog())) },
            )
            .await
    }

    async fn prepare_provider_config(
        &self,
        request: Request<pb::prepare_provider_config::Request>,
    ) -> Answer<pb::prepare_provider_config::Response> {
        let rpc = Rpc::new("PrepareProviderConfig", "");
        self.0
            .answer(rpc, request, |core, request| async move {
                let shape = &core.catalog().provider;
                let config =
                    decode::object(request.config.clone(), shape, "provider configuration")?;
                let mut diagnostics = shape.schema.block.check(&config, false);
                diagnostics.extend(core.provider.validate(&config));
                Ok(pb::prepare_provider_config::Response {
                    prepared_config: request.config,
                    diagnostics: encode::diagnostics(diagnostics),
                })
            })
            .await
    }

    async fn configure(
        &self,
        request: Request<pb::configure::Request>,
    ) -> Answer<pb::configure::Response> {
        let rpc = Rpc::new("Configure", "");
        self.0
            .answer(rpc, request, |core, request| async move {
                let config = decode::object(
                    request.config,
                    &core.catalog().provider,
                    "provider configuration",
                )?;
                let terraform_version = request.terraform_version;
                let diagnostics = core
                    .provider
                    .configure(ConfigureRequest {
                        terraform_version,
                        config,
                    })
                    .await;
                Ok(pb::configure::Response {
                    diagnostics: encode::diagnostics(diagnostics),
                })
            })
            .await
    }

    async fn stop(&self, _request: Request<pb::stop::Request>) -> Answer<pb::stop::Response> {
        self.0.running().stop_all();
        tracing::info!("The user wants to stop: waits end, what was sent runs to its answer");
        Ok(Response::new(pb::stop::Response::default()))
    }

    async fn validate_resource_type_config(
        &self,
        request: Request<pb::validate_resource_type_config::Request>,
    ) -> Answer<pb::validate_resource_type_config::Response> {
        let rpc = Rpc::new("ValidateResourceTypeConfig", &request.get_ref().type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.type_name)?;
                let config = decode::object(request.config, &offer.shape, "configuration")?;
                let write_only_allowed = request
                    .client_capabilities
                    .is_some_and(|can| can.write_only_attributes_allowed);
                let mut diagnostics = offer.shape.schema.block.check(&config, write_only_allowed);
                diagnostics.extend(offer.it.validate(&ValidateRequest {
                    config,
                    write_only_allowed,
                }));
                Ok(pb::validate_resource_type_config::Response {
                    diagnostics: encode::diagnostics(diagnostics),
                })
            })
            .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let rpc = Rpc::new("UpgradeResourceState", &request.get_ref().type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.type_name)?;
                let mut stored = decode::raw_state(request.raw_state)?;
                if request.version != offer.shape.schema.version {
                    stored = offer.it.upgrade(request.version, stored)?;
                }
                Ok(encode::upgrade(
                    decode::state(&stored, &offer.shape)?,
                    &offer.shape,
                ))
            })
            .await
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        let rpc = Rpc::new("ReadResource", &request.get_ref().type_name);
        let (state, private) = (
            request.get_ref().current_state.clone(),
            request.get_ref().private.clone(),
        );
        let answer = self
            .0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.type_name)?;
                let state = decode::object(request.current_state, &offer.shape, "stored object")?;
                let (private, cancel) = (request.private, core.running.cancellation());
                let response = offer
                    .it
                    .read(ReadRequest {
                        state,
                        private,
                        cancel,
                    })
                    .await;
                Ok(encode::read(response, &offer.shape))
            })
            .await?;
        // With an error nothing was learned: an answer without state would read as "gone".
        let mut response = answer.into_inner();
        if response
            .diagnostics
            .iter()
            .any(|d| d.severity() == pb::diagnostic::Severity::Error)
        {
            (response.new_state, response.private) = (state, private);
        }
        Ok(Response::new(response))
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let rpc = Rpc::new("PlanResourceChange", &request.get_ref().type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.type_name)?;
                let ty = &offer.shape.ty;
                let prior = decode::value(request.prior_state, ty, "stored object")?;
                let proposed = decode::value(request.proposed_new_state, ty, "proposed object")?;
                let private = request.prior_private;
                let response = if proposed.is_null() {
                    offer
                        .it
                        .plan_destroy(PlanDestroyRequest { prior, private })
                        .await
                } else {
                    let config = decode::object(request.config, &offer.shape, "configuration")?;
                    let cancel = core.running.cancellation();
                    offer
                        .it
                        .plan(PlanRequest {
                            prior,
                            proposed,
                            config,
                            private,
                            cancel,
                        })
                        .await
                };
                Ok(encode::plan(response, &offer.shape))
            })
            .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let rpc = Rpc::new("ApplyResourceChange", &request.get_ref().type_name);
        self.0
            .carry_out(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.type_name)?;
                let ty = &offer.shape.ty;
                let prior = decode::value(request.prior_state, ty, "stored object")?;
                let planned = decode::value(request.planned_state, ty, "planned object")?;
                let config = decode::value(request.config, ty, "configuration")?;
                let (private, cancel) = (request.planned_private, core.running.cancellation());
                let response = match (prior.is_null(), planned.is_null()) {
                    (_, true) => {
                        offer
                            .it
                            .delete(DeleteRequest {
                                prior,
                                private,
                                cancel,
                            })
                            .await
                    }
                    (true, false) => {
                        offer
                            .it
                            .create(CreateRequest {
                                planned,
                                config,
                                private,
                                cancel,
                            })
                            .await
                    }
                    (false, false) => {
                        offer
                            .it
                            .update(UpdateRequest {
                                prior,
                                planned,
                                config,
                                private,
                                cancel,
                            })
                            .await
                    }
                };
                Ok(encode::apply(response, &offer.shape))
            })
            .await
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let rpc = Rpc::new("ImportResourceState", &request.get_ref().type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.type_name)?;
                let import = ImportRequest {
                    id: request.id,
                    cancel: core.running.cancellation(),
                };
                let response = offer.it.import(import).await?;
                Ok(encode::import(response, request.type_name, &offer.shape))
            })
            .await
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let rpc = Rpc::new("MoveResourceState", &request.get_ref().target_type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().resource(&request.target_type_name)?;
                let response = offer.it.move_from(decode::move_request(request)?).await?;
                Ok(encode::moved(response, &offer.shape))
            })
            .await
    }

    async fn validate_data_source_config(
        &self,
        request: Request<pb::validate_data_source_config::Request>,
    ) -> Answer<pb::validate_data_source_config::Response> {
        let rpc = Rpc::new("ValidateDataSourceConfig", &request.get_ref().type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().data_source(&request.type_name)?;
                let config = decode::object(request.config, &offer.shape, "configuration")?;
                let mut diagnostics = offer.shape.schema.block.check(&config, false);
                diagnostics.extend(offer.it.validate(&config));
                Ok(pb::validate_data_source_config::Response {
                    diagnostics: encode::diagnostics(diagnostics),
                })
            })
            .await
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        let rpc = Rpc::new("ReadDataSource", &request.get_ref().type_name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().data_source(&request.type_name)?;
                let config = decode::object(request.config, &offer.shape, "configuration")?;
                let cancel = core.running.cancellation();
                let response = offer.it.read(ReadDataRequest { config, cancel }).await;
                Ok(encode::data(response, &offer.shape))
            })
            .await
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        let rpc = Rpc::new(
            "ValidateEphemeralResourceConfig",
            &request.get_ref().type_name,
        );
        self.0
            .answer(rpc, request, |core, request| async move {
                let offer = core.catalog().ephemeral_resource(&request.type_name)?;
                let config = decode::object(request.config, &offer.shape, "configuration")?;
                let mut diagnostics = offer.shape.schema.block.check(&config, false);
                diagnostics.extend(offer.it.validate(&config));
                Ok(pb::validate_ephemeral_resource_config::Response {
                    diagnostics: encode::diagnostics(diagnostics),
                })
            })
            .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        let rpc = Rpc::new("OpenEphemeralResource", &request.get_ref().type_name);
        self.0
            .carry_out(rpc, request, |core, request| async move {
                let offer = core.catalog().ephemeral_resource(&request.type_name)?;
                let config = decode::object(request.config, &offer.shape, "configuration")?;
                let cancel = core.running.cancellation();
                let response = offer.it.open(OpenRequest { config, cancel }).await;
                Ok(encode::opened(response, &offer.shape))
            })
            .await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        let rpc = Rpc::new("RenewEphemeralResource", &request.get_ref().type_name);
        self.0
            .carry_out(rpc, request, |core, request| async move {
                let offer = core.catalog().ephemeral_resource(&request.type_name)?;
                let (private, cancel) = (
                    request.private.unwrap_or_default(),
                    core.running.cancellation(),
                );
                Ok(encode::renewed(
                    offer.it.renew(RenewRequest { private, cancel }).await,
                ))
            })
            .await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        let rpc = Rpc::new("CloseEphemeralResource", &request.get_ref().type_name);
        self.0
            .carry_out(rpc, request, |core, request| async move {
                let offer = core.catalog().ephemeral_resource(&request.type_name)?;
                let private = request.private.unwrap_or_default();
                let diagnostics =
                    encode::diagnostics(offer.it.close(CloseRequest { private }).await);
                Ok(pb::close_ephemeral_resource::Response { diagnostics })
            })
            .await
    }

    async fn get_functions(
        &self,
        request: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        self.0
            .answer(
                Rpc::new("GetFunctions", ""),
                request,
                |core, _| async move {
                    let functions = encode::functions(core.catalog()).collect();
                    Ok(pb::get_functions::Response {
                        functions,
                        diagnostics: Vec::new(),
                    })
                },
            )
            .await
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        let rpc = Rpc::new("CallFunction", &request.get_ref().name);
        self.0
            .answer(rpc, request, |core, request| async move {
                let Some((function, signature)) = core.catalog().functions.get(&*request.name)
                else {
                    let text = format!("this provider has no function named {:?}", request.name);
                    let unknown = Err(FunctionError {
                        text,
                        argument: None,
                    });
                    return Ok(encode::called(unknown, &crate::terraform::Type::Dynamic));
                };
                let result = decode::arguments(request.arguments, signature)
                    .and_then(|arguments| function.call(arguments));
                Ok(encode::called(result, &signature.returns))
            })
            .await
    }

    // Below: what this server does not offer. Hosts call none of it for a provider that declares none of it, or take
    // "unimplemented" for "none".

    type ListResourceStream = Stream<pb::list_resource::Event>;
    type InvokeActionStream = Stream<pb::invoke_action::Event>;

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        Err(Status::unimplemented("no resource has an identity schema"))
    }

    async fn upgrade_resource_identity(
        &self,
        _request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        Err(Status::unimplemented("no resource has an identity schema"))
    }

    async fn generate_resource_config(
        &self,
        _request: Request<pb::generate_resource_config::Request>,
    ) -> Answer<pb::generate_resource_config::Response> {
        Err(Status::unimplemented("configurations are not generated"))
    }

    async fn list_resource(
        &self,
        _request: Request<pb::list_resource::Request>,
    ) -> Answer<Self::ListResourceStream> {
        Err(Status::unimplemented("there are no list resources"))
    }

    async fn validate_list_resource_config(
        &self,
        _request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        Err(Status::unimplemented("there are no list resources"))
    }

    async fn validate_action_config(
        &self,
        _request: Request<pb::validate_action_config::Request>,
    ) -> Answer<pb::validate_action_config::Response> {
        Err(Status::unimplemented("there are no actions"))
    }

    async fn plan_action(
        &self,
        _request: Request<pb::plan_action::Request>,
    ) -> Answer<pb::plan_action::Response> {
        Err(Status::unimplemented("there are no actions"))
    }

    async fn invoke_action(
        &self,
        _request: Request<pb::invoke_action::Request>,
    ) -> Answer<Self::InvokeActionStream> {
        Err(Status::unimplemented("there are no actions"))
    }
}
