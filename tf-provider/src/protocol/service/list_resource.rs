//! The RPCs of list resources.

use std::{ops::ControlFlow, sync::Arc};

use tonic::async_trait;

use super::{
    super::{
        calls::Responses,
        decode, encode,
        pb::{
            DynamicValue,
            list_resource::{Event, Request},
            validate_list_resource_config,
        },
        schemas::{Registered, TypedSchema},
    },
    Context, Outcome,
};
use crate::terraform::{Diagnostics, ListEvent, ListRequest, ListResults, Resource, Value};

pub(super) async fn validate(
    context: Arc<Context>,
    request: validate_list_resource_config::Request,
) -> Outcome<validate_list_resource_config::Response> {
    let list = context.registry().list_resources.get(&request.type_name)?;
    let config = config(request.config, &list.schema)?;
    let mut diagnostics = list.schema.block.check(&config, false);
    diagnostics.extend(list.handler.validate(&config));
    Ok(diagnostics.into())
}

pub(super) async fn list(
    context: Arc<Context>,
    request: Request,
    events: Responses<Event>,
) -> Outcome<()> {
    let list = context.registry().list_resources.get(&request.type_name)?;
    let resource = context.registry().resources.get(&request.type_name)?;
    let limit = usize::try_from(request.limit.max(0)).unwrap_or(usize::MAX);
    let mut results = Results { resource, remaining: limit, events };
    if limit == 0 {
        return Ok(());
    }
    let request = ListRequest {
        config: config(request.config, &list.schema)?,
        include_resource: request.include_resource_object,
        limit,
        cancel: context.calls.cancellation(),
    };
    let outcome = list.handler.list(request, &mut results).await;
    // An error event discards all results: once the limit is reached, they are complete.
    if results.remaining == 0 { Ok(()) } else { outcome }
}

/// The arguments; without a `config` block, all of them are null.
fn config(raw: Option<DynamicValue>, schema: &TypedSchema) -> Outcome<Value> {
    let config = decode::value(raw, &schema.ty, "configuration")?;
    Ok(if config.is_null() { schema.block.empty() } else { config })
}

/// Encodes events for the host, up to the limit.
struct Results<'a> {
    resource: &'a Registered<dyn Resource>,
    remaining: usize,
    events: Responses<Event>,
}

#[async_trait]
impl ListResults for Results<'_> {
    async fn send(&mut self, event: ListEvent) -> ControlFlow<()> {
        if self.remaining == 0 {
            return ControlFlow::Break(());
        }
        let event = match event {
            ListEvent::Found(found) => {
                self.remaining -= 1;
                Event {
                    identity: encode::identity(&found.identity, &*self.resource.handler),
                    display_name: found.display_name,
                    resource_object: found
                        .object
                        .and_then(|object| encode::stored(object, &self.resource.schema)),
                    diagnostic: Vec::new(),
                }
            }
            ListEvent::Warning(warning) => Event::from(Diagnostics::from(warning)),
        };
        let delivered = self.events.send(Ok(event)).await.is_ok();
        if delivered && self.remaining > 0 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}
