//! The RPCs of list resources.

use std::sync::Arc;

use tonic::Status;

use super::{
    super::{
        decode, encode,
        pb::{self, DynamicValue, list_resource::Event},
    },
    Context, Outcome,
};
use crate::terraform::{Diagnostics, ListRequest, Schema, Value};

pub(super) async fn validate(
    context: Arc<Context>,
    request: pb::validate_list_resource_config::Request,
) -> Outcome<pb::validate_list_resource_config::Response> {
    let list = context.registry().list_resources.get(&request.type_name)?;
    let config = config(request.config, &list.schema)?;
    Ok([list.schema.block.check(&config, false), list.handler.validate(&config)].concat().into())
}

/// The warnings come first: hosts read no further than the last result that they want.
pub(super) async fn list(
    context: Arc<Context>,
    request: pb::list_resource::Request,
) -> Outcome<Events> {
    let list = context.registry().list_resources.get(&request.type_name)?;
    let resource = context.registry().resources.get(&request.type_name)?;
    let limit = usize::try_from(request.limit.max(0)).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Events(Vec::new()));
    }
    let request = ListRequest {
        config: config(request.config, &list.schema)?,
        include_resource: request.include_resource_object,
        limit,
        cancel: context.calls.cancellation(),
    };
    let response = list.handler.list(request).await?;
    let warnings = response.warnings.into_iter().map(|warning| event(warning.into()));
    let found = response.found.into_iter().take(limit).map(|found| Event {
        identity: encode::identity(&found.identity, resource),
        display_name: found.display_name,
        resource_object: found.object.and_then(|it| encode::stored(it, &resource.schema)),
        diagnostic: Vec::new(),
    });
    Ok(Events(warnings.chain(found).map(Ok).collect()))
}

/// The arguments; without a `config` block, all of them are null.
fn config(raw: Option<DynamicValue>, schema: &Schema) -> Outcome<Value> {
    let config = decode::value(raw, &schema.ty, "configuration")?;
    Ok(if config.is_null() { schema.block.empty() } else { config })
}

/// The messages of a stream.
pub(super) struct Events(pub(super) Vec<Result<Event, Status>>);

impl From<Diagnostics> for Events {
    fn from(diagnostics: Diagnostics) -> Self {
        Self(vec![Ok(event(diagnostics))])
    }
}

/// An event without a result.
fn event(diagnostics: Diagnostics) -> Event {
    Event { diagnostic: encode::diagnostics(diagnostics), ..Default::default() }
}
