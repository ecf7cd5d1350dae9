//! The RPCs of list resources.

use tonic::Status;

use super::{
    super::{
        decode, encode,
        pb::{self, DynamicValue, list_resource::Event},
    },
    Outcome, Service,
};
use crate::terraform::{Diagnostics, ListRequest, Schema, Value};

pub(super) async fn validate(
    service: Service,
    request: pb::validate_list_resource_config::Request,
) -> Outcome<Diagnostics> {
    let list = service.registry().list_resources.get(&request.type_name)?;
    let config = config(request.config, &list.schema)?;
    Ok([list.schema.block.check(&config, false), list.handler.validate(&config)].concat())
}

/// The warnings come first: hosts read no further than the last result that they want.
pub(super) async fn list(
    service: Service,
    request: pb::list_resource::Request,
) -> Outcome<Vec<Result<Event, Status>>> {
    let list = service.registry().list_resources.get(&request.type_name)?;
    let resource = service.registry().resources.get(&request.type_name)?;
    let limit = usize::try_from(request.limit.max(0)).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let request = ListRequest {
        config: config(request.config, &list.schema)?,
        include_resource: request.include_resource_object,
        limit,
        cancel: service.calls.cancellation(),
    };
    let response = list.handler.list(request).await?;
    let warnings = response.warnings.into_iter().map(|warning| event(warning.into()));
    let found = response.found.into_iter().take(limit).map(|found| Event {
        identity: encode::identity(&found.identity, resource),
        display_name: found.display_name,
        resource_object: found.object.and_then(|it| encode::stored(it, &resource.schema)),
        diagnostic: Vec::new(),
    });
    Ok(warnings.chain(found).map(Ok).collect())
}

/// The arguments; without a `config` block, all of them are null.
fn config(raw: Option<DynamicValue>, schema: &Schema) -> Outcome<Value> {
    let config = decode::value(raw, &schema.ty, "configuration")?;
    Ok(if config.is_null() { schema.block.empty() } else { config })
}

/// An event without a result.
pub(super) fn event(diagnostics: Diagnostics) -> Event {
    Event { diagnostic: encode::diagnostics(diagnostics), ..Default::default() }
}
