//! The RPCs of managed resources.

use super::{
    super::{decode, encode, pb},
    Outcome, Service,
};
use crate::terraform::{
    ApplyRequest, Diagnostic, Diagnostics, ImportTarget, MoveRequest, PlanRequest, ReadRequest,
    Value,
};

pub(super) async fn validate(
    service: Service,
    request: pb::validate_resource_type_config::Request,
) -> Outcome<Diagnostics> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let write_only_allowed =
        request.client_capabilities.is_some_and(|client| client.write_only_attributes_allowed);
    let config = decode::object(request.config, &resource.schema, "configuration")?;
    let problems = resource.schema.block.check(&config, write_only_allowed);
    Ok([problems, resource.handler.validate(&config)].concat())
}

pub(super) async fn upgrade_state(
    service: Service,
    request: pb::upgrade_resource_state::Request,
) -> Outcome<pb::upgrade_resource_state::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let mut stored = decode::raw_state(request.raw_state)?;
    if request.version != resource.schema.version {
        stored = resource.handler.upgrade(request.version, stored)?;
    }
    let state = resource.schema.read_state(&stored)?;
    let upgraded_state = encode::stored(state, &resource.schema);
    Ok(pb::upgrade_resource_state::Response { upgraded_state, diagnostics: Vec::new() })
}

/// Returns no identity if the resource has none or the host stored none.
pub(super) async fn upgrade_identity(
    service: Service,
    request: pb::upgrade_resource_identity::Request,
) -> Outcome<pb::upgrade_resource_identity::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let raw = request.raw_identity.unwrap_or_default().json;
    let (Some(schema), false) = (&resource.identity_schema, raw.is_empty()) else {
        return Ok(pb::upgrade_resource_identity::Response::default());
    };
    if request.version != schema.version {
        let detail = format!(
            "The identity of this {} was written under identity schema version {}, which this provider cannot read. \
             Use the provider version that wrote it, or a later one.",
            request.type_name, request.version
        );
        return Err(Diagnostic::error("Identity of an unknown version", detail).into());
    }
    let identity = decode::stored(&raw, &schema.ty, "stored identity")?;
    let upgraded_identity = encode::identity(&identity, resource);
    Ok(pb::upgrade_resource_identity::Response { upgraded_identity, diagnostics: Vec::new() })
}

pub(super) async fn read(
    service: Service,
    request: pb::read_resource::Request,
) -> Outcome<pb::read_resource::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let request = ReadRequest {
        state: decode::object(request.current_state, &resource.schema, "stored object")?,
        private: request.private,
        cancel: service.calls.cancellation(),
    };
    let response = resource.handler.read(request).await;
    if response.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(response.diagnostics);
    }
    Ok(pb::read_resource::Response {
        new_identity: encode::identity_of(&response.state, resource),
        new_state: encode::stored(response.state, &resource.schema),
        private: response.private,
        diagnostics: encode::diagnostics(response.diagnostics),
        ..Default::default()
    })
}

pub(super) async fn plan(
    service: Service,
    request: pb::plan_resource_change::Request,
) -> Outcome<pb::plan_resource_change::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let (handler, ty) = (&*resource.handler, &resource.schema.ty);
    let changed = request.proposed_new_state != request.prior_state;
    let prior = decode::value(request.prior_state, ty, "stored object")?;
    let read = || decode::value(request.proposed_new_state, ty, "proposed object");
    let proposed = changed.then(read).transpose()?;
    let (private, cancel) = (request.prior_private, service.calls.cancellation());
    let response = if proposed.as_ref().unwrap_or(&prior).is_null() {
        let config = Value::Null;
        handler.plan_destroy(PlanRequest { prior, proposed, config, private, cancel }).await
    } else {
        let config = decode::object(request.config, &resource.schema, "configuration")?;
        handler.plan(PlanRequest { prior, proposed, config, private, cancel }).await
    };
    Ok(pb::plan_resource_change::Response {
        planned_identity: encode::identity_of(&response.planned, resource),
        planned_state: encode::stored(response.planned, &resource.schema),
        requires_replace: response.requires_replace.iter().map(encode::attribute_path).collect(),
        planned_private: response.private,
        ..response.diagnostics.into()
    })
}

pub(super) async fn apply(
    service: Service,
    request: pb::apply_resource_change::Request,
) -> Outcome<pb::apply_resource_change::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let (handler, ty) = (&*resource.handler, &resource.schema.ty);
    let request = ApplyRequest {
        prior: decode::value(request.prior_state, ty, "stored object")?,
        planned: decode::value(request.planned_state, ty, "planned object")?,
        config: decode::value(request.config, ty, "configuration")?,
        private: request.planned_private,
        cancel: service.calls.cancellation(),
    };
    let response = if request.planned.is_null() {
        handler.delete(request).await
    } else if request.prior.is_null() {
        handler.create(request).await
    } else {
        handler.update(request).await
    };
    Ok(pb::apply_resource_change::Response {
        new_identity: encode::identity_of(&response.state, resource),
        new_state: encode::stored(response.state, &resource.schema),
        private: response.private,
        ..response.diagnostics.into()
    })
}

/// Imports by identity if the host sent one, otherwise by id.
pub(super) async fn import(
    service: Service,
    request: pb::import_resource_state::Request,
) -> Outcome<pb::import_resource_state::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let handler = &*resource.handler;
    let sent = request.identity.and_then(|identity| identity.identity_data);
    let identity = match &resource.identity_schema {
        Some(schema) => decode::value(sent, &schema.ty, "identity")?,
        None => Value::Null,
    };
    let target = if identity.is_null() {
        ImportTarget::Id(request.id)
    } else {
        ImportTarget::Identity(identity)
    };
    let response = handler.import(target, service.calls.cancellation()).await?;
    let imported = pb::import_resource_state::ImportedResource {
        type_name: request.type_name,
        identity: encode::identity_of(&response.state, resource),
        state: encode::stored(response.state, &resource.schema),
        private: response.private,
    };
    Ok(pb::import_resource_state::Response {
        imported_resources: vec![imported],
        ..response.diagnostics.into()
    })
}

pub(super) async fn move_state(
    service: Service,
    request: pb::move_resource_state::Request,
) -> Outcome<pb::move_resource_state::Response> {
    let resource = service.registry().resources.get(&request.target_type_name)?;
    let request = MoveRequest {
        source_provider: request.source_provider_address,
        source_type: request.source_type_name,
        source_version: request.source_schema_version,
        source_state: decode::raw_state(request.source_state)?,
    };
    let response = resource.handler.move_from(request).await?;
    Ok(pb::move_resource_state::Response {
        target_identity: encode::identity_of(&response.state, resource),
        target_state: encode::stored(response.state, &resource.schema),
        target_private: response.private,
        ..response.diagnostics.into()
    })
}

pub(super) async fn generate_config(
    service: Service,
    request: pb::generate_resource_config::Request,
) -> Outcome<pb::generate_resource_config::Response> {
    let resource = service.registry().resources.get(&request.type_name)?;
    let state = decode::object(request.state, &resource.schema, "object")?;
    let config = encode::stored(resource.handler.generate_config(state), &resource.schema);
    Ok(pb::generate_resource_config::Response { config, diagnostics: Vec::new() })
}
