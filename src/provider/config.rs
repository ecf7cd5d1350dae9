//! The provider block and the environment become the configuration of the client. Credentials are chosen in
//! `credentials`.

use std::{ffi::OsString, time::Duration};

use tf_provider::{Attribute, Block, Diagnostic, Diagnostics, Path, Schema, Type, Value};

use super::{
    arguments::{Problems, invalid_argument, non_empty, to_sentence},
    attr::read_number,
    credentials::{self, Inputs},
    guardrails::{self, Guardrails},
};
use crate::{
    atlas::{ApiVersion, BaseUrl, Config, Proxy},
    x509,
};

/// Reads environment variables.
pub(super) struct Environment(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// The result of a provider block and the environment together.
pub(super) enum Resolved {
    /// This argument is unknown.
    Deferred(&'static str),
    /// No credentials were found. The error is for the operations that need some.
    MissingCredentials(Diagnostic),
    Ready(Box<Config>, Guardrails),
}

/// The schema of the provider block.
pub(super) fn schema() -> Schema {
    Schema::new(Block {
        attributes: attributes().into_iter().chain(guardrails::attributes()).collect(),
        description:
            "Issues and renews X.509 client certificates for MongoDB Atlas database users."
                .to_owned(),
        ..Block::default()
    })
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
    ProviderBlock::parse(block).err().unwrap_or_default()
}

/// Resolves the provider block and the environment, with warnings.
///
/// # Errors
/// Every invalid setting, at its argument or with the name of its environment variable.
pub(super) fn resolve(
    block: &Value,
    environment: &Environment,
    user_agent: String,
) -> Result<(Resolved, Diagnostics), Diagnostics> {
    let parsed = ProviderBlock::parse(block)?;
    if let Some(argument) = parsed.unknown {
        return Ok((Resolved::Deferred(argument), Diagnostics::new()));
    }
    let from_block = parsed.credentials.into_credentials();
    let (credentials, mut warnings) = if from_block.is_some() {
        (from_block, Diagnostics::new())
    } else {
        let (inputs, warnings) = Inputs::from_environment(environment)?;
        (inputs.into_credentials(), warnings)
    };
    let base_url = match parsed.base_url {
        Some(base_url) => base_url,
        None => environment.base_url()?.unwrap_or_else(BaseUrl::cloud),
    };
    let Some((credentials, warning)) = credentials else {
        return Ok((Resolved::MissingCredentials(credentials::missing_credentials()), warnings));
    };
    warnings.extend(warning);
    let config = Config {
        proxy: environment.proxy(&base_url)?,
        base_url,
        api_version: parsed.api_version,
        credentials,
        request_timeout: parsed.request_timeout,
        max_retries: parsed.max_retries,
        ca_bundle_pem: parsed.ca_bundle_pem,
        user_agent,
    };
    Ok((Resolved::Ready(Box::new(config), parsed.guardrails), warnings))
}

/// The parsed provider block. Omitted arguments that no environment variable can replace have their defaults.
struct ProviderBlock {
    /// The first argument that is unknown and needed for a client.
    unknown: Option<&'static str>,
    credentials: Inputs,
    base_url: Option<BaseUrl>,
    api_version: ApiVersion,
    max_retries: u32,
    request_timeout: Duration,
    ca_bundle_pem: Option<String>,
    guardrails: Guardrails,
}

/// The arguments that a client needs, credentials apart.
const CLIENT_ARGUMENTS: [&str; 6] = [
    "base_url",
    "is_mongodbgov_cloud",
    "api_version",
    "max_retries",
    "request_timeout",
    "ca_bundle_pem",
];

impl ProviderBlock {
    fn parse(block: &Value) -> Result<Self, Diagnostics> {
        let unknown = CLIENT_ARGUMENTS.into_iter().find(|name| block.get(name).is_unknown());
        let mut problems = Problems::default();
        let parsed = Self {
            unknown: unknown.or_else(|| credentials::unknown_argument(block)),
            credentials: problems.take(Inputs::from_block(block)).unwrap_or_default(),
            base_url: problems.take(base_url(block)).unwrap_or_default(),
            api_version: problems.take(api_version(block)).unwrap_or_default(),
            max_retries: problems.take(max_retries(block)).unwrap_or_default(),
            request_timeout: problems.take(request_timeout(block)).unwrap_or_default(),
            ca_bundle_pem: problems.take(ca_bundle(block)).unwrap_or_default(),
            guardrails: problems.take(Guardrails::parse(block)).unwrap_or_default(),
        };
        problems.finish(parsed)
    }
}

impl Environment {
    /// The environment of this process.
    #[cfg_attr(
        not(test),
        expect(clippy::disallowed_methods, reason = "the only reader of settings")
    )]
    pub(super) fn of_process() -> Self {
        Self(Box::new(|name| std::env::var_os(name)))
    }

    #[cfg(test)]
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        let variables: std::collections::HashMap<String, OsString> =
            variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
        Self(Box::new(move |name| variables.get(name).cloned()))
    }

    /// The first of these variables that is set and not empty, without surrounding white space.
    ///
    /// # Errors
    /// The variable that is not UTF-8.
    pub(super) fn first(
        &self,
        names: &[&'static str],
    ) -> Result<Option<(&'static str, String)>, Diagnostic> {
        for name in names {
            let value = (self.0)(name).map(OsString::into_string).transpose();
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

    fn base_url(&self) -> Result<Option<BaseUrl>, Diagnostic> {
        let found = self.first(&["MONGODB_ATLAS_BASE_URL", "MCLI_OPS_MANAGER_URL"])?;
        let parsed = found.map(|(variable, text)| {
            BaseUrl::parse(&text).map_err(|error| {
                invalid_variable(format!(
                    "The environment variable {variable} is not a valid base URL. {}",
                    to_sentence(error)
                ))
            })
        });
        parsed.transpose()
    }

    /// The proxy through which the base URL is reached.
    fn proxy(&self, base_url: &BaseUrl) -> Result<Option<Proxy>, Diagnostic> {
        let https_proxy = self.first(&["HTTPS_PROXY", "https_proxy"])?;
        let no_proxy = self.first(&["NO_PROXY", "no_proxy"])?;
        let Some((variable, https_proxy)) = https_proxy else {
            return Ok(None);
        };
        let no_proxy = no_proxy.map(|(_, value)| value).unwrap_or_default();
        base_url.proxy(&https_proxy, &no_proxy).map_err(|error| {
            invalid_variable(format!("The environment variable {variable} {error}."))
        })
    }
}

fn invalid_variable(problem: String) -> Diagnostic {
    Diagnostic::error("Invalid environment variable", problem)
}

/// The base URL of the block: `base_url`, or else the one that `is_mongodbgov_cloud` stands for.
fn base_url(block: &Value) -> Result<Option<BaseUrl>, Diagnostic> {
    let is_government = block.get("is_mongodbgov_cloud").as_bool() == Some(true);
    let Some(text) = non_empty(block, "base_url") else {
        return Ok(is_government.then(BaseUrl::government));
    };
    let url =
        BaseUrl::parse(text).map_err(|error| invalid_argument("base_url", to_sentence(error)))?;
    if is_government && !url.is_government() {
        let conflict = Diagnostic::error(
            "Conflict between base_url and is_mongodbgov_cloud",
            "is_mongodbgov_cloud requires a host in the domain mongodbgov.com, and base_url has another host. Remove one of the two.",
        );
        return Err(conflict.at(Path::attribute("base_url")));
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
    let starts: Vec<_> = bundle.match_indices("-----BEGIN ").map(|(at, _)| at).collect();
    if starts.is_empty() {
        return invalid("It contains no PEM block (-----BEGIN CERTIFICATE-----).".to_owned());
    }
    let ends = starts.iter().skip(1).copied().chain([bundle.len()]);
    for (number, (start, end)) in (1..).zip(starts.iter().zip(ends)) {
        if let Err(error) = x509::parse_certificate(&bundle[*start..end]) {
            return invalid(format!(
                "PEM block {number} of {} is not a usable certificate: {error}. Only certificates of certificate authorities belong here.",
                starts.len()
            ));
        }
    }
    Ok(Some(bundle.to_owned()))
}

#[cfg(test)]
mod tests;
