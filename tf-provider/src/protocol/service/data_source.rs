//! The RPCs of data sources.

use std::sync::Arc;

use super::{
    super::{
        decode, encode,
        pb::{read_data_source, validate_data_source_config},
    },
    Context, Outcome, check,
};
use crate::terraform::ReadDataRequest;

pub(super) async fn validate(
    context: Arc<Context>,
    request: validate_data_source_config::Request,
) -> Outcome<validate_data_source_config::Response> {
    let source = context.registry().data_sources.get(&request.type_name)?;
    let validate = |config| source.handler.validate(&config);
    Ok(check(request.config, &source.schema, false, validate)?.into())
}

pub(super) async fn read(
    context: Arc<Context>,
    request: read_data_source::Request,
) -> Outcome<read_data_source::Response> {
    let source = context.registry().data_sources.get(&request.type_name)?;
    let request = ReadDataRequest {
        config: decode::object(request.config, &source.schema, "configuration")?,
        cancel: context.calls.cancellation(),
    };
    let response = source.handler.read(request).await;
    Ok(read_data_source::Response {
        state: encode::value(&response.state),
        diagnostics: response.diagnostics.into(),
        deferred: None,
    })
}
