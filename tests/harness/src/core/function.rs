//! Function calls.

use std::sync::PoisonError;

use serde_json::Value as Json;

use super::{Core, Error, rpc};
use crate::{
    pb::tfplugin5 as pb,
    value::{Type, convert, decode, encode, is_wholly_known, unknown},
};

impl Core {
    /// Calls a function as core does: arguments are converted, an unknown is not sent to a parameter that does not take
    /// it, and the result is compared with that of each earlier call.
    ///
    /// # Panics
    /// If core would refuse the call: no such function, a wrong number of arguments, or a null where none is allowed.
    pub async fn call(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = Json>,
    ) -> Result<Result<Json, pb::FunctionError>, Error> {
        let violation = |summary: &str, message: String| {
            Err(Error::violation("call_function", name, summary, message))
        };
        let function = &self.schema.functions[name];
        let arguments: Vec<_> = arguments.into_iter().collect();
        let (mut encoded, mut key) = (Vec::new(), name.to_owned());
        assert_eq!(arguments.len(), function.parameters.len(), "number of arguments of {name}");
        for (argument, parameter) in arguments.iter().zip(&function.parameters) {
            let named = &parameter.name;
            assert!(parameter.allow_null_value || !argument.is_null(), "null for {named}");
            if !parameter.allow_unknown_values && !is_wholly_known(argument) {
                return Ok(Ok(unknown()));
            }
            let ty = Type::parse(&parameter.r#type);
            let argument = convert(argument.clone(), &ty)?;
            let empty = argument.is_null() && self.settings.is_opentofu;
            encoded.push(if empty { pb::DynamicValue::default() } else { encode(&argument, &ty) });
            key = format!("{key} {argument}");
        }
        let request = pb::call_function::Request { name: name.to_owned(), arguments: encoded };
        let response = rpc!(self, call_function, request);
        if let Some(error) = response.error {
            let position = error.function_argument.map(usize::try_from);
            return match position {
                Some(Ok(position)) if position < arguments.len() => Ok(Err(error)),
                None => Ok(Err(error)),
                _ => violation("Invalid function error", error.text),
            };
        }
        let returns = function.r#return.clone().unwrap_or_default();
        let result = match decode(response.result.as_ref(), &Type::parse(&returns.r#type)) {
            Ok(result) => result,
            Err(problem) => return violation("Invalid function result", problem.to_string()),
        };
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = results.entry(key).or_insert_with(|| result.clone());
        if *earlier != result {
            let message = format!("{earlier}, then {result}");
            return violation("Provider function returned an inconsistent result", message);
        }
        Ok(Ok(result))
    }
}
