//! The RPCs of data sources and ephemeral resources.

use std::sync::Arc;

use super::{
    super::{
        decode, encode,
        pb::{self, DynamicValue},
        schemas::Registered,
    },
    Context, Outcome,
};
use crate::terraform::{DataSource, Diagnostics, ReadDataResult};

impl Registered<dyn DataSource> {
    fn validate(&self, config: Option<DynamicValue>) -> Outcome<Diagnostics> {
        let config = decode::object(config, &self.schema, "configuration")?;
        Ok([self.schema.block.check(&config, false), self.handler.validate(&config)].concat())
    }

    async fn read(&self, config: Option<DynamicValue>, context: &Context) -> ReadDataResult {
        let config = decode::object(config, &self.schema, "configuration")?;
        self.handler.read(config, context.calls.cancellation()).await
    }
}

pub(super) async fn validate(
    context: Arc<Context>,
    request: pb::validate_data_source_config::Request,
) -> Outcome<pb::validate_data_source_config::Response> {
    let source = context.registry().data_sources.get(&request.type_name)?;
    Ok(source.validate(request.config)?.into())
}

pub(super) async fn read(
    context: Arc<Context>,
    request: pb::read_data_source::Request,
) -> Outcome<pb::read_data_source::Response> {
    let source = context.registry().data_sources.get(&request.type_name)?;
    let (state, warnings) = source.read(request.config, &context).await?;
    Ok(pb::read_data_source::Response { state: encode::value(&state), ..warnings.into() })
}

pub(super) async fn validate_ephemeral(
    context: Arc<Context>,
    request: pb::validate_ephemeral_resource_config::Request,
) -> Outcome<pb::validate_ephemeral_resource_config::Response> {
    let resource = context.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(resource.validate(request.config)?.into())
}

pub(super) async fn open_ephemeral(
    context: Arc<Context>,
    request: pb::open_ephemeral_resource::Request,
) -> Outcome<pb::open_ephemeral_resource::Response> {
    let resource = context.registry().ephemeral_resources.get(&request.type_name)?;
    let (result, warnings) = resource.read(request.config, &context).await?;
    Ok(pb::open_ephemeral_resource::Response { result: encode::value(&result), ..warnings.into() })
}

/// No open resource has a time at which it must be renewed.
pub(super) async fn renew_ephemeral(
    context: Arc<Context>,
    request: pb::renew_ephemeral_resource::Request,
) -> Outcome<pb::renew_ephemeral_resource::Response> {
    context.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(pb::renew_ephemeral_resource::Response::default())
}

/// No open resource holds anything.
pub(super) async fn close_ephemeral(
    context: Arc<Context>,
    request: pb::close_ephemeral_resource::Request,
) -> Outcome<pb::close_ephemeral_resource::Response> {
    context.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(pb::close_ephemeral_resource::Response::default())
}
