//! The title of an API error and the next step, by error code, HTTP status and cause.

use crate::atlas::{CredentialKind, Error, ErrorKind, Operation, READS_SSL_CERT_FILE};

#[derive(Clone, Copy)]
pub(super) struct Advice {
    pub(super) summary: &'static str,
    pub(super) next_step: &'static str,
    pub(super) argument: Option<&'static str>,
}

fn advise(summary: &'static str, next_step: &'static str) -> Advice {
    Advice { summary, next_step, argument: None }
}

pub(super) fn advice(error: &Error) -> Advice {
    match error.kind() {
        _ if error.is_api_version_removed() => advise(
            "Atlas API version was removed",
            if error.uses_latest_api_version() { UPGRADE } else { UPGRADE_OR_CHANGE_VERSION },
        ),
        ErrorKind::Api(_) if error.request().operation == Operation::Authenticate => {
            authentication(error)
        }
        ErrorKind::Api(_) => error.code().and_then(in_table).unwrap_or_else(|| by_status(error)),
        ErrorKind::UnexpectedResponse(status, _) => unexpected_response(error, *status),
        ErrorKind::Redirected(..) => advise("Unexpected redirect", REDIRECTED),
        ErrorKind::Tls => advise("TLS connection to Atlas failed", TLS_FAILED),
        ErrorKind::Proxy => advise("Proxy did not connect to Atlas", PROXY_FAILED),
        ErrorKind::Connect(_) => advise("Atlas cannot be reached", UNREACHABLE),
        ErrorKind::ConnectionLost => advise("Connection to Atlas lost", CONNECTION_LOST),
        ErrorKind::TimedOut(_) => advise("No response from Atlas", TIMED_OUT),
        ErrorKind::Deadline => advise("Operation timed out", DEADLINE),
        ErrorKind::RetryExceedsDeadline(..) => {
            advise("Operation timed out before a retry", RETRY_EXCEEDS_DEADLINE)
        }
        ErrorKind::Cancelled => advise("Operation canceled", CANCELED),
        ErrorKind::NoRootCertificates => advise("No trusted certificate authorities", NO_ROOTS),
        ErrorKind::Setup => advise("Provider cannot be configured", SETUP),
        ErrorKind::InvalidBody(_) => advise("Invalid response from Atlas", INVALID_BODY),
    }
}

const UPGRADE: &str = "Atlas has removed this version of its API. Upgrade the provider.";
const UPGRADE_OR_CHANGE_VERSION: &str = "Atlas has removed this version of its API. Upgrade the provider, or set api_version = \"v2\" in the provider \
    block.";
const REDIRECTED: &str = "Redirects are not followed, because the credentials would be sent to another address. Check base_url and any proxy.";
const TLS_FAILED: &str = if READS_SSL_CERT_FILE {
    "The TLS handshake failed; the cause says why. If a proxy inspects TLS, set ca_bundle_pem in the provider block to its CA certificate, or the \
     environment variable SSL_CERT_FILE to a PEM file that contains it."
} else {
    "The TLS handshake failed; the cause says why. If a proxy inspects TLS, set ca_bundle_pem in the provider block to its CA certificate."
};
const PROXY_FAILED: &str = "Check HTTPS_PROXY, its credentials, and whether the proxy allows connections to Atlas. NO_PROXY lists hosts that need no \
    proxy.";
const UNREACHABLE: &str =
    "Check the network, base_url, and whether a proxy is needed (HTTPS_PROXY).";
const CONNECTION_LOST: &str = "Check the network and any proxy, then run this again.";
const TIMED_OUT: &str = "Atlas or a proxy took longer than request_timeout of the provider block. Run this again, or increase request_timeout.";
const DEADLINE: &str = "Increase the resource's timeouts, or run this again later.";
const RETRY_EXCEEDS_DEADLINE: &str = "Increase the resource's timeouts, reduce -parallelism if Atlas limits the rate of requests, or run this again \
    later.";
const CANCELED: &str = "The run was canceled during a wait or before the request was sent.";
const NO_ROOTS: &str = if READS_SSL_CERT_FILE {
    "This machine has no trusted certificate authorities (usual in minimal containers). Install the package ca-certificates, set the environment \
     variable SSL_CERT_FILE to a PEM file, or set ca_bundle_pem in the provider block."
} else {
    "The trusted certificate authorities of this machine could not be read. Set ca_bundle_pem in the provider block."
};
const SETUP: &str = "Check the environment variables HTTPS_PROXY and NO_PROXY, and ca_bundle_pem in the provider block.";
const INVALID_BODY: &str = "The response does not have the form of the Atlas API. Check base_url and any proxy. If both are right, please report \
    this as a provider bug.";

/// The response did not come from the Atlas API.
fn unexpected_response(error: &Error, status: u16) -> Advice {
    match status {
        401 | 403 | 407 => advise("Rejected by a proxy or firewall", REJECTED_BY_PROXY),
        404 => advise("No Atlas API at this address", NOT_FOUND_BY_PROXY),
        429 => by_status(error),
        _ => advise("Unexpected response (not from the Atlas API)", UNEXPECTED),
    }
}

const REJECTED_BY_PROXY: &str =
    "The response is not from the Atlas API. Check HTTPS_PROXY, NO_PROXY and base_url.";
const NOT_FOUND_BY_PROXY: &str =
    "Check base_url. A proxy may also have rejected a username with unusual characters.";
const UNEXPECTED: &str = "The response is probably from a proxy or load balancer. Retry later; if this persists, check base_url and HTTPS_PROXY.";

/// The token endpoint refused the service account.
fn authentication(error: &Error) -> Advice {
    match error.status() {
        Some(429) => advise("Too many access tokens requested", TOKEN_RATE_LIMIT),
        Some(403) => advise("Service account rejected", TOKEN_LIMIT),
        Some(404 | 405) => advise("No Atlas API at this address", BASE_URL_WITH_PATH),
        Some(500..) => by_status(error),
        _ => rejected_credentials(error),
    }
}

const TOKEN_RATE_LIMIT: &str = "Atlas limits access tokens per minute for each IP address and service account. Retry in a minute and run fewer jobs in \
    parallel.";
const TOKEN_LIMIT: &str = "A service account can have 100 active access tokens, which expire after an hour. Revoke unused ones, or use another service \
    account for parallel runs.";
const BASE_URL_WITH_PATH: &str = "Check base_url: it is the address without the path of the API.";

fn rejected_credentials(error: &Error) -> Advice {
    let next_step = match error.request().credentials {
        CredentialKind::ServiceAccount => {
            "Check client_id and client_secret of the service account (or MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET): the secret may have expired \
             or been replaced."
        }
        CredentialKind::ApiKey => {
            "Check public_key and private_key of the API key (or MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY): the key may have been deleted, \
             or one of the two belongs to another key."
        }
        CredentialKind::Token => {
            "Check access_token (or MONGODB_ATLAS_ACCESS_TOKEN): an access token expires after an hour, and the provider cannot renew it."
        }
    };
    advise("Atlas credentials rejected", next_step)
}

fn by_status(error: &Error) -> Advice {
    let found = match error.status() {
        Some(401) => return rejected_credentials(error),
        Some(500..) => in_table("5xx"),
        Some(status) => in_table(&status.to_string()),
        None => None,
    };
    found.unwrap_or(advise(
        "Request rejected",
        "Atlas rejected the request; its message is above. If the configuration is right, please report this as a provider bug.",
    ))
}

fn in_table(key: &str) -> Option<Advice> {
    let (_, argument, summary, next_step) = TABLE.iter().find(|row| row.0.contains(&key))?;
    let argument = Some(*argument).filter(|argument| !argument.is_empty());
    Some(Advice { summary, next_step, argument })
}

/// A row for each reason: the error codes of Atlas, and the HTTP status of responses without any of them; the argument
/// to blame, if there is one; the title and the next step.
#[rustfmt::skip] // one line for the reason, one for the text
const TABLE: &[(&[&str], &str, &str, &str)] = &[
    (&["USER_NOT_MANAGED_X509"], "username", "Database user is not Atlas-managed X.509",
        "Atlas issues certificates only for users whose X.509 type is MANAGED. The type cannot be changed: create a new user with x509_type = \"MANAGED\"."),
    (&["CANNOT_GENERATE_CERT_IF_ADVANCED_X509"], "project_id", "Project uses its own certificate authority",
        "Self-managed X.509 (a customer CA) is enabled in this project, so Atlas issues no certificates. Use certificates of your own CA or another \
         project, or disable self-managed X.509."),
    (&["ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED"], "username", "Too many certificates for this user",
        "Atlas limits the unexpired certificates of a user, and they cannot be deleted. Wait until older ones expire (data source \
         atlas_user_certificates lists them), or use another database user."),
    (&["CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS"], "months_until_expiration", "Validity too long",
        "Atlas issues certificates for at most 24 months."),
    (&["ATLAS_MANAGED_X509_NAME_INVALID", "ATLAS_INVALID_USERNAME", "ATLAS_INVALID_DN_METACHARACTERS", "ATLAS_INVALID_LDAP_NAME"],
        "username", "Username not accepted",
        "Use the plain name of the user, without CN= and without other parts of a distinguished name."),
    (&["MALFORMED_JSON", "INVALID_JSON", "INVALID_QUERY_PARAMETER", "INVALID_PATH_PARAMETER", "PATH_PARAM_PARSE_ERROR"],
        "", "Atlas could not parse the request",
        "Check project_id and username for unusual characters. If there are none and no proxy modifies requests, please report this as a provider bug."),
    (&["EXPIRED_X509_CA_CERTIFICATE"], "", "Certificate authority expired",
        "The project's own certificate authority has expired. Replace it in the project's security settings."),
    (&["USER_UNAUTHORIZED"], "", "Missing role",
        "The API key or service account lacks a role: issuing a certificate needs Project Owner, reading needs Project Read Only. Grant it in the project's \
         access manager."),
    (&["NOT_IN_GROUP", "USER_CANNOT_ACCESS_GROUP", "NOT_ORG_GROUP_CREATOR", "NO_CURRENT_USER"], "project_id", "No access to the project",
        "The API key or service account belongs to another organization or was not added to this project, or project_id is that of another project."),
    (&["402", "ACCOUNT_SUSPENDED", "NO_PAYMENT_INFORMATION_FOUND"], "", "Atlas account suspended or unpaid",
        "Check the organization's billing in Atlas. Retrying does not help."),
    (&["IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP_ADDRESS_NOT_ON_WHITELIST"], "", "IP address not on the API access list",
        "Add the public IP address of this machine to the API access list of the API key or service account. It is separate from the project's IP access \
         list for databases."),
    (&["RESOURCE_REQUIRES_ACCESS_LIST", "ORG_REQUIRES_ACCESS_LIST", "RESOURCE_REQUIRES_WHITELIST"], "", "API access list required",
        "The organization requires an API access list, and this API key or service account has none. Add one with the public IP address of this machine."),
    (&["GROUP_NOT_FOUND", "INVALID_GROUP_ID", "NOT_ATLAS_GROUP"], "project_id", "Project not found",
        "Check project_id and base_url: the project may have been deleted, or the credentials have no access to it."),
    (&["USERNAME_NOT_FOUND", "USER_NOT_FOUND", "USER_NOT_IN_GROUP"], "username", "Database user not found",
        "Create the user first, in $external and with X.509 type MANAGED. If the same configuration creates it, set username = \
         mongodbatlas_database_user.NAME.username so that the user is created first."),
    (&["WRITES_NOT_ALLOWED_DURING_APP_UPGRADES"], "", "Atlas is under maintenance", "Run this again in a few minutes."),
    (&["429", "RATE_LIMITED", "RATE_LIMITED_TOKEN_BUCKET"], "", "Atlas rate limit reached",
        "Run this again in a minute, reduce -parallelism, or increase max_retries in the provider block or the resource's timeouts."),
    (&["403"], "", "Access denied",
        "Check the role (issuing a certificate needs Project Owner) and the API access list of the API key or service account."),
    (&["404"], "", "Not found", "Check project_id, username and base_url."),
    (&["405"], "", "Request not allowed", "Atlas did not accept the request. Run this again in a few minutes."),
    (&["409"], "", "Conflict",
        "Another change to the same user or project is in progress, or the user's state does not allow the request. Check the user in Atlas, then run \
         this again."),
    (&["5xx"], "", "Atlas server error",
        "This is a fault of Atlas or of a proxy. Run this again later; see status.mongodb.com for incidents."),
];
