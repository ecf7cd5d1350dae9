//! The RPCs of data sources and ephemeral resources.

use super::{
    super::{
        decode, encode,
        pb::{self, DynamicValue},
        schemas::Registered,
    },
    Outcome, Service,
};
use crate::terraform::{DataSource, Diagnostics, ReadDataResult};

impl Registered<dyn DataSource> {
    fn validate(&self, config: Option<DynamicValue>) -> Outcome<Diagnostics> {
        let config = decode::object(config, &self.schema, "configuration")?;
        Ok([self.schema.block.check(&config, false), self.handler.validate(&config)].concat())
    }

    async fn read(&self, config: Option<DynamicValue>, service: &Service) -> ReadDataResult {
        let config = decode::object(config, &self.schema, "configuration")?;
        self.handler.read(config, service.calls.cancellation()).await
    }
}

pub(super) async fn validate(
    service: Service,
    request: pb::validate_data_source_config::Request,
) -> Outcome<Diagnostics> {
    service.registry().data_sources.get(&request.type_name)?.validate(request.config)
}

pub(super) async fn read(
    service: Service,
    request: pb::read_data_source::Request,
) -> Outcome<pb::read_data_source::Response> {
    let source = service.registry().data_sources.get(&request.type_name)?;
    let (state, warnings) = source.read(request.config, &service).await?;
    Ok(pb::read_data_source::Response { state: encode::value(&state), ..warnings.into() })
}

pub(super) async fn validate_ephemeral(
    service: Service,
    request: pb::validate_ephemeral_resource_config::Request,
) -> Outcome<Diagnostics> {
    service.registry().ephemeral_resources.get(&request.type_name)?.validate(request.config)
}

pub(super) async fn open_ephemeral(
    service: Service,
    request: pb::open_ephemeral_resource::Request,
) -> Outcome<pb::open_ephemeral_resource::Response> {
    let resource = service.registry().ephemeral_resources.get(&request.type_name)?;
    let (result, warnings) = resource.read(request.config, &service).await?;
    Ok(pb::open_ephemeral_resource::Response { result: encode::value(&result), ..warnings.into() })
}

/// No open resource has a time at which it must be renewed.
pub(super) async fn renew_ephemeral(
    service: Service,
    request: pb::renew_ephemeral_resource::Request,
) -> Outcome<pb::renew_ephemeral_resource::Response> {
    service.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(pb::renew_ephemeral_resource::Response::default())
}

/// No open resource holds anything.
pub(super) async fn close_ephemeral(
    service: Service,
    request: pb::close_ephemeral_resource::Request,
) -> Outcome<pb::close_ephemeral_resource::Response> {
    service.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(pb::close_ephemeral_resource::Response::default())
}
