//! Provider functions.

use super::{Type, Value};

/// A pure function: the same arguments give the same result in every process. It is not called for unknown arguments: the
/// result is unknown then.
pub trait Function: Send + Sync + 'static {
    /// The name after `provider::NAME::`.
    fn name(&self) -> &'static str;

    /// The signature.
    fn signature(&self) -> Signature;

    /// Computes the result from arguments of the parameters' types.
    ///
    /// # Errors
    /// An invalid argument, with its position.
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

/// The signature of a function.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// One sentence.
    pub summary: &'static str,
    /// Markdown for the docs.
    pub description: &'static str,
}

/// One parameter of a function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The name, a plain identifier.
    pub name: &'static str,
    /// The type that arguments are converted to.
    pub ty: Type,
    /// Whether null is passed to the function; otherwise the host rejects it.
    pub allow_null: bool,
    /// Markdown for the docs.
    pub description: &'static str,
}

/// The failure of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong, without any part of the argument.
    pub text: String,
    /// The position of the argument at fault, from zero.
    pub argument: Option<u32>,
}

impl FunctionError {
    /// An error at one argument.
    pub fn at(argument: u32, text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: Some(argument) }
    }
}
