//! What stands behind a verb on the command line, and how a verb fails.

use std::process::ExitCode;

use thiserror::Error;

/// Why a verb did not succeed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The command line cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// What was asked for did not work, or is not as it should be.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// 64 for a wrong command line, 1 for everything else.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(64),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

/// The arguments behind a verb, taken one by one. [`finish`](Self::finish) refuses what nobody took.
#[derive(Debug)]
pub struct Arguments {
    verb: &'static str,
    rest: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(verb: &'static str, rest: Vec<String>) -> Self {
        Self { verb, rest }
    }

    /// Whether the flag is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() < before
    }

    /// The word behind an option, or behind its `=`.
    ///
    /// # Errors
    /// There is none.
    pub fn value(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let Some(at) = self.rest.iter().position(|argument| {
            argument
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        }) else {
            return Ok(None);
        };
        let option = self.rest.remove(at);
        if let Some((_, value)) = option.split_once('=') {
            return Ok(Some(value.to_owned()));
        }
        if at < self.rest.len() && !self.rest[at].starts_with("--") {
            return Ok(Some(self.rest.remove(at)));
        }
        Err(self.usage(&format!("{name} needs a value")))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Something was not taken.
    pub fn finish(self) -> Result<(), Failure> {
        match self.rest.first() {
            Some(argument) => Err(self.usage(&format!("{argument} is not an option"))),
            None => Ok(()),
        }
    }

    /// A failure that says how to learn more.
    pub fn usage(&self, problem: &str) -> Failure {
        Failure::Usage(format!(
            "{problem}; cargo xtask {} --help says more",
            self.verb
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        Arguments::new("verb", line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn flags_and_values_are_taken_in_any_order() {
        let mut given = arguments("--keep --cli /bin/tofu --size=3");
        assert_eq!(given.value("--size").unwrap().as_deref(), Some("3"));
        assert_eq!(given.value("--cli").unwrap().as_deref(), Some("/bin/tofu"));
        assert!(given.flag("--keep") && !given.flag("--keep"));
        assert!(given.finish().is_ok());
    }

    #[test]
    fn a_missing_value_and_a_left_over_are_usage_errors() {
        for line in ["--cli", "--cli --keep"] {
            assert!(
                matches!(arguments(line).value("--cli"), Err(Failure::Usage(_))),
                "{line}"
            );
        }
        assert!(matches!(
            arguments("--what").finish(),
            Err(Failure::Usage(_))
        ));
    }
}
