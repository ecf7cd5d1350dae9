//! The provider's functions. Pure; they work without a configured provider.
//!
//! Errors name the argument and never repeat it, because it may contain a private key or a password.

mod parse_certificate;
mod split_pem;
mod x509_uri;

use std::sync::Arc;

use tf_provider::{Function, FunctionError, Parameter, Signature, Type, Value};

use self::{parse_certificate::PARSE_CERTIFICATE, split_pem::SPLIT_PEM, x509_uri::X509_URI};

pub(crate) fn all() -> Vec<Arc<dyn Function>> {
    vec![Arc::new(PARSE_CERTIFICATE), Arc::new(SPLIT_PEM), Arc::new(X509_URI)]
}

/// A function of one text.
struct TextFunction {
    name: &'static str,
    /// The name of the parameter, and its description.
    parameter: (&'static str, &'static str),
    allows_null: bool,
    returns: fn() -> Type,
    summary: &'static str,
    description: &'static str,
    /// Computes the result from the text, which is `None` for null. The error is the problem of the text.
    call: fn(Option<&str>) -> Result<Value, String>,
}

impl Function for TextFunction {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> Signature {
        let (name, description) = self.parameter;
        let parameter = Parameter {
            name,
            ty: Type::String,
            allow_null: self.allows_null,
            allow_unknown: false,
            description,
        };
        Signature {
            parameters: vec![parameter],
            returns: (self.returns)(),
            summary: self.summary,
            description: self.description,
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let text = arguments.first().and_then(Value::as_str);
        (self.call)(text).map_err(|problem| FunctionError::at(0, problem))
    }
}
