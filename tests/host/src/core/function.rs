//! Functions, which must be pure.

use std::sync::PoisonError;

use thiserror::Error;

use super::{Core, Error, Host};
use crate::convert;
use crate::pb::tfplugin5 as pb;
use crate::schema::Parameter;
use crate::ty::Type;
use crate::value::Value;
use crate::violation::{Problem, Violation};
use crate::wire;

/// A function's own error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text} (argument {argument:?})")]
pub struct FunctionError {
    /// What the user reads.
    pub text: String,
    /// The zero-based position of the argument to blame.
    pub argument: Option<usize>,
}

impl Core {
    /// Calls a function as core would: arguments converted, nulls and unknowns kept away from
    /// parameters that do not take them, the result checked and compared with every earlier one.
    ///
    /// # Panics
    /// If core would refuse the call: a wrong number of arguments, or a null where none is allowed.
    pub async fn call(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = Value>,
    ) -> Result<Result<Value, FunctionError>, Error> {
        const RPC: &str = "CallFunction";
        let function = self
            .schema
            .functions
            .get(name)
            .ok_or_else(|| Error::NoSuch {
                kind: "function",
                name: name.to_owned(),
            })?;
        let arguments: Vec<_> = arguments.into_iter().collect();
        let parameters: Vec<_> = function
            .parameters
            .iter()
            .chain(function.variadic.iter().cycle())
            .take(arguments.len().max(function.parameters.len()))
            .collect();
        assert_eq!(
            parameters.len(),
            arguments.len(),
            "number of arguments of {name}"
        );
        let mut converted = Vec::new();
        for (parameter, argument) in parameters.iter().zip(arguments) {
            assert!(
                parameter.allow_null || !argument.is_null(),
                "null for {}",
                parameter.name
            );
            if !parameter.allow_unknown && !argument.is_wholly_known() {
                return Ok(Ok(Value::Unknown));
            }
            converted.push(convert::value(argument, &parameter.ty)?);
        }
        let encoded = parameters
            .iter()
            .zip(&converted)
            .map(|(parameter, argument)| self.encode_argument(argument, parameter))
            .collect();
        let request = pb::call_function::Request {
            name: name.to_owned(),
            arguments: encoded,
        };
        let response = self.provider.call_function(request).await?;
        let violation = |problem| Violation {
            rpc: RPC,
            subject: name.to_owned(),
            summary: "Provider function broke its contract".into(),
            problems: vec![problem],
        };
        let whole = |message: String| violation(Problem::new(&crate::path::Path::root(), message));
        if let Some(error) = response.error {
            let argument = error.function_argument.map(usize::try_from).transpose();
            let argument = argument
                .ok()
                .flatten()
                .filter(|position| *position < converted.len());
            if argument.is_none() && error.function_argument.is_some() {
                let position = error.function_argument;
                return Err(whole(format!("error blames argument {position:?}")).into());
            }
            return Ok(Err(FunctionError {
                text: error.text,
                argument,
            }));
        }
        let result = wire::decode(response.result.as_ref(), &function.returns)
            .map_err(|error| violation(Problem::new(&error.path, error.problem)))?;
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = results
            .entry((name.to_owned(), converted))
            .or_insert_with(|| result.clone());
        if *earlier != result {
            let message = "provider function returned an inconsistent result";
            return Err(whole(format!("{message}: {earlier}, then {result}")).into());
        }
        Ok(Ok(result))
    }

    fn encode_argument(&self, argument: &Value, parameter: &Parameter) -> pb::DynamicValue {
        let ty: &Type = &parameter.ty;
        if argument.is_null() && self.settings.host == Host::OpenTofu {
            return pb::DynamicValue::default();
        }
        wire::encode(argument, ty)
    }
}
