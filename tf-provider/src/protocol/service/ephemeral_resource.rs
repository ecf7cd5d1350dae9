//! The RPCs of ephemeral resources.

use std::sync::Arc;

use super::{
    super::{
        decode, encode,
        pb::{
            close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource,
            validate_ephemeral_resource_config,
        },
    },
    Context, Outcome, check,
};
use crate::terraform::OpenRequest;

pub(super) async fn validate(
    context: Arc<Context>,
    request: validate_ephemeral_resource_config::Request,
) -> Outcome<validate_ephemeral_resource_config::Response> {
    let resource = context.registry().ephemeral_resources.get(&request.type_name)?;
    let validate = |config| resource.handler.validate(&config);
    Ok(check(request.config, &resource.schema, false, validate)?.into())
}

pub(super) async fn open(
    context: Arc<Context>,
    request: open_ephemeral_resource::Request,
) -> Outcome<open_ephemeral_resource::Response> {
    let resource = context.registry().ephemeral_resources.get(&request.type_name)?;
    let request = OpenRequest {
        config: decode::object(request.config, &resource.schema, "configuration")?,
        cancel: context.calls.cancellation(),
    };
    let response = resource.handler.open(request).await;
    Ok(open_ephemeral_resource::Response {
        result: encode::value(&response.result),
        diagnostics: response.diagnostics.into(),
        ..Default::default()
    })
}

/// No open resource has a time at which it must be renewed.
pub(super) async fn renew(
    context: Arc<Context>,
    request: renew_ephemeral_resource::Request,
) -> Outcome<renew_ephemeral_resource::Response> {
    context.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(renew_ephemeral_resource::Response::default())
}

/// No open resource holds anything.
pub(super) async fn close(
    context: Arc<Context>,
    request: close_ephemeral_resource::Request,
) -> Outcome<close_ephemeral_resource::Response> {
    context.registry().ephemeral_resources.get(&request.type_name)?;
    Ok(close_ephemeral_resource::Response::default())
}
