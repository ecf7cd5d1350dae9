//! The provider block and the environment become the client's configuration. Which source wins is decided here alone.

use std::time::Duration;

use tf_provider::{Attribute, Block, Diagnostic, Diagnostics, Path, Schema, Type, Value};

use super::{
    arguments::sentence,
    login::{self, Pick},
};
use crate::atlas::{ApiVersion, BaseUrl, Config};

/// Reads one environment variable.
pub(super) type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Send + Sync);

const DEFAULT_RETRIES: u32 = 5;
const DEFAULT_TIMEOUT: u64 = 60;
/// A certificate request takes Atlas up to some seconds, and giving up on one is expensive.
const LEAST_TIMEOUT: i64 = 30;
const GOVERNMENT: &str = "mongodbgov.com";

/// What the provider block comes to.
#[derive(Debug)]
pub(super) enum Settings {
    /// This argument is not known yet.
    Unknown(&'static str),
    /// There is no login anywhere: told where one is needed.
    NoLogin(Diagnostic),
    Known(Box<Config>),
}

/// The provider block's schema.
pub(super) fn schema() -> Schema {
    let text =
        |name: &str, description: &str| Attribute::new(name, Type::String, description).optional();
    let attributes = vec![
        text(
            "client_id",
            "Service account id (`mdb_sa_id_...`), the recommended login. Environment: `MONGODB_ATLAS_CLIENT_ID`.",
        ),
        text("client_secret", "Service account secret. Environment: `MONGODB_ATLAS_CLIENT_SECRET`.").sensitive(),
        text(
            "public_key",
            "Public half of a programmatic API key (HTTP Digest). Environment, in order: `MONGODB_ATLAS_PUBLIC_API_KEY`, `MONGODB_ATLAS_PUBLIC_KEY`, \
             `MCLI_PUBLIC_API_KEY`.",
        ),
        text(
            "private_key",
            "Private half of the API key. Environment, in order: `MONGODB_ATLAS_PRIVATE_API_KEY`, `MONGODB_ATLAS_PRIVATE_KEY`, `MCLI_PRIVATE_API_KEY`.",
        )
        .sensitive(),
        text(
            "access_token",
            "A ready-made bearer token, used as it is and never renewed. Environment: `MONGODB_ATLAS_ACCESS_TOKEN`.",
        )
        .sensitive(),
        text(
            "base_url",
            "Address of the Atlas API. Defaults to `https://cloud.mongodb.com`; `http` is accepted for loopback addresses only. Environment, in order: \
             `MONGODB_ATLAS_BASE_URL`, `MCLI_OPS_MANAGER_URL`.",
        ),
        Attribute::new(
            "is_mongodbgov_cloud",
            Type::Bool,
            "Whether to use Atlas for Government, `https://cloud.mongodbgov.com`. Defaults to `false`.",
        )
        .optional(),
        text(
            "api_version",
            "Version of the Atlas API: `v1.0` (default) or `v2`. The provider behaves the same on both.",
        ),
        Attribute::new(
            "max_retries",
            Type::Number,
            "How often a failed request is repeated where that is safe. Defaults to 5. Waits that Atlas itself asks for (429 with `Retry-After`) count \
             against the resource's `timeouts` instead. A certificate request that may have taken effect is never repeated.",
        )
        .optional(),
        Attribute::new(
            "request_timeout",
            Type::Number,
            "Seconds to wait for the answer to one request: a whole number, 30 or more. Defaults to 60.",
        )
        .optional(),
        text(
            "ca_bundle_pem",
            "PEM certificates of authorities to trust besides the system's, for proxies that open TLS. `HTTPS_PROXY` and `NO_PROXY` are honoured.",
        ),
    ];
    let description = "Issues X.509 client certificates for MongoDB Atlas database users. The login comes whole from the first source that has one: the \
        provider block, then the environment; within a source an access token, then a service account, then an API key. Every other setting is looked \
        up by itself.";
    Schema::new(Block {
        attributes,
        description: description.to_owned(),
        ..Block::default()
    })
}

/// Checks what is written in the block. Anything unknown is not judged.
pub(super) fn validate(block: &Value) -> Diagnostics {
    let mut found = login::validate(block);
    found.extend(base_url(block, &|_| None).err());
    found.extend(api_version(block).err());
    found.extend(max_retries(block).err());
    found.extend(request_timeout(block).err());
    found.extend(ca_bundle(block));
    found
}

/// The client's configuration, or the argument that it waits for. Warnings go to `told`.
///
/// # Errors
/// Everything that is wrong, each at its argument.
pub(super) fn settings(
    block: &Value,
    environment: Environment<'_>,
    user_agent: String,
    told: &mut Diagnostics,
) -> Result<Settings, Diagnostics> {
    let problems = validate(block);
    if problems.has_errors() {
        return Err(problems);
    }
    if let Some(name) = OTHERS.into_iter().find(|name| block.get(name).is_unknown()) {
        return Ok(Settings::Unknown(name));
    }
    let login = match login::pick(block, environment, told)? {
        Pick::Unknown(argument) => return Ok(Settings::Unknown(argument)),
        Pick::Nothing(error) => return Ok(Settings::NoLogin(error)),
        Pick::Credentials(login) => login,
    };
    Ok(Settings::Known(Box::new(Config {
        base_url: base_url(block, environment)?,
        api_version: api_version(block)?,
        credentials: login,
        request_timeout: request_timeout(block)?,
        max_retries: max_retries(block)?,
        ca_bundle_pem: given(block, "ca_bundle_pem").map(str::to_owned),
        user_agent,
    })))
}

/// A text that is written and not empty: an empty one, from a variable's default, counts as left out.
pub(super) fn given<'a>(block: &'a Value, name: &str) -> Option<&'a str> {
    block.get(name).as_str().filter(|text| !text.is_empty())
}

const OTHERS: [&str; 6] = [
    "base_url",
    "is_mongodbgov_cloud",
    "api_version",
    "max_retries",
    "request_timeout",
    "ca_bundle_pem",
];

fn base_url(block: &Value, environment: Environment<'_>) -> Result<BaseUrl, Diagnostic> {
    let at = Path::attribute("base_url");
    let government = block.get("is_mongodbgov_cloud").as_bool() == Some(true);
    if let Some(text) = given(block, "base_url") {
        let url = BaseUrl::parse(text).map_err(|error| {
            Diagnostic::error("Invalid base_url", sentence(&error.to_string())).at(at.clone())
        })?;
        if government && !url.to_string().ends_with(GOVERNMENT) {
            return Err(Diagnostic::error(
                "base_url and is_mongodbgov_cloud contradict each other",
                format!("is_mongodbgov_cloud means a host under {GOVERNMENT}, and base_url names another. Remove one of the two."),
            )
            .at(at));
        }
        return Ok(url);
    }
    if government {
        return Ok(BaseUrl::government());
    }
    for variable in ["MONGODB_ATLAS_BASE_URL", "MCLI_OPS_MANAGER_URL"] {
        if let Some(text) = environment(variable).filter(|text| !text.is_empty()) {
            return BaseUrl::parse(&text).map_err(|error| {
                Diagnostic::error(
                    "Invalid base URL in the environment",
                    format!(
                        "The environment variable {variable}: {}",
                        sentence(&error.to_string())
                    ),
                )
            });
        }
    }
    Ok(BaseUrl::cloud())
}

fn api_version(block: &Value) -> Result<ApiVersion, Diagnostic> {
    match given(block, "api_version") {
        None | Some("v1.0") => Ok(ApiVersion::V1_0),
        Some("v2") => Ok(ApiVersion::V2),
        Some(other) => Err(Diagnostic::error(
            "Invalid api_version",
            format!("{other:?} is none of the versions \"v1.0\" and \"v2\"."),
        )
        .at(Path::attribute("api_version"))),
    }
}

fn max_retries(block: &Value) -> Result<u32, Diagnostic> {
    let Value::Number(number) = block.get("max_retries") else {
        return Ok(DEFAULT_RETRIES);
    };
    number
        .as_i64()
        .filter(|count| *count <= 100)
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| {
            Diagnostic::error(
                "Invalid max_retries",
                format!("A whole number from 0 to 100 is needed, not {number}."),
            )
            .at(Path::attribute("max_retries"))
        })
}

fn request_timeout(block: &Value) -> Result<Duration, Diagnostic> {
    let Value::Number(number) = block.get("request_timeout") else {
        return Ok(Duration::from_secs(DEFAULT_TIMEOUT));
    };
    let seconds = number
        .as_i64()
        .filter(|seconds| (LEAST_TIMEOUT..=86_400).contains(seconds));
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs).ok_or_else(|| {
        Diagnostic::error(
            "Invalid request_timeout",
            format!(
                "A whole number of seconds from {LEAST_TIMEOUT} to 86400 is needed, not {number}: issuing a certificate takes some seconds, and giving up on \
                 one loses its key."
            ),
        )
        .at(Path::attribute("request_timeout"))
    })
}

fn ca_bundle(block: &Value) -> Option<Diagnostic> {
    let bundle = given(block, "ca_bundle_pem")?;
    if bundle.contains("PRIVATE KEY-----") {
        return Some(
            Diagnostic::error(
                "Private key in ca_bundle_pem",
                "Only certificates of authorities belong here. Remove the private key.",
            )
            .at(Path::attribute("ca_bundle_pem")),
        );
    }
    (!bundle.contains("-----BEGIN CERTIFICATE-----")).then(|| {
        Diagnostic::error(
            "Invalid ca_bundle_pem",
            "It holds no PEM block that begins with -----BEGIN CERTIFICATE-----.",
        )
        .at(Path::attribute("ca_bundle_pem"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn block(arguments: &[(&str, Value)]) -> Value {
        let mut block = schema().block.empty();
        for (name, value) in arguments {
            block.set(name, value.clone());
        }
        block
    }

    fn with_login(arguments: &[(&str, Value)]) -> Value {
        let mut block = block(arguments);
        block.set("access_token", "t");
        block
    }

    fn known(block: &Value, environment: Environment<'_>) -> Config {
        match settings(block, environment, "agent".into(), &mut Diagnostics::new()).unwrap() {
            Settings::Known(config) => *config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let config = known(&with_login(&[]), &|_| None);
        assert_eq!(config.base_url.to_string(), "https://cloud.mongodb.com");
        assert_eq!(
            (config.api_version, config.max_retries),
            (ApiVersion::V1_0, 5)
        );
        assert_eq!(config.request_timeout, Duration::from_secs(60));
    }

    #[test]
    fn the_base_url_is_the_blocks_then_the_flags_then_the_environments() {
        let environment =
            |name: &str| (name == "MCLI_OPS_MANAGER_URL").then(|| "http://localhost:1/".to_owned());
        let url = |arguments: &[(&str, Value)]| {
            known(&with_login(arguments), &environment)
                .base_url
                .to_string()
        };
        assert_eq!(url(&[]), "http://localhost:1");
        assert_eq!(
            url(&[("is_mongodbgov_cloud", true.into())]),
            "https://cloud.mongodbgov.com"
        );
        assert_eq!(
            url(&[("base_url", "https://example.com/".into())]),
            "https://example.com"
        );
    }

    #[test]
    fn every_bad_setting_is_named_at_its_argument() {
        let found = validate(&with_login(&[
            ("base_url", "http://example.com".into()),
            ("api_version", "v3".into()),
            ("max_retries", (-1).into()),
            ("request_timeout", 29.into()),
            ("ca_bundle_pem", "x".into()),
        ]));
        let at: Vec<_> = found
            .iter()
            .filter_map(|d| d.path.as_ref())
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            at,
            [
                "base_url",
                "api_version",
                "max_retries",
                "request_timeout",
                "ca_bundle_pem"
            ]
        );
    }

    #[test]
    fn a_setting_that_is_not_known_yet_postpones_the_client() {
        let block = with_login(&[("base_url", Value::Unknown)]);
        let settings = settings(&block, &|_| None, String::new(), &mut Diagnostics::new());
        assert!(matches!(settings, Ok(Settings::Unknown("base_url"))));
    }
}
