//! Which login is used: whole from the block or whole from the environment, never mixed.

use secrecy::SecretString;
use tf_provider::{Diagnostic, Diagnostics, Path, Severity, Value};

use super::config::Environment;
use crate::atlas::Credentials;

/// The login, or the argument it waits for.
pub(super) enum Pick {
    Unknown(&'static str),
    /// No login anywhere, and what to do about it.
    Nothing(Diagnostic),
    Credentials(Credentials),
}

/// Checks the login arguments that are written.
pub(super) fn validate(block: &Value) -> Diagnostics {
    let mut found: Diagnostics = PAIRS
        .iter()
        .filter_map(|pair| pair.half_in_block(block))
        .collect();
    if let Some(public_key) = block.get("public_key").as_str()
        && public_key.starts_with(SERVICE_ACCOUNT)
    {
        found.push(service_account_as_key("public_key").at(Path::attribute("public_key")));
    }
    found
}

/// Picks the login. More than one complete kind in the source that wins is told as a warning.
///
/// # Errors
/// Half a pair in the environment, and nothing complete beside it.
pub(super) fn pick(
    block: &Value,
    environment: Environment<'_>,
    told: &mut Diagnostics,
) -> Result<Pick, Diagnostic> {
    if let Some(token) = text(block, "access_token") {
        warn_of_others(&kinds_in_block(block), told);
        return Ok(Pick::Credentials(Credentials::Token(token.into())));
    }
    let arguments = [
        "access_token",
        "client_id",
        "client_secret",
        "public_key",
        "private_key",
    ];
    if let Some(unknown) = arguments
        .into_iter()
        .find(|name| block.get(name).is_unknown())
    {
        return Ok(Pick::Unknown(unknown));
    }
    let source = |name: &'static str| text(block, name);
    if let Some(login) = first(&source) {
        warn_of_others(&kinds_in_block(block), told);
        return Ok(Pick::Credentials(login));
    }
    from_environment(environment, told)
}

const SERVICE_ACCOUNT: &str = "mdb_sa_id_";

struct Pair {
    names: [&'static str; 2],
    variables: [&'static [&'static str]; 2],
}

const PAIRS: [Pair; 2] = [
    Pair {
        names: ["client_id", "client_secret"],
        variables: [
            &["MONGODB_ATLAS_CLIENT_ID"],
            &["MONGODB_ATLAS_CLIENT_SECRET"],
        ],
    },
    Pair {
        names: ["public_key", "private_key"],
        variables: [
            &[
                "MONGODB_ATLAS_PUBLIC_API_KEY",
                "MONGODB_ATLAS_PUBLIC_KEY",
                "MCLI_PUBLIC_API_KEY",
            ],
            &[
                "MONGODB_ATLAS_PRIVATE_API_KEY",
                "MONGODB_ATLAS_PRIVATE_KEY",
                "MCLI_PRIVATE_API_KEY",
            ],
        ],
    },
];

const TOKEN: &str = "MONGODB_ATLAS_ACCESS_TOKEN";

impl Pair {
    fn half_in_block(&self, block: &Value) -> Option<Diagnostic> {
        let set = self
            .names
            .map(|name| block.get(name).is_unknown() || text(block, name).is_some());
        let (given, missing) = match set {
            [true, false] => (self.names[0], self.names[1]),
            [false, true] => (self.names[1], self.names[0]),
            _ => return None,
        };
        Some(half(given, missing, missing).at(Path::attribute(given)))
    }

    fn half_in_environment(&self, environment: Environment<'_>) -> Option<Diagnostic> {
        let set = self.variables.map(|names| {
            names
                .iter()
                .find(|name| lookup(environment, name).is_some())
        });
        match set {
            [Some(given), None] => Some(half(given, self.names[1], self.variables[1][0])),
            [None, Some(given)] => Some(half(given, self.names[0], self.variables[0][0])),
            _ => None,
        }
    }
}

fn from_environment(
    environment: Environment<'_>,
    told: &mut Diagnostics,
) -> Result<Pick, Diagnostic> {
    let source = |name: &'static str| match name {
        "access_token" => lookup(environment, TOKEN),
        _ => PAIRS.iter().find_map(|pair| {
            let at = pair.names.iter().position(|known| *known == name)?;
            pair.variables[at]
                .iter()
                .find_map(|variable| lookup(environment, variable))
        }),
    };
    let half = PAIRS
        .iter()
        .find_map(|pair| pair.half_in_environment(environment));
    let Some(login) = first(&source) else {
        return half.map_or_else(|| Ok(Pick::Nothing(none())), Err);
    };
    if let Credentials::ApiKey { public_key, .. } = &login
        && public_key.starts_with(SERVICE_ACCOUNT)
    {
        return Err(service_account_as_key("The environment's public key"));
    }
    warn_of_others(&kinds(&source), told);
    if let Some(half) = half {
        // Variables are often left over from other tools.
        told.push(Diagnostic {
            severity: Severity::Warning,
            detail: format!("{} The complete login beside it is used.", half.detail),
            ..half
        });
    }
    Ok(Pick::Credentials(login))
}

/// The first complete kind of a source.
fn first(source: &dyn Fn(&'static str) -> Option<String>) -> Option<Credentials> {
    if let Some(token) = source("access_token") {
        return Some(Credentials::Token(token.into()));
    }
    if let (Some(client_id), Some(secret)) = (source("client_id"), source("client_secret")) {
        return Some(Credentials::ServiceAccount {
            client_id,
            client_secret: SecretString::from(secret),
        });
    }
    match (source("public_key"), source("private_key")) {
        (Some(public_key), Some(secret)) => Some(Credentials::ApiKey {
            public_key,
            private_key: SecretString::from(secret),
        }),
        _ => None,
    }
}

fn kinds_in_block(block: &Value) -> Vec<&'static str> {
    kinds(&|name| text(block, name))
}

fn kinds(source: &dyn Fn(&'static str) -> Option<String>) -> Vec<&'static str> {
    let complete = |names: &[&'static str]| names.iter().all(|name| source(name).is_some());
    [
        ("access token", &["access_token"][..]),
        ("service account", &["client_id", "client_secret"][..]),
        ("API key", &["public_key", "private_key"][..]),
    ]
    .into_iter()
    .filter(|(_, names)| complete(names))
    .map(|(kind, _)| kind)
    .collect()
}

fn warn_of_others(kinds: &[&'static str], told: &mut Diagnostics) {
    if let [used, others @ ..] = kinds
        && !others.is_empty()
    {
        told.push(Diagnostic::warning(
            "More than one login",
            format!(
                "The {used} is used; the {} beside it is ignored. Remove what is not needed.",
                others.join(" and the ")
            ),
        ));
    }
}

fn text(block: &Value, name: &str) -> Option<String> {
    super::config::given(block, name).map(str::to_owned)
}

fn lookup(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.is_empty())
}

fn half(given: &str, missing: &str, where_to: &str) -> Diagnostic {
    let also = if missing == where_to {
        String::new()
    } else {
        format!(" (set {where_to})")
    };
    Diagnostic::error(
        "Half a login",
        format!("{given} is set and {missing} is not{also}. They belong together."),
    )
}

fn service_account_as_key(what: &str) -> Diagnostic {
    Diagnostic::error(
        "Service account given as an API key",
        format!(
            "{what} holds the id of a service account ({SERVICE_ACCOUNT}...). Give it as client_id, and its secret as client_secret."
        ),
    )
}

fn none() -> Diagnostic {
    Diagnostic::error(
        "No login for Atlas",
        "Give a service account (client_id and client_secret), an API key (public_key and private_key) or an access_token in the provider block, or in the \
         environment: MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET, MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY, or \
         MONGODB_ATLAS_ACCESS_TOKEN.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(arguments: &[(&str, Value)]) -> Value {
        let mut block = super::super::config::schema().block.empty();
        for (name, value) in arguments {
            block.set(name, value.clone());
        }
        block
    }

    fn picked(block: &Value, variables: &[(&str, &str)]) -> (String, usize) {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let environment = move |name: &str| {
            variables
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        let mut told = Diagnostics::new();
        let what = match pick(block, &environment, &mut told) {
            Ok(Pick::Unknown(argument)) => format!("unknown {argument}"),
            Ok(Pick::Credentials(Credentials::Token(_))) => "token".to_owned(),
            Ok(Pick::Credentials(Credentials::ServiceAccount { client_id, .. })) => {
                format!("account {client_id}")
            }
            Ok(Pick::Credentials(Credentials::ApiKey { public_key, .. })) => {
                format!("key {public_key}")
            }
            Ok(Pick::Nothing(error)) | Err(error) => error.detail,
        };
        (what, told.iter().count())
    }

    #[test]
    fn the_login_comes_whole_from_the_first_source() {
        let key = [("public_key", "p".into()), ("private_key", "s".into())];
        let account = [
            ("MONGODB_ATLAS_CLIENT_ID", "c"),
            ("MONGODB_ATLAS_CLIENT_SECRET", "s"),
        ];
        assert_eq!(picked(&block(&key), &account), ("key p".into(), 0));
        assert_eq!(picked(&block(&[]), &account), ("account c".into(), 0));
        assert_eq!(
            picked(&block(&[("access_token", "".into())]), &account),
            ("account c".into(), 0)
        );
    }

    #[test]
    fn the_official_names_of_the_environment_are_read_in_their_order() {
        let variables = [
            ("MCLI_PUBLIC_API_KEY", "3"),
            ("MONGODB_ATLAS_PUBLIC_KEY", "2"),
            ("MONGODB_ATLAS_PUBLIC_API_KEY", "1"),
            ("MCLI_PRIVATE_API_KEY", "s"),
        ];
        assert_eq!(picked(&block(&[]), &variables).0, "key 1");
        assert_eq!(
            picked(&block(&[]), &[variables[1], variables[3]]).0,
            "key 2"
        );
    }

    #[test]
    fn two_complete_kinds_give_a_warning_that_names_the_one_used() {
        let both = [
            ("access_token", "t".into()),
            ("client_id", "c".into()),
            ("client_secret", "s".into()),
        ];
        assert_eq!(picked(&block(&both), &[]), ("token".into(), 1));
    }

    #[test]
    fn half_a_pair_names_the_missing_half() {
        let found = validate(&block(&[
            ("client_secret", "s".into()),
            ("public_key", "p".into()),
        ]));
        let texts: Vec<_> = found.iter().map(|d| d.detail.as_str()).collect();
        assert_eq!(
            texts,
            [
                "client_secret is set and client_id is not. They belong together.",
                "public_key is set and private_key is not. They belong together."
            ]
        );
        let (text, _) = picked(&block(&[]), &[("MONGODB_ATLAS_PUBLIC_KEY", "p")]);
        assert!(
            text.contains("private_key is not (set MONGODB_ATLAS_PRIVATE_API_KEY)"),
            "{text}"
        );
    }

    #[test]
    fn a_leftover_half_beside_a_complete_login_of_the_environment_is_a_warning() {
        let variables = [
            ("MONGODB_ATLAS_ACCESS_TOKEN", "t"),
            ("MONGODB_ATLAS_CLIENT_ID", "c"),
        ];
        assert_eq!(picked(&block(&[]), &variables), ("token".into(), 1));
    }

    #[test]
    fn a_service_account_given_as_a_key_is_told_apart() {
        let found = validate(&block(&[
            ("public_key", "mdb_sa_id_1".into()),
            ("private_key", "s".into()),
        ]));
        assert_eq!(
            found.iter().map(|d| d.summary.as_str()).collect::<Vec<_>>(),
            ["Service account given as an API key"]
        );
    }

    #[test]
    fn unknown_credentials_are_waited_for_and_none_at_all_is_an_error() {
        assert_eq!(
            picked(
                &block(&[("client_secret", Value::Unknown), ("client_id", "c".into())]),
                &[]
            )
            .0,
            "unknown client_secret"
        );
        assert!(
            picked(&block(&[]), &[])
                .0
                .starts_with("Give a service account")
        );
    }
}
