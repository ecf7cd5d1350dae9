//! The RPCs of managed resources.

use std::sync::Arc;

use super::{
    super::{decode, encode, pb},
    Context, check,
};
use crate::terraform::{
    CreateRequest, DeleteRequest, Diagnostics, ImportRequest, PlanDestroyRequest, PlanRequest,
    ReadRequest, UpdateRequest, ValidateRequest, Value,
};

pub(super) async fn validate(
    context: Arc<Context>,
    request: pb::validate_resource_type_config::Request,
) -> Result<pb::validate_resource_type_config::Response, Diagnostics> {
    let resource = context.registry().resource(&request.type_name)?;
    let write_only_allowed =
        request.client_capabilities.is_some_and(|client| client.write_only_attributes_allowed);
    let validate =
        |config| resource.handler.validate(&ValidateRequest { config, write_only_allowed });
    let diagnostics = check(request.config, &resource.schema, write_only_allowed, validate)?;
    Ok(pb::validate_resource_type_config::Response { diagnostics })
}

pub(super) async fn upgrade_state(
    context: Arc<Context>,
    request: pb::upgrade_resource_state::Request,
) -> Result<pb::upgrade_resource_state::Response, Diagnostics> {
    let resource = context.registry().resource(&request.type_name)?;
    let mut stored = decode::raw_state(request.raw_state)?;
    if request.version != resource.schema.schema.version {
        stored = resource.handler.upgrade(request.version, stored)?;
    }
    let state = decode::state(&stored, &resource.schema)?;
    Ok(pb::upgrade_resource_state::Response {
        upgraded_state: Some(encode::stored(state, &resource.schema)),
        diagnostics: Vec::new(),
    })
}

pub(super) async fn upgrade_identity(
    context: Arc<Context>,
    request: pb::upgrade_resource_identity::Request,
) -> Result<pb::upgrade_resource_identity::Response, Diagnostics> {
    let type_name = request.type_name.clone();
    let resource = context.registry().resource(&type_name)?;
    let identity = match &resource.identity {
        Some(identity) => decode::stored_identity(request, identity)?,
        None => Value::Null,
    };
    Ok(encode::upgraded_identity(&identity, resource))
}

/// The caller restores state and private data if the response contains an error.
pub(super) async fn read(
    context: Arc<Context>,
    request: pb::read_resource::Request,
) -> Result<pb::read_resource::Response, Diagnostics> {
    let resource = context.registry().resource(&request.type_name)?;
    let request = ReadRequest {
        state: decode::object(request.current_state, &resource.schema, "stored object")?,
        private: request.private,
        cancel: context.calls.cancellation(),
    };
    Ok(encode::read(resource.handler.read(request).await, resource))
}

pub(super) async fn plan(
    context: Arc<Context>,
    request: pb::plan_resource_change::Request,
) -> Result<pb::plan_resource_change::Response, Diagnostics> {
    let resource = context.registry().resource(&request.type_name)?;
    let ty = &resource.schema.ty;
    let prior = decode::value(request.prior_state, ty, "stored object")?;
    let proposed = decode::value(request.proposed_new_state, ty, "proposed object")?;
    let private = request.prior_private;
    let response = if proposed.is_null() {
        let request = PlanDestroyRequest { prior, private };
        resource.handler.plan_destroy(request).await
    } else {
        let request = PlanRequest {
            prior,
            proposed,
            config: decode::object(request.config, &resource.schema, "configuration")?,
            private,
            cancel: context.calls.cancellation(),
        };
        resource.handler.plan(request).await
    };
    Ok(encode::plan(response, resource))
}

pub(super) async fn apply(
    context: Arc<Context>,
    request: pb::apply_resource_change::Request,
) -> Result<pb::apply_resource_change::Response, Diagnostics> {
    let resource = context.registry().resource(&request.type_name)?;
    let (handler, ty) = (&resource.handler, &resource.schema.ty);
    let prior = decode::value(request.prior_state, ty, "stored object")?;
    let planned = decode::value(request.planned_state, ty, "planned object")?;
    let config = decode::value(request.config, ty, "configuration")?;
    let private = request.planned_private;
    let cancel = context.calls.cancellation();
    let response = if planned.is_null() {
        let request = DeleteRequest { prior, private, cancel };
        handler.delete(request).await
    } else if prior.is_null() {
        let request = CreateRequest { planned, config, private, cancel };
        handler.create(request).await
    } else {
        let request = UpdateRequest { prior, planned, config, private, cancel };
        handler.update(request).await
    };
    Ok(encode::apply(response, resource))
}

pub(super) async fn import(
    context: Arc<Context>,
    request: pb::import_resource_state::Request,
) -> Result<pb::import_resource_state::Response, Diagnostics> {
    let type_name = request.type_name.clone();
    let resource = context.registry().resource(&type_name)?;
    let request = ImportRequest {
        target: decode::import_target(request, resource)?,
        cancel: context.calls.cancellation(),
    };
    let response = resource.handler.import(request).await?;
    Ok(encode::import(response, type_name, resource))
}

pub(super) async fn move_state(
    context: Arc<Context>,
    request: pb::move_resource_state::Request,
) -> Result<pb::move_resource_state::Response, Diagnostics> {
    let resource = context.registry().resource(&request.target_type_name)?;
    let request = decode::move_request(request)?;
    let response = resource.handler.move_from(request).await?;
    Ok(encode::moved(response, resource))
}

pub(super) async fn generate_config(
    context: Arc<Context>,
    request: pb::generate_resource_config::Request,
) -> Result<pb::generate_resource_config::Response, Diagnostics> {
    let resource = context.registry().resource(&request.type_name)?;
    let state = decode::object(request.state, &resource.schema, "object")?;
    let config = resource.handler.generate_config(state);
    Ok(pb::generate_resource_config::Response {
        config: Some(encode::stored(config, &resource.schema)),
        diagnostics: Vec::new(),
    })
}
