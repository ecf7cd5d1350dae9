//! What an error is called and what to do next, by code, status and cause.

use crate::atlas::{ConnectError, Error, ErrorKind, READS_SSL_CERT_FILE};

/// The title of an error, and the next step.
pub(super) struct Advice {
    pub(super) summary: &'static str,
    pub(super) next_step: &'static str,
    /// The argument that is to blame.
    pub(super) argument: Option<&'static str>,
}

impl Advice {
    fn new(summary: &'static str, next_step: &'static str) -> Self {
        Self {
            summary,
            next_step,
            argument: None,
        }
    }

    fn at(self, argument: &'static str) -> Self {
        Self {
            argument: Some(argument),
            ..self
        }
    }
}

/// What to do about an error.
pub(super) fn advice(error: &Error) -> Advice {
    match error.kind() {
        _ if error.is_api_version_removed() => version_gone(error),
        ErrorKind::Authentication(_) => login_advice(error),
        ErrorKind::Api(_) => error
            .code()
            .and_then(code_advice)
            .unwrap_or_else(|| status_advice(error.status())),
        ErrorKind::UnexpectedResponse { status, .. } => unrecognised_advice(*status),
        ErrorKind::Redirected { .. } => Advice::new(
            "Redirected instead of answered",
            "Redirects are not followed, so that credentials go nowhere else. Check base_url, and any proxy between here and Atlas.",
        ),
        ErrorKind::Connect(step) => unreachable_advice(*step),
        ErrorKind::ConnectionLost => Advice::new(
            "Connection to Atlas broke",
            "Check the network and any proxy between here and Atlas, then run this again.",
        ),
        ErrorKind::TimedOut { .. } => Advice::new(
            "No answer from Atlas",
            "Atlas, or a proxy on the way, took longer than request_timeout of the provider block. Run this again, or raise request_timeout.",
        ),
        ErrorKind::Deadline => Advice::new(
            "Operation timed out",
            "Raise the resource's timeouts, or run this again when Atlas answers faster.",
        ),
        ErrorKind::RetryExceedsDeadline { .. } => Advice::new(
            "Timed out while waiting for Atlas",
            "Raise the resource's timeouts, lower -parallelism if it is the rate of requests that Atlas limits, or run this again later.",
        ),
        ErrorKind::Cancelled => Advice::new("Stopped", "The run was stopped while waiting."),
        ErrorKind::NoRootCertificates => Advice::new(
            "No trusted certificate authorities",
            if READS_SSL_CERT_FILE {
                "This machine has no store of trusted certificate authorities (usual in minimal containers). Install the package ca-certificates, or \
                 set the environment variable SSL_CERT_FILE to the path of a PEM bundle, or set ca_bundle_pem in the provider block."
            } else {
                "The trusted certificate authorities of this system could not be loaded. Set ca_bundle_pem in the provider block."
            },
        ),
        ErrorKind::Setup => Advice::new(
            "HTTP client could not be set up",
            "Check the proxy variables HTTPS_PROXY and NO_PROXY and ca_bundle_pem of the provider block.",
        ),
        ErrorKind::BodyTooLarge { .. } | ErrorKind::InvalidBody { .. } => Advice::new(
            "Unusable answer from Atlas",
            "The answer does not look like the Atlas API's. Check base_url and any proxy. If they are right, report this as a bug.",
        ),
    }
}

fn unreachable_advice(step: ConnectError) -> Advice {
    match step {
        ConnectError::Tls => Advice::new(
            "No secure connection to Atlas",
            if READS_SSL_CERT_FILE {
                "The server's certificate was not accepted. Behind a proxy that opens TLS, set ca_bundle_pem in the provider block to the proxy's \
                 certificate authority, or SSL_CERT_FILE to the path of a file that contains it."
            } else {
                "The server's certificate was not accepted. Behind a proxy that opens TLS, set ca_bundle_pem in the provider block to the proxy's \
                 certificate authority."
            },
        ),
        ConnectError::Proxy => Advice::new(
            "Proxy did not connect to Atlas",
            "Check HTTPS_PROXY, its credentials, and whether it allows connections to Atlas; NO_PROXY names hosts that need none.",
        ),
        ConnectError::Dns
        | ConnectError::Refused
        | ConnectError::TimedOut
        | ConnectError::Other => Advice::new(
            "Atlas cannot be reached",
            "Nothing was sent. Check the network, base_url, and whether a proxy is needed (HTTPS_PROXY).",
        ),
    }
}

fn login_advice(error: &Error) -> Advice {
    match error.status() {
        Some(429) => Advice::new(
            "Too many logins",
            "Atlas allows a limited number of access tokens a minute for each address and service account. Run this again in a minute, and \
             fewer runs at once.",
        ),
        Some(403) => Advice::new(
            "Service account was refused",
            "A service account may have 100 live tokens. Tokens end after an hour; revoke unused ones, or use another service account for runs \
             that go on at the same time.",
        ),
        Some(status) if status >= 500 => Advice::new(
            "Login failed at Atlas",
            "This is a fault on Atlas' side. Run this again in a while.",
        ),
        _ => Advice::new(
            "Atlas login refused",
            "Check client_id and client_secret (or MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET): the secret may have expired or been \
             replaced.",
        ),
    }
}

fn code_advice(code: &str) -> Option<Advice> {
    let advice = match code {
        "USER_NOT_MANAGED_X509" => Advice::new(
            "Database user is not Atlas-managed X.509",
            "Certificates are issued only for users whose X.509 type is MANAGED. The type is fixed when a user is created: create the user anew with \
             x509_type = \"MANAGED\".",
        )
        .at("username"),
        "CANNOT_GENERATE_CERT_IF_ADVANCED_X509" => Advice::new(
            "Project uses its own certificate authority",
            "The project has self-managed X.509 (a customer CA) switched on; then Atlas issues no certificates. Use certificates of your own authority, \
             another project, or switch self-managed X.509 off.",
        )
        .at("project_id"),
        "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED" => Advice::new(
            "Too many certificates for this user",
            "Atlas limits how many unexpired certificates a user may have, and they cannot be deleted. Wait until older ones expire (data source \
             atlas_user_certificates lists them), or use another database user.",
        )
        .at("username"),
        "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS" => {
            Advice::new("Validity too long", "Atlas issues certificates for 24 months at most.").at("months_until_expiration")
        }
        "ATLAS_MANAGED_X509_NAME_INVALID" | "ATLAS_INVALID_USERNAME" | "ATLAS_INVALID_DN_METACHARACTERS"
        | "ATLAS_INVALID_LDAP_NAME" => Advice::new(
            "Username not accepted",
            "Use the plain name of the user, without CN= and without further parts of a distinguished name.",
        )
        .at("username"),
        "MALFORMED_JSON" | "INVALID_JSON" | "INVALID_QUERY_PARAMETER" => Advice::new(
            "Request not understood",
            "Nothing in the configuration stands behind this: report it as a bug of the provider, unless a proxy changes requests.",
        ),
        "INVALID_PATH_PARAMETER" | "PATH_PARAM_PARSE_ERROR" => Advice::new(
            "Request not understood",
            "Atlas could not read the project id or the username in the request. Check both for unusual characters; a proxy may also have \
             changed them.",
        ),
        "EXPIRED_X509_CA_CERTIFICATE" => Advice::new(
            "Certificate authority expired",
            "The project's own certificate authority has expired. Replace it in the project's security settings.",
        ),
        "USER_UNAUTHORIZED" => Advice::new(
            "Missing role",
            "The API key or service account lacks a role: issuing needs Project Owner, looking up needs Project Read Only. Grant it in the project's \
             access manager.",
        ),
        "NOT_IN_GROUP" | "USER_CANNOT_ACCESS_GROUP" | "NOT_ORG_GROUP_CREATOR" | "NO_CURRENT_USER" => Advice::new(
            "No access to the project",
            "The API key or service account belongs to another organization or was not added to this project, or project_id is another project's.",
        )
        .at("project_id"),
        "ACCOUNT_SUSPENDED" | "NO_PAYMENT_INFORMATION_FOUND" => Advice::new(
            "Atlas account suspended or unpaid",
            "Settle the organization's billing in Atlas; repeating will not help.",
        ),
        "IP_ADDRESS_NOT_ON_ACCESS_LIST" | "IP_ADDRESS_NOT_ON_WHITELIST" => Advice::new(
            "Address not on the API access list",
            "Add this machine's public address to the API access list of the API key or service account. It is not the project's IP access list for \
             databases.",
        ),
        "RESOURCE_REQUIRES_ACCESS_LIST" | "ORG_REQUIRES_ACCESS_LIST" | "RESOURCE_REQUIRES_WHITELIST" => Advice::new(
            "API access list required",
            "The organization demands an API access list, and this API key or service account has none. Add one with this machine's public \
             address.",
        ),
        "GROUP_NOT_FOUND" | "INVALID_GROUP_ID" | "NOT_ATLAS_GROUP" => {
            Advice::new("Project not found", "Check project_id: the project may have been deleted.").at("project_id")
        }
        "USERNAME_NOT_FOUND" | "USER_NOT_FOUND" | "USER_NOT_IN_GROUP" => Advice::new(
            "Database user not found",
            "Create the user first, in $external and with X.509 type MANAGED. If the same configuration creates it, let username refer to that \
             resource, so that the user comes first.",
        )
        .at("username"),
        "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES" => Advice::new(
            "Atlas is under maintenance",
            "Nothing was written. Run this again in some minutes.",
        ),
        "RATE_LIMITED" | "RATE_LIMITED_TOKEN_BUCKET" => rate_limited(),
        _ => return None,
    };
    Some(advice)
}

fn status_advice(status: Option<u16>) -> Advice {
    match status {
        Some(400) => Advice::new(
            "Request refused",
            "Atlas does not accept what was asked; its own words above say why. If the configuration looks right, report this as a bug of the provider.",
        ),
        Some(401) => Advice::new(
            "Atlas login refused",
            "The credentials are wrong, expired or revoked. Check those in the provider block or in the MONGODB_ATLAS_* environment variables. Atlas \
             also answers this way when a role is missing: issuing needs Project Owner.",
        ),
        Some(402) => Advice::new(
            "Payment required",
            "Settle the organization's billing in Atlas; repeating will not help.",
        ),
        Some(403) => Advice::new(
            "Access denied",
            "Check the role (issuing needs Project Owner) and the API access list of the API key or service account.",
        ),
        Some(404) => Advice::new(
            "Not found",
            "Atlas knows nothing under this address. Check project_id, username and base_url.",
        ),
        Some(405) => Advice::new(
            "Not allowed at present",
            "Atlas did not accept the request. Run this again in some minutes.",
        ),
        Some(409) => Advice::new(
            "Conflict",
            "Something else changes the same user or project, or the user's state does not allow it. Look at the user in Atlas, then run this again.",
        ),
        Some(429) => rate_limited(),
        Some(status) if status >= 500 => Advice::new(
            "Fault at Atlas",
            "This is a fault on Atlas' side, or of a proxy. Run this again in a while; status.mongodb.com tells of known ones.",
        ),
        _ => Advice::new("Request refused", "Atlas' own words above say why."),
    }
}

fn unrecognised_advice(status: u16) -> Advice {
    match status {
        401 | 403 | 407 => Advice::new(
            "Refused, and not by Atlas' API",
            "A proxy or firewall on the way most likely refused the request. Check HTTPS_PROXY, NO_PROXY and base_url.",
        ),
        404 => Advice::new(
            "No Atlas API at this address",
            "Check base_url. A name with unusual characters may also have been refused by a proxy on the way.",
        ),
        429 => rate_limited(),
        _ => Advice::new(
            "Unusable answer instead of Atlas'",
            "A proxy or load balancer on the way answered in place of Atlas. Run this again in a while, and check base_url and HTTPS_PROXY if it stays.",
        ),
    }
}

fn version_gone(error: &Error) -> Advice {
    let next_step = if error.uses_latest_api_version() {
        "Atlas has ended this version of its API. Upgrade the provider."
    } else {
        "Atlas has ended this version of its API. Upgrade the provider, or set api_version = \"v2\" in the provider block."
    };
    Advice::new("API version no longer offered", next_step)
}

fn rate_limited() -> Advice {
    Advice::new(
        "Rate limit of Atlas reached",
        "Too many requests in a short time. Run this again in a minute, with a lower -parallelism, or raise max_retries in the provider block or the \
         resource's timeouts.",
    )
}
