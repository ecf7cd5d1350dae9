//! The RPCs of managed resources.

use std::sync::Arc;

use super::{
    super::{
        decode, encode,
        pb::{
            apply_resource_change, generate_resource_config, import_resource_state,
            move_resource_state, plan_resource_change, read_resource, upgrade_resource_identity,
            upgrade_resource_state, validate_resource_type_config,
        },
    },
    Context, Outcome, check,
};
use crate::terraform::{
    CreateRequest, DeleteRequest, Diagnostic, ImportRequest, ImportTarget, MoveRequest,
    PlanDestroyRequest, PlanRequest, ReadRequest, UpdateRequest, ValidateRequest, Value,
};

pub(super) async fn validate(
    context: Arc<Context>,
    request: validate_resource_type_config::Request,
) -> Outcome<validate_resource_type_config::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let write_only_allowed =
        request.client_capabilities.is_some_and(|client| client.write_only_attributes_allowed);
    let validate =
        |config| resource.handler.validate(&ValidateRequest { config, write_only_allowed });
    Ok(check(request.config, &resource.schema, write_only_allowed, validate)?.into())
}

pub(super) async fn upgrade_state(
    context: Arc<Context>,
    request: upgrade_resource_state::Request,
) -> Outcome<upgrade_resource_state::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let mut stored = decode::raw_state(request.raw_state)?;
    if request.version != resource.schema.version {
        stored = resource.handler.upgrade(request.version, stored)?;
    }
    let state = decode::state(&stored, &resource.schema.ty)?;
    let upgraded_state = encode::stored(state, &resource.schema);
    Ok(upgrade_resource_state::Response { upgraded_state, diagnostics: Vec::new() })
}

/// Returns no identity if the resource has none or the host stored none.
pub(super) async fn upgrade_identity(
    context: Arc<Context>,
    request: upgrade_resource_identity::Request,
) -> Outcome<upgrade_resource_identity::Response> {
    let handler = &*context.registry().resources.get(&request.type_name)?.handler;
    let raw = request.raw_identity.unwrap_or_default().json;
    let (Some(schema), false) = (handler.identity_schema(), raw.is_empty()) else {
        return Ok(upgrade_resource_identity::Response::default());
    };
    if request.version != schema.version {
        return Err(Diagnostic::error(
            "Identity of an unknown version",
            format!(
                "The identity of this {} was written under identity schema version {}, which this provider cannot read. \
                 Use the provider version that wrote it, or a later one.",
                request.type_name, request.version
            ),
        )
        .into());
    }
    let identity = decode::stored(&raw, &schema.ty(), "stored identity")?;
    let upgraded_identity = encode::identity(&identity, handler);
    Ok(upgrade_resource_identity::Response { upgraded_identity, diagnostics: Vec::new() })
}

/// The caller restores state and private data if the response contains an error.
pub(super) async fn read(
    context: Arc<Context>,
    request: read_resource::Request,
) -> Outcome<read_resource::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let request = ReadRequest {
        state: decode::object(request.current_state, &resource.schema, "stored object")?,
        private: request.private,
        cancel: context.calls.cancellation(),
    };
    let response = resource.handler.read(request).await;
    Ok(read_resource::Response {
        new_identity: encode::identity_of(&response.state, &*resource.handler),
        new_state: encode::stored(response.state, &resource.schema),
        diagnostics: response.diagnostics.into(),
        private: response.private,
        deferred: None,
    })
}

pub(super) async fn plan(
    context: Arc<Context>,
    request: plan_resource_change::Request,
) -> Outcome<plan_resource_change::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let ty = &resource.schema.ty;
    let prior = decode::value(request.prior_state, ty, "stored object")?;
    let proposed = decode::value(request.proposed_new_state, ty, "proposed object")?;
    let private = request.prior_private;
    let response = if proposed.is_null() {
        resource.handler.plan_destroy(PlanDestroyRequest { prior, private }).await
    } else {
        let config = decode::object(request.config, &resource.schema, "configuration")?;
        let cancel = context.calls.cancellation();
        let request = PlanRequest { prior, proposed, config, private, cancel };
        resource.handler.plan(request).await
    };
    Ok(plan_resource_change::Response {
        planned_identity: encode::identity_of(&response.planned, &*resource.handler),
        planned_state: encode::stored(response.planned, &resource.schema),
        requires_replace: response.requires_replace.iter().map(Into::into).collect(),
        planned_private: response.private,
        diagnostics: response.diagnostics.into(),
        ..Default::default()
    })
}

pub(super) async fn apply(
    context: Arc<Context>,
    request: apply_resource_change::Request,
) -> Outcome<apply_resource_change::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let (handler, ty) = (&*resource.handler, &resource.schema.ty);
    let prior = decode::value(request.prior_state, ty, "stored object")?;
    let planned = decode::value(request.planned_state, ty, "planned object")?;
    let config = decode::value(request.config, ty, "configuration")?;
    let (private, cancel) = (request.planned_private, context.calls.cancellation());
    let response = if planned.is_null() {
        handler.delete(DeleteRequest { prior, private, cancel }).await
    } else if prior.is_null() {
        handler.create(CreateRequest { planned, config, private, cancel }).await
    } else {
        handler.update(UpdateRequest { prior, planned, config, private, cancel }).await
    };
    Ok(apply_resource_change::Response {
        new_identity: encode::identity_of(&response.state, handler),
        new_state: encode::stored(response.state, &resource.schema),
        private: response.private,
        diagnostics: response.diagnostics.into(),
        ..Default::default()
    })
}

/// Imports by identity if the host sent one, otherwise by id.
pub(super) async fn import(
    context: Arc<Context>,
    request: import_resource_state::Request,
) -> Outcome<import_resource_state::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let handler = &*resource.handler;
    let sent = request.identity.and_then(|identity| identity.identity_data);
    let identity = match handler.identity_schema() {
        Some(schema) => decode::value(sent, &schema.ty(), "identity")?,
        None => Value::Null,
    };
    let target = if identity.is_null() {
        ImportTarget::Id(request.id)
    } else {
        ImportTarget::Identity(identity)
    };
    let cancel = context.calls.cancellation();
    let response = handler.import(ImportRequest { target, cancel }).await?;
    let imported = import_resource_state::ImportedResource {
        type_name: request.type_name,
        identity: encode::identity_of(&response.state, handler),
        state: encode::stored(response.state, &resource.schema),
        private: response.private,
    };
    Ok(import_resource_state::Response {
        imported_resources: vec![imported],
        diagnostics: response.diagnostics.into(),
        deferred: None,
    })
}

pub(super) async fn move_state(
    context: Arc<Context>,
    request: move_resource_state::Request,
) -> Outcome<move_resource_state::Response> {
    let resource = context.registry().resources.get(&request.target_type_name)?;
    let request = MoveRequest {
        source_provider: request.source_provider_address,
        source_type: request.source_type_name,
        source_version: request.source_schema_version,
        source_state: decode::raw_state(request.source_state)?,
    };
    let response = resource.handler.move_from(request).await?;
    Ok(move_resource_state::Response {
        target_identity: encode::identity_of(&response.state, &*resource.handler),
        target_state: encode::stored(response.state, &resource.schema),
        diagnostics: response.diagnostics.into(),
        target_private: Vec::new(),
    })
}

pub(super) async fn generate_config(
    context: Arc<Context>,
    request: generate_resource_config::Request,
) -> Outcome<generate_resource_config::Response> {
    let resource = context.registry().resources.get(&request.type_name)?;
    let state = decode::object(request.state, &resource.schema, "object")?;
    let config = encode::stored(resource.handler.generate_config(state), &resource.schema);
    Ok(generate_resource_config::Response { config, diagnostics: Vec::new() })
}
