use super::{Type, Value};

/// A pure function: the same arguments give the same result in every process.
pub trait Function: Send + Sync + 'static {
    /// The name users write behind `provider::NAME::`.
    fn name(&self) -> &'static str;

    /// Parameters, result and description.
    fn signature(&self) -> Signature;

    /// Computes the result. Arguments are of their parameters' types; variadic ones simply follow.
    ///
    /// # Errors
    /// What is wrong, at the argument to blame.
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

/// What a function takes and gives.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// The parameter that takes all further arguments.
    pub variadic: Option<Parameter>,
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
    /// Whether null reaches the function; otherwise the host refuses it.
    pub allow_null: bool,
    /// Whether unknowns reach the function; otherwise the result is unknown without a call.
    pub allow_unknown: bool,
    /// Markdown for the docs.
    pub description: &'static str,
}

/// Why a function gives no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong. Never a part of the argument.
    pub text: String,
    /// The position of the argument to blame, from zero.
    pub argument: Option<u32>,
}

impl FunctionError {
    /// An error at one argument.
    pub fn at(argument: u32, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: Some(argument),
        }
    }
}
