//! Which credentials are used: all from the provider block or all from the environment, never a mixture.

use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Diagnostics, Value};

use super::{
    arguments::{Problems, non_empty},
    config::{Environment, first_variable},
};
use crate::atlas::Credentials;

/// The values of [`ARGUMENTS`] in one source. `None` if not set.
#[derive(Default)]
pub(super) struct Inputs([Option<SecretString>; 5]);

/// The credential arguments, each with its environment variables, first match first.
#[rustfmt::skip] // an argument a line
const ARGUMENTS: [(&str, &[&str]); 5] = [
    ("access_token", &["MONGODB_ATLAS_ACCESS_TOKEN"]),
    ("client_id", &["MONGODB_ATLAS_CLIENT_ID"]),
    ("client_secret", &["MONGODB_ATLAS_CLIENT_SECRET"]),
    ("public_key", &["MONGODB_ATLAS_PUBLIC_API_KEY", "MONGODB_ATLAS_PUBLIC_KEY", "MCLI_PUBLIC_API_KEY"]),
    ("private_key", &["MONGODB_ATLAS_PRIVATE_API_KEY", "MONGODB_ATLAS_PRIVATE_KEY", "MCLI_PRIVATE_API_KEY"]),
];

/// Places in [`ARGUMENTS`] that are only usable together.
const PAIRS: [[usize; 2]; 2] = [[1, 2], [3, 4]];

impl Inputs {
    /// Reads the provider block. An unknown argument counts as not set; unusable values and incomplete pairs are errors.
    pub(super) fn from_block(block: &Value) -> Result<Self, Diagnostics> {
        let mut problems = Problems::default();
        let inputs = ARGUMENTS.map(|(argument, _)| {
            let given = non_empty(block, argument)?;
            let usable = usable(argument, argument, given);
            problems.take(usable.map_err(|problem| problem.at(argument)))
        });
        let is_set = ARGUMENTS.map(|(argument, _)| {
            block.get(argument).is_unknown() || non_empty(block, argument).is_some()
        });
        for [given, missing] in incomplete_pairs(is_set) {
            let (given, missing) = (ARGUMENTS[given].0, ARGUMENTS[missing].0);
            problems.0.push(incomplete(given, missing).at(given));
        }
        problems.finish(Self(inputs))
    }

    /// The credentials of the environment. An incomplete pair is an error, or a warning if others are complete.
    pub(super) fn from_environment(environment: &Environment) -> Result<Selected, Diagnostic> {
        let mut inputs = Self::default();
        // The variable that is set, or the one to set.
        let mut names = ARGUMENTS.map(|(_, variables)| variables[0]);
        for (place, (argument, variables)) in ARGUMENTS.into_iter().enumerate() {
            if let Some((variable, text)) = first_variable(environment, variables)? {
                let name = format!("The environment variable {variable}");
                inputs.0[place] = Some(usable(argument, &name, &text)?);
                names[place] = variable;
            }
        }
        let incomplete = incomplete_pairs(inputs.0.each_ref().map(Option::is_some))
            .map(|[given, missing]| incomplete(names[given], names[missing]));
        let (credentials, several) = inputs.into_credentials();
        if credentials.is_none() {
            return incomplete.into_iter().next().map_or(Ok((None, several)), Err);
        }
        // Variables are often left over from other tools.
        let warnings = incomplete.map(|problem| {
            let note =
                " Other credentials in the environment are complete, so this one is ignored.";
            Diagnostic::warning(problem.summary, problem.detail + note)
        });
        let warnings = warnings.chain(several).collect();
        Ok((credentials, warnings))
    }

    /// The first complete credentials: access token, service account, API key. A warning names those that are ignored.
    pub(super) fn into_credentials(self) -> Selected {
        let [token, client_id, client_secret, public_key, private_key] = self.0;
        let text = |value: SecretString| value.expose_secret().to_owned();
        let account = client_id.zip(client_secret).map(|(client_id, client_secret)| {
            Credentials::ServiceAccount { client_id: text(client_id), client_secret }
        });
        let key = public_key.zip(private_key).map(|(public_key, private_key)| {
            Credentials::ApiKey { public_key: text(public_key), private_key }
        });
        let kinds = [
            ("access token", token.map(Credentials::Token)),
            ("service account", account),
            ("API key", key),
        ];
        let mut complete = kinds.into_iter().filter(|(_, credentials)| credentials.is_some());
        let Some((used, credentials)) = complete.next() else {
            return (None, Diagnostics::new());
        };
        let ignored: Vec<_> = complete.map(|(kind, _)| kind).collect();
        let detail = format!(
            "The {used} is used; the {} is ignored. Remove the credentials that are not needed.",
            ignored.join(" and the ")
        );
        let warning = Diagnostic::warning("More than one set of credentials", detail);
        let warning = Some(warning).filter(|_| !ignored.is_empty());
        (credentials, warning.into_iter().collect())
    }
}

/// The credentials to use, if any set is complete, and warnings.
pub(super) type Selected = (Option<Credentials>, Diagnostics);

pub(super) fn is_argument(name: &str) -> bool {
    ARGUMENTS.iter().any(|(argument, _)| *argument == name)
}

pub(super) fn missing_credentials() -> Diagnostic {
    let detail = "Set one of these in the provider block, or as environment variables:\n\
         \x20 - a service account: client_id and client_secret (MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET)\n\
         \x20 - an API key: public_key and private_key (MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY)\n\
         \x20 - an access token: access_token (MONGODB_ATLAS_ACCESS_TOKEN)";
    Diagnostic::error("No Atlas credentials", detail)
}

/// The places of pairs of which only the first returned one is set.
fn incomplete_pairs(is_set: [bool; 5]) -> impl Iterator<Item = [usize; 2]> {
    let pairs = PAIRS.into_iter().flat_map(|[one, other]| [[one, other], [other, one]]);
    pairs.filter(move |[given, missing]| is_set[*given] && !is_set[*missing])
}

fn incomplete(given: &str, missing: &str) -> Diagnostic {
    let detail = format!("{given} is set but {missing} is missing. Set both.");
    Diagnostic::error("Incomplete credentials", detail)
}

/// Takes a credential that consists of visible ASCII characters. `name` is where it was set.
fn usable(argument: &str, name: &str, text: &str) -> Result<SecretString, Diagnostic> {
    let is_quote = |c| matches!(c, '"' | '\'' | '`');
    let has_prefix = |prefix: &str| {
        let start = text.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let problem = if argument == "public_key" && has_prefix("mdb_sa_id_") {
        let detail = format!(
            "{name} is the id of a service account (mdb_sa_id_...). Set it as client_id, and its secret as client_secret."
        );
        return Err(Diagnostic::error("Service account given as an API key", detail));
    } else if argument == "access_token" && has_prefix("Bearer ") {
        "starts with \"Bearer\". Remove that prefix: the provider adds it to each request."
    } else if text.starts_with(is_quote) || text.ends_with(is_quote) {
        "starts or ends with a quotation mark. Remove quotation marks around the value."
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        "contains a space, a line break or a character outside ASCII. Credentials do not have any: copy the value again."
    } else {
        return Ok(text.into());
    };
    Err(Diagnostic::error("Invalid credentials", format!("{name} {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{
        client::State,
        config,
        testing::{block, environment},
    };

    /// The credentials or the first error, and the number of warnings.
    fn resolved(
        arguments: &[(&'static str, Value)],
        variables: &[(&str, &str)],
    ) -> (String, usize) {
        let (block, environment) = (block(arguments), environment(variables));
        let found = config::resolve(&block, &environment, String::new(), |config, _| Ok(config));
        let (resolved, warnings) = match found {
            Ok((resolved, warnings)) => (resolved, warnings.len()),
            Err(problems) => return (problems.first().unwrap().detail.clone(), 0),
        };
        let text = match resolved {
            State::Deferred(argument) => format!("unknown {argument}"),
            State::MissingCredentials(error) => error.summary,
            State::Unconfigured => panic!("it is configured"),
            State::Ready(config) => match config.credentials {
                Credentials::Token(token) => format!("token {}", token.expose_secret()),
                Credentials::ServiceAccount { client_id, client_secret } => {
                    format!("account {client_id}:{}", client_secret.expose_secret())
                }
                Credentials::ApiKey { public_key, private_key } => {
                    format!("key {public_key}:{}", private_key.expose_secret())
                }
            },
        };
        (text, warnings)
    }

    #[test]
    fn all_credentials_come_from_the_first_source_that_has_a_complete_set() {
        let key = [("public_key", "p".into()), ("private_key", "s".into())];
        let account = [("MONGODB_ATLAS_CLIENT_ID", "c"), ("MONGODB_ATLAS_CLIENT_SECRET", "s")];
        assert_eq!(resolved(&key, &account), ("key p:s".into(), 0));
        assert_eq!(resolved(&[], &account), ("account c:s".into(), 0));
        assert_eq!(resolved(&[("access_token", "".into())], &account), ("account c:s".into(), 0));
        assert_eq!(resolved(&[], &[]), ("No Atlas credentials".into(), 0));
    }

    #[test]
    fn environment_variables_are_read_in_the_order_of_the_official_provider() {
        let variables = [
            ("MCLI_PUBLIC_API_KEY", "3"),
            ("MONGODB_ATLAS_PUBLIC_KEY", "2"),
            ("MONGODB_ATLAS_PUBLIC_API_KEY", "1"),
            ("MCLI_PRIVATE_API_KEY", "s"),
        ];
        assert_eq!(resolved(&[], &variables).0, "key 1:s");
        assert_eq!(resolved(&[], &[variables[1], variables[3]]).0, "key 2:s");
    }

    #[test]
    fn a_second_complete_set_gives_a_warning() {
        let both = [
            ("access_token", "t".into()),
            ("client_id", "c".into()),
            ("client_secret", "s".into()),
        ];
        assert_eq!(resolved(&both, &[]), ("token t".into(), 1));
        let variables = [("MONGODB_ATLAS_ACCESS_TOKEN", "t"), ("MONGODB_ATLAS_CLIENT_ID", "c")];
        assert_eq!(
            resolved(&[], &variables),
            ("token t".into(), 1),
            "an incomplete pair beside it"
        );
    }

    #[test]
    fn an_incomplete_pair_is_an_error_that_names_the_missing_half() {
        let details = |arguments: &[(&'static str, Value)]| -> Vec<String> {
            config::validate(&block(arguments)).into_iter().map(|problem| problem.detail).collect()
        };
        assert_eq!(
            details(&[("client_secret", "s".into()), ("public_key", Value::Unknown)]),
            [
                "client_secret is set but client_id is missing. Set both.",
                "public_key is set but private_key is missing. Set both."
            ]
        );
        assert_eq!(
            resolved(&[], &[("MONGODB_ATLAS_PUBLIC_KEY", "p")]).0,
            "MONGODB_ATLAS_PUBLIC_KEY is set but MONGODB_ATLAS_PRIVATE_API_KEY is missing. Set both."
        );
    }

    #[test]
    fn white_space_around_a_credential_is_removed() {
        let block = [("client_id", " c\t".into()), ("client_secret", "\r\ns\n".into())];
        assert_eq!(resolved(&block, &[]).0, "account c:s");
        let variables =
            [("MONGODB_ATLAS_CLIENT_ID", "c\n"), ("MONGODB_ATLAS_CLIENT_SECRET", "s\r\n")];
        assert_eq!(resolved(&[], &variables).0, "account c:s");
        assert_eq!(
            resolved(&[], &[("MONGODB_ATLAS_ACCESS_TOKEN", " \n")]).0,
            "No Atlas credentials"
        );
    }

    #[test]
    fn a_credential_that_cannot_be_used_is_an_error_that_names_it_and_hides_it() {
        for (value, says) in [
            ("\"hidden\"", "quotation mark"),
            ("'hidden", "quotation mark"),
            ("hid den", "a space"),
            ("hid\nden", "line break"),
            ("hid\u{e9}n", "outside ASCII"),
            ("Bearer hidden", "starts with \"Bearer\""),
        ] {
            let problems = config::validate(&block(&[("access_token", value.into())]));
            let problem = problems.first().unwrap();
            assert_eq!(problem.path, Some("access_token".into()));
            assert!(
                problem.detail.contains(says) && !problem.detail.contains("hid"),
                "{problem:?}"
            );
            let (detail, _) = resolved(&[], &[("MONGODB_ATLAS_ACCESS_TOKEN", value)]);
            assert!(
                detail.contains("MONGODB_ATLAS_ACCESS_TOKEN") && detail.contains(says),
                "{detail}"
            );
            let (ignored, _) =
                resolved(&[("access_token", "t".into())], &[("MONGODB_ATLAS_ACCESS_TOKEN", value)]);
            assert_eq!(ignored, "token t");
        }
        let (detail, _) =
            resolved(&[], &[("MCLI_PUBLIC_API_KEY", "mdb_sa_id_1"), ("MCLI_PRIVATE_API_KEY", "s")]);
        assert!(detail.contains("MCLI_PUBLIC_API_KEY") && detail.contains("client_id"), "{detail}");
    }

    #[test]
    fn unknown_credentials_defer_the_client_unless_the_access_token_is_known() {
        let unknown = [("client_secret", Value::Unknown), ("client_id", "c".into())];
        assert_eq!(resolved(&unknown, &[]).0, "unknown client_secret");
        let [secret, id] = unknown;
        assert_eq!(resolved(&[secret, id, ("access_token", "t".into())], &[]).0, "token t");
    }
}
