//! The RPCs of ephemeral resources.

use std::sync::Arc;

use super::{
    super::{decode, encode, pb},
    Context, check,
};
use crate::terraform::{CloseRequest, Diagnostics, OpenRequest, RenewRequest};

pub(super) async fn validate(
    context: Arc<Context>,
    request: pb::validate_ephemeral_resource_config::Request,
) -> Result<pb::validate_ephemeral_resource_config::Response, Diagnostics> {
    let resource = context.registry().ephemeral_resource(&request.type_name)?;
    let diagnostics = check(request.config, &resource.schema, false, |config| {
        resource.handler.validate(&config)
    })?;
    Ok(pb::validate_ephemeral_resource_config::Response { diagnostics })
}

pub(super) async fn open(
    context: Arc<Context>,
    request: pb::open_ephemeral_resource::Request,
) -> Result<pb::open_ephemeral_resource::Response, Diagnostics> {
    let resource = context.registry().ephemeral_resource(&request.type_name)?;
    let request = OpenRequest {
        config: decode::object(request.config, &resource.schema, "configuration")?,
        cancel: context.calls.cancellation(),
    };
    let response = resource.handler.open(request).await;
    Ok(encode::open_ephemeral(response, &resource.schema))
}

pub(super) async fn renew(
    context: Arc<Context>,
    request: pb::renew_ephemeral_resource::Request,
) -> Result<pb::renew_ephemeral_resource::Response, Diagnostics> {
    let resource = context.registry().ephemeral_resource(&request.type_name)?;
    let request = RenewRequest {
        private: request.private.unwrap_or_default(),
        cancel: context.calls.cancellation(),
    };
    Ok(encode::renew_ephemeral(resource.handler.renew(request).await))
}

pub(super) async fn close(
    context: Arc<Context>,
    request: pb::close_ephemeral_resource::Request,
) -> Result<pb::close_ephemeral_resource::Response, Diagnostics> {
    let resource = context.registry().ephemeral_resource(&request.type_name)?;
    let private = request.private.unwrap_or_default();
    let diagnostics = resource.handler.close(CloseRequest { private }).await;
    Ok(pb::close_ephemeral_resource::Response { diagnostics: diagnostics.into() })
}
