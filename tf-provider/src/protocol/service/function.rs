//! The call of a function.

use std::sync::Arc;

use super::{
    super::{decode, pb::call_function},
    Context, Outcome,
};
use crate::terraform::FunctionError;

pub(super) async fn call(
    context: Arc<Context>,
    request: call_function::Request,
) -> Outcome<call_function::Response> {
    let Some((function, signature)) = context.registry().functions.get(&*request.name) else {
        let text = format!("this provider has no function named {:?}", request.name);
        return Ok(Err(FunctionError { text, argument: None }).into());
    };
    let arguments = decode::arguments(request.arguments, signature);
    Ok(arguments.and_then(|arguments| function.call(arguments)).into())
}
