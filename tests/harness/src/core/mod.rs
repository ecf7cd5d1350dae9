//! The calls that Terraform core makes, its checks of each response, and what it would store.
//!
//! An `Err` is a bug: of the provider, or of a test whose configuration core itself would refuse. A refusal by the
//! provider is a diagnostic in an `Ok`.

mod apply;
mod import;
mod plan;
mod resource;
mod response;
mod settings;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value as Json;
use thiserror::Error;
use tonic::{Code, Status};

pub use self::{
    apply::Outcome,
    import::{Imported, MoveSource},
    plan::{Action, Plan},
    resource::{Refreshed, Resource, ResourceInstance},
    response::{ResponseReader, Stored},
    settings::{Host, Phase, Settings},
};
use crate::{
    checks::{Problem, Violation, plan_valid, storable},
    diagnostic::{Diagnostics, Refused},
    pb::tfplugin5 as pb,
    plugin::Provider,
    schema::{Block, ProviderSchema, Schema},
    value::{Mismatch, Type, convert, decode, encode, is_wholly_known, unknown},
};

/// Core with one provider process. Clones share everything; calls may run concurrently.
#[derive(Clone, Debug)]
pub struct Core {
    provider: Provider,
    schema: Arc<ProviderSchema>,
    settings: Arc<Settings>,
    /// The function results so far, by name and arguments: a function is pure.
    results: Arc<Mutex<HashMap<String, Json>>>,
}

/// Anything but a refusal by the provider.
#[derive(Debug, Error)]
pub enum Error {
    /// A call failed with a gRPC status.
    #[error("{method}: {:?}: {}", .status.code(), .status.message())]
    Rpc {
        /// The method of the generated client.
        method: &'static str,
        status: Status,
    },
    /// Core would report a bug in the provider.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// Core would refuse the test's configuration.
    #[error("configuration that core refuses: {0}")]
    Config(#[from] Mismatch),
    /// The response to `GetSchema` has errors.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The provider does not offer it.
    #[error("the provider has no {kind} {name}")]
    NoSuch { kind: &'static str, name: String },
}

/// Makes a call, and returns with the error if it fails.
macro_rules! rpc {
    ($provider:expr, $method:ident, $request:expr) => {
        $provider
            .client()
            .$method($request)
            .await
            .map_err(|status| crate::core::Error::Rpc { method: stringify!($method), status })?
            .into_inner()
    };
}
pub(crate) use rpc;

/// The result of reading a data source.
#[derive(Clone, Debug)]
pub struct DataRead {
    pub state: Option<Json>,
    pub diagnostics: Diagnostics,
}

/// The result of opening an ephemeral resource.
#[derive(Debug)]
pub struct Opened {
    pub instance: Option<Ephemeral>,
    pub diagnostics: Diagnostics,
}

/// An open instance. It stays open until [`Self::close`].
#[derive(Debug)]
pub struct Ephemeral {
    core: Core,
    type_name: String,
    pub result: Json,
    /// The time at which core would renew it.
    pub renew_at: Option<prost_types::Timestamp>,
    private: Option<Vec<u8>>,
}

impl Core {
    /// Fetches the schemas.
    pub async fn new(provider: Provider, settings: Settings) -> Result<Self, Error> {
        let response = rpc!(provider, get_schema, pb::get_provider_schema::Request {});
        Diagnostics::read("GetSchema", PROVIDER, &response.diagnostics, None)?.ok()?;
        let mut schema = ProviderSchema::read(response, settings.knows_write_only);
        if settings.has_identity {
            schema.identities = identities(&provider).await?;
        }
        Ok(Self {
            provider,
            schema: Arc::new(schema),
            settings: Arc::new(settings),
            results: Arc::default(),
        })
    }

    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    pub fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `PrepareProviderConfig` and, if that is not refused, `Configure`.
    pub async fn configure(&self, config: impl Into<Json>) -> Result<Diagnostics, Error> {
        let config = config.into();
        let mut diagnostics = self.validate_provider(config.clone()).await?;
        if diagnostics.has_errors() {
            return Ok(diagnostics);
        }
        let block = &self.schema.provider.block;
        let ty = block.ty();
        let request = pb::configure::Request {
            terraform_version: self.settings.terraform_version.clone(),
            config: Some(encode(&block.conform(config)?, &ty)),
            client_capabilities: self.settings.capabilities(Phase::Plan),
        };
        let response = rpc!(self.provider, configure, request);
        let given = &response.diagnostics;
        diagnostics.append(Diagnostics::read("Configure", PROVIDER, given, Some(&ty))?);
        Ok(diagnostics)
    }

    /// `PrepareProviderConfig`, as `terraform validate` calls it.
    pub async fn validate_provider(&self, config: impl Into<Json>) -> Result<Diagnostics, Error> {
        const RPC: &str = "PrepareProviderConfig";
        let block = &self.schema.provider.block;
        let ty = block.ty();
        let config = encode(&block.conform(config)?, &ty);
        let request = pb::prepare_provider_config::Request { config: Some(config.clone()) };
        let response = rpc!(self.provider, prepare_provider_config, request);
        let diagnostics = Diagnostics::read(RPC, PROVIDER, &response.diagnostics, Some(&ty))?;
        let prepared = response.prepared_config.as_ref();
        if !diagnostics.has_errors() && decode(prepared, &ty) != decode(Some(&config), &ty) {
            let message = "prepared_config is not the configuration";
            return Err(Violation::new(
                RPC,
                PROVIDER,
                "Provider changed its configuration",
                message,
            )
            .into());
        }
        Ok(diagnostics)
    }

    /// `Stop`, as at the first interrupt. Core ignores the error text of the response.
    pub async fn stop(&self) -> Result<(), Error> {
        rpc!(self.provider, stop, pb::stop::Request {});
        Ok(())
    }

    /// `ValidateDataSourceConfig` and `ReadDataSource`. The configuration must be wholly known.
    pub async fn read_data(
        &self,
        type_name: &str,
        config: impl Into<Json>,
    ) -> Result<DataRead, Error> {
        const RPC: &str = "ReadDataSource";
        let block = &named(&self.schema.data_sources, "data source", type_name)?.block;
        let ty = block.ty();
        let config = encode(&block.conform(config)?, &ty);
        let request = pb::validate_data_source_config::Request {
            type_name: type_name.to_owned(),
            config: Some(config.clone()),
        };
        let given = rpc!(self.provider, validate_data_source_config, request).diagnostics;
        let rpc = "ValidateDataSourceConfig";
        let mut diagnostics = Diagnostics::read(rpc, type_name, &given, Some(&ty))?;
        let refused = |diagnostics| Ok(DataRead { state: None, diagnostics });
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let request = pb::read_data_source::Request {
            type_name: type_name.to_owned(),
            config: Some(config),
            provider_meta: None,
            client_capabilities: self.settings.capabilities(Phase::Plan),
        };
        let response = rpc!(self.provider, read_data_source, request);
        check_deferred(RPC, type_name, response.deferred)?;
        diagnostics.append(Diagnostics::read(RPC, type_name, &response.diagnostics, Some(&ty))?);
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let state = decoded(RPC, type_name, response.state.as_ref(), &ty)?;
        if state.is_null() {
            let summary = "Provider produced null object";
            return Err(Violation::new(RPC, type_name, summary, "null").into());
        }
        check(RPC, type_name, INVALID_OBJECT, storable(block, &state))?;
        Ok(DataRead { state: Some(state), diagnostics })
    }

    /// `ValidateEphemeralResourceConfig`; any part of the configuration may be unknown.
    pub async fn validate_ephemeral(
        &self,
        type_name: &str,
        config: impl Into<Json>,
    ) -> Result<Diagnostics, Error> {
        let block = self.ephemeral_block(type_name)?;
        let ty = block.ty();
        let request = pb::validate_ephemeral_resource_config::Request {
            type_name: type_name.to_owned(),
            config: Some(encode(&block.conform(config)?, &ty)),
        };
        let given = rpc!(self.provider, validate_ephemeral_resource_config, request).diagnostics;
        let rpc = "ValidateEphemeralResourceConfig";
        Ok(Diagnostics::read(rpc, type_name, &given, Some(&ty))?)
    }

    /// `ValidateEphemeralResourceConfig` and `OpenEphemeralResource`. The configuration must be wholly known.
    pub async fn open_ephemeral(
        &self,
        type_name: &str,
        config: impl Into<Json>,
    ) -> Result<Opened, Error> {
        const RPC: &str = "OpenEphemeralResource";
        let block = self.ephemeral_block(type_name)?;
        let ty = block.ty();
        let config = block.conform(config)?;
        let mut diagnostics = self.validate_ephemeral(type_name, config.clone()).await?;
        let refused = |diagnostics| Ok(Opened { instance: None, diagnostics });
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let none = pb::ClientCapabilities::default();
        let request = pb::open_ephemeral_resource::Request {
            type_name: type_name.to_owned(),
            config: Some(encode(&config, &ty)),
            client_capabilities: self.settings.sends_capabilities.then_some(none),
        };
        let response = rpc!(self.provider, open_ephemeral_resource, request);
        check_deferred(RPC, type_name, response.deferred)?;
        diagnostics.append(Diagnostics::read(RPC, type_name, &response.diagnostics, Some(&ty))?);
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let result = decoded(RPC, type_name, response.result.as_ref(), &ty)?;
        let mut problems = plan_valid(block, &Json::Null, &config, &result);
        problems.extend(storable(block, &result));
        let summary = "Provider produced invalid ephemeral resource instance";
        check(RPC, type_name, summary, problems)?;
        let instance = Ephemeral {
            core: self.clone(),
            type_name: type_name.to_owned(),
            result,
            renew_at: response.renew_at,
            private: response.private,
        };
        Ok(Opened { instance: Some(instance), diagnostics })
    }

    /// Calls a function as core does: arguments are converted, an unknown is not sent to a parameter that does not take
    /// it, and the result is compared with that of each earlier call.
    ///
    /// # Panics
    /// If core would refuse the call: a wrong number of arguments, or a null where none is allowed.
    pub async fn call(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = Json>,
    ) -> Result<Result<Json, pb::FunctionError>, Error> {
        const RPC: &str = "CallFunction";
        let function = named(&self.schema.functions, "function", name)?;
        let arguments: Vec<_> = arguments.into_iter().collect();
        let variadic = function.variadic_parameter.iter().cycle();
        let parameters = function.parameters.iter().chain(variadic);
        let (mut encoded, mut key) = (Vec::new(), name.to_owned());
        assert!(arguments.len() >= function.parameters.len(), "number of arguments of {name}");
        for (argument, parameter) in arguments.iter().zip(parameters) {
            let named = &parameter.name;
            assert!(parameter.allow_null_value || !argument.is_null(), "null for {named}");
            if !parameter.allow_unknown_values && !is_wholly_known(argument) {
                return Ok(Ok(unknown()));
            }
            let ty = constraint(&parameter.r#type);
            let argument = convert(argument.clone(), &ty)?;
            let empty = argument.is_null() && self.settings.host == Host::OpenTofu;
            encoded.push(if empty { pb::DynamicValue::default() } else { encode(&argument, &ty) });
            key = format!("{key} {argument}");
        }
        assert_eq!(encoded.len(), arguments.len(), "number of arguments of {name}");
        let request = pb::call_function::Request { name: name.to_owned(), arguments: encoded };
        let response = rpc!(self.provider, call_function, request);
        if let Some(error) = response.error {
            let positions = 0..i64::try_from(arguments.len()).unwrap_or(i64::MAX);
            if error.function_argument.is_some_and(|position| !positions.contains(&position)) {
                return Err(Violation::new(RPC, name, "Invalid function error", error.text).into());
            }
            return Ok(Err(error));
        }
        let returns = function.r#return.as_ref().map(|it| constraint(&it.r#type));
        let returns = returns.unwrap_or(Type::Unsupported(String::new()));
        let result = decoded(RPC, name, response.result.as_ref(), &returns)?;
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = results.entry(key).or_insert_with(|| result.clone());
        if *earlier != result {
            let summary = "Provider function returned an inconsistent result";
            return Err(
                Violation::new(RPC, name, summary, format!("{earlier}, then {result}")).into()
            );
        }
        Ok(Ok(result))
    }

    fn ephemeral_block(&self, type_name: &str) -> Result<&Block, Error> {
        let schema = named(&self.schema.ephemeral_resources, "ephemeral resource", type_name)?;
        Ok(&schema.block)
    }

    fn resource_schema(&self, type_name: &str) -> Result<&Schema, Error> {
        named(&self.schema.resources, "resource", type_name)
    }
}

impl Ephemeral {
    pub async fn close(self) -> Result<Diagnostics, Error> {
        let request = pb::close_ephemeral_resource::Request {
            type_name: self.type_name.clone(),
            private: self.private,
        };
        let given = rpc!(self.core.provider, close_ephemeral_resource, request).diagnostics;
        Ok(Diagnostics::read("CloseEphemeralResource", &self.type_name, &given, None)?)
    }
}

/// The identity types; empty for a provider without identities.
async fn identities(provider: &Provider) -> Result<BTreeMap<String, Type>, Error> {
    let request = pb::get_resource_identity_schemas::Request {};
    let response = match provider.client().get_resource_identity_schemas(request).await {
        Ok(response) => response.into_inner(),
        Err(status) if status.code() == Code::Unimplemented => return Ok(BTreeMap::new()),
        Err(status) => {
            return Err(Error::Rpc { method: "get_resource_identity_schemas", status });
        }
    };
    Diagnostics::read("GetResourceIdentitySchemas", PROVIDER, &response.diagnostics, None)?.ok()?;
    let ty = |schema: pb::ResourceIdentitySchema| {
        let attributes = schema.identity_attributes.into_iter();
        Type::Object(attributes.map(|it| (it.name, constraint(&it.r#type))).collect())
    };
    Ok(response.identity_schemas.into_iter().map(|(name, schema)| (name, ty(schema))).collect())
}

fn named<'a, T>(
    all: &'a BTreeMap<String, T>,
    kind: &'static str,
    name: &str,
) -> Result<&'a T, Error> {
    all.get(name).ok_or_else(|| Error::NoSuch { kind, name: name.to_owned() })
}

fn constraint(json: &[u8]) -> Type {
    Type::parse(&serde_json::from_slice(json).unwrap_or_default())
}

fn decoded(
    rpc: &'static str,
    subject: &str,
    given: Option<&pb::DynamicValue>,
    ty: &Type,
) -> Result<Json, Violation> {
    decode(given, ty).map_err(|mismatch| Violation {
        problems: vec![mismatch.into()],
        ..Violation::new(rpc, subject, INVALID_OBJECT, "")
    })
}

fn check(
    rpc: &'static str,
    subject: &str,
    summary: &str,
    problems: Vec<Problem>,
) -> Result<(), Violation> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Violation { problems, ..Violation::new(rpc, subject, summary, "") })
}

/// No host that is emulated accepts a deferral.
fn check_deferred(
    rpc: &'static str,
    subject: &str,
    deferred: Option<pb::Deferred>,
) -> Result<(), Violation> {
    let summary = "Provider deferred changes when Terraform did not allow deferrals";
    deferred.map_or(Ok(()), |it| Err(Violation::new(rpc, subject, summary, format!("{it:?}"))))
}

const PROVIDER: &str = "the provider";
const INVALID_OBJECT: &str = "Provider produced invalid object";
