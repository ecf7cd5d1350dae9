//! The provider block and the environment become the configuration of the client.

use std::{ffi::OsString, time::Duration};

use tf_provider::{Attribute, Diagnostic, Diagnostics, Schema, Type, Value};

use super::{
    arguments::{self, Problems, invalid_argument, non_empty, to_sentence},
    attr::read_number,
    client::State,
    credentials::{self, Inputs},
    guardrails::{self, Guardrails},
};
use crate::{
    atlas::{ApiVersion, BaseUrl, Config, Proxy},
    x509,
};

pub(super) type Environment = dyn Fn(&str) -> Option<OsString>;

pub(super) fn schema() -> Schema {
    let description =
        "Issues and renews X.509 client certificates for MongoDB Atlas database users.";
    let attributes = attributes().into_iter().chain(guardrails::attributes()).collect();
    arguments::schema(attributes, description)
}

#[rustfmt::skip] // an attribute is a row: name, type, description, properties
fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::new("client_id", Type::String,
            "Client ID of a service account (`mdb_sa_id_...`), the recommended kind of credentials. Environment: \
             `MONGODB_ATLAS_CLIENT_ID`.").optional(),
        Attribute::new("client_secret", Type::String,
            "Client secret of the service account. Environment: `MONGODB_ATLAS_CLIENT_SECRET`.").optional().sensitive(),
        Attribute::new("public_key", Type::String,
            "Public key of a programmatic API key (HTTP Digest). Environment, in order: \
             `MONGODB_ATLAS_PUBLIC_API_KEY`, `MONGODB_ATLAS_PUBLIC_KEY`, `MCLI_PUBLIC_API_KEY`.").optional(),
        Attribute::new("private_key", Type::String,
            "Private key of the API key. Environment, in order: `MONGODB_ATLAS_PRIVATE_API_KEY`, \
             `MONGODB_ATLAS_PRIVATE_KEY`, `MCLI_PRIVATE_API_KEY`.").optional().sensitive(),
        Attribute::new("access_token", Type::String,
            "Access token, used as it is and never renewed. Environment: `MONGODB_ATLAS_ACCESS_TOKEN`.").optional().sensitive(),
        Attribute::new("base_url", Type::String,
            "Address of the Atlas API. Defaults to `https://cloud.mongodb.com`; `http` is accepted for loopback \
             addresses only. Environment, in order: `MONGODB_ATLAS_BASE_URL`, `MCLI_OPS_MANAGER_URL`.").optional(),
        Attribute::new("is_mongodbgov_cloud", Type::Bool,
            "Whether to use Atlas for Government, `https://cloud.mongodbgov.com`. Defaults to `false`.").optional(),
        Attribute::new("api_version", Type::String,
            "Version of the Atlas API: `v1.0` (default) or `v2`. The provider behaves the same on both.").optional(),
        Attribute::new("max_retries", Type::Number,
            "Maximum retries of a failed request, when retrying is safe. Defaults to `5`. Waits requested by Atlas \
             (`429` with `Retry-After`) do not count against it; they are limited by the resource's `timeouts`. \
             Requests that may already have issued a certificate are never retried.").optional(),
        Attribute::new("request_timeout", Type::Number,
            "Seconds to wait for the response to one request: a whole number, 30 or more. Defaults to `60`.").optional(),
        Attribute::new("ca_bundle_pem", Type::String,
            "Additional CA certificates (PEM) to trust, for example for a TLS-inspecting proxy. `HTTPS_PROXY` and \
             `NO_PROXY` are supported.").optional(),
    ]
}

/// Checks the arguments of the provider block, except unknown ones.
pub(super) fn validate(block: &Value) -> Diagnostics {
    resolve(block, &|_| None, String::new(), |_, _| Ok(())).err().unwrap_or_default()
}

/// Resolves the provider block and the environment, and creates the client. Returns warnings, too. An omitted argument
/// that no environment variable can replace has its default; every invalid one is an error.
pub(super) fn resolve<C>(
    block: &Value,
    environment: &Environment,
    user_agent: String,
    create_client: impl FnOnce(Config, Guardrails) -> Result<C, Diagnostic>,
) -> Result<(State<C>, Diagnostics), Diagnostics> {
    let mut problems = Problems::default();
    let inputs = problems.take(Inputs::from_block(block)).unwrap_or_default();
    let base_url = problems.take(base_url(block)).unwrap_or_default();
    let api_version = problems.take(api_version(block)).unwrap_or_default();
    let max_retries = problems.take(max_retries(block)).unwrap_or_default();
    let request_timeout = problems.take(request_timeout(block)).unwrap_or_default();
    let ca_bundle_pem = problems.take(ca_bundle(block)).unwrap_or_default();
    let guardrails = problems.take(Guardrails::parse(block)).unwrap_or_default();
    problems.finish(())?;
    let mut names = attributes().into_iter().map(|attribute| attribute.name);
    // A known access token is used in any case.
    let has_token = non_empty(block, "access_token").is_some();
    let is_needed = |name: &str| !(has_token && credentials::is_argument(name));
    if let Some(argument) = names.find(|name| block.get(name).is_unknown() && is_needed(name)) {
        return Ok((State::Deferred(argument), Diagnostics::new()));
    }
    let (credentials, warnings) = match inputs.into_credentials() {
        (None, _) => Inputs::from_environment(environment)?,
        from_block => from_block,
    };
    let base_url = match base_url {
        Some(base_url) => base_url,
        None => base_url_of(environment)?.unwrap_or_else(|| BaseUrl::of_host("cloud.mongodb.com")),
    };
    let Some(credentials) = credentials else {
        return Ok((State::MissingCredentials(credentials::missing_credentials()), warnings));
    };
    let proxy = proxy(environment, &base_url)?;
    let config = Config {
        base_url,
        api_version,
        credentials,
        request_timeout,
        max_retries,
        ca_bundle_pem,
        proxy,
        user_agent,
    };
    Ok((State::Ready(create_client(config, guardrails)?), warnings))
}

#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "the only reader of settings"))]
pub(super) fn process_environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The first of these variables that is set and not empty, without surrounding white space.
pub(super) fn first_variable(
    environment: &Environment,
    names: &[&'static str],
) -> Result<Option<(&'static str, String)>, Diagnostic> {
    for name in names {
        let value = environment(name).map(OsString::into_string).transpose();
        let value = value.map_err(|_| {
            invalid_variable(format!(
                "The environment variable {name} contains bytes that are not UTF-8 text."
            ))
        })?;
        let text = value.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if let Some(text) = text {
            return Ok(Some((name, text.to_owned())));
        }
    }
    Ok(None)
}

fn base_url_of(environment: &Environment) -> Result<Option<BaseUrl>, Diagnostic> {
    let names = ["MONGODB_ATLAS_BASE_URL", "MCLI_OPS_MANAGER_URL"];
    let Some((variable, text)) = first_variable(environment, &names)? else {
        return Ok(None);
    };
    BaseUrl::parse(&text).map(Some).map_err(|error| {
        let problem = to_sentence(error);
        invalid_variable(format!(
            "The environment variable {variable} is not a valid base URL. {problem}"
        ))
    })
}

fn proxy(environment: &Environment, base_url: &BaseUrl) -> Result<Option<Proxy>, Diagnostic> {
    let https_proxy = first_variable(environment, &["HTTPS_PROXY", "https_proxy"])?;
    let no_proxy = first_variable(environment, &["NO_PROXY", "no_proxy"])?;
    let Some((variable, https_proxy)) = https_proxy else {
        return Ok(None);
    };
    let no_proxy = no_proxy.map(|(_, value)| value).unwrap_or_default();
    base_url
        .proxy(&https_proxy, &no_proxy)
        .map_err(|error| invalid_variable(format!("The environment variable {variable} {error}.")))
}

fn invalid_variable(problem: String) -> Diagnostic {
    Diagnostic::error("Invalid environment variable", problem)
}

/// The base URL of the block: `base_url`, or else the one that `is_mongodbgov_cloud` stands for.
fn base_url(block: &Value) -> Result<Option<BaseUrl>, Diagnostic> {
    let is_government = block.get("is_mongodbgov_cloud").as_bool() == Some(true);
    let Some(text) = non_empty(block, "base_url") else {
        return Ok(is_government.then(|| BaseUrl::of_host("cloud.mongodbgov.com")));
    };
    let url =
        BaseUrl::parse(text).map_err(|error| invalid_argument("base_url", to_sentence(error)))?;
    if is_government && !url.is_government() {
        let summary = "Conflict between base_url and is_mongodbgov_cloud";
        let detail = "is_mongodbgov_cloud requires a host in the domain mongodbgov.com, and base_url has another host. Remove one of the two.";
        return Err(Diagnostic::error(summary, detail).at("base_url"));
    }
    Ok(Some(url))
}

fn api_version(block: &Value) -> Result<ApiVersion, Diagnostic> {
    match non_empty(block, "api_version") {
        None | Some("v1.0") => Ok(ApiVersion::V1_0),
        Some("v2") => Ok(ApiVersion::V2),
        Some(other) => {
            let problem = format!("api_version must be \"v1.0\" or \"v2\"; got {other:?}.");
            Err(invalid_argument("api_version", problem))
        }
    }
}

fn max_retries(block: &Value) -> Result<u32, Diagnostic> {
    let parse = |count| u32::try_from(count).ok().filter(|count| *count <= 100);
    let count = read_number(block, "max_retries", "retries from 0 to 100", parse)?;
    Ok(count.into_known().unwrap_or(5))
}

fn request_timeout(block: &Value) -> Result<Duration, Diagnostic> {
    let parse = |seconds| u64::try_from(seconds).ok().filter(|s| (30..=86_400).contains(s));
    let seconds = read_number(block, "request_timeout", "seconds from 30 to 86400", parse);
    let seconds = seconds.map_err(|mut error| {
        error.detail += " Issuing a certificate can take several seconds, and a request that is abandoned too early loses the private key.";
        error
    })?;
    Ok(Duration::from_secs(seconds.into_known().unwrap_or(60)))
}

/// Checks that every PEM block is a certificate. Text between the blocks is allowed, as in RFC 7468.
fn ca_bundle(block: &Value) -> Result<Option<String>, Diagnostic> {
    let Some(bundle) = non_empty(block, "ca_bundle_pem") else {
        return Ok(None);
    };
    let invalid = |problem| Err(invalid_argument("ca_bundle_pem", problem));
    let blocks: Vec<_> = bundle.split(BEGIN).skip(1).collect();
    if blocks.is_empty() {
        return invalid("It contains no PEM block (-----BEGIN CERTIFICATE-----).".to_owned());
    }
    for (number, block) in (1..).zip(&blocks) {
        if let Err(error) = x509::parse_certificate(&format!("{BEGIN}{block}")) {
            return invalid(format!(
                "PEM block {number} of {} is not a usable certificate: {error}. Only certificates of certificate authorities belong here.",
                blocks.len()
            ));
        }
    }
    Ok(Some(bundle.to_owned()))
}

const BEGIN: &str = "-----BEGIN ";

#[cfg(test)]
mod tests;
