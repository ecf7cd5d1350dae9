//! Errors returned by the Admin API client.
//!
//! An error identifies the request (operation, method, address and path) and its cause. It never contains a credential
//! or the body of a response to a certificate request. Text from a server has been made safe to print.

use std::{error::Error as StdError, fmt, iter::successors, sync::Arc, time::Duration};

use reqwest::Method;
use thiserror::Error;

use super::{config::CredentialKind, sanitize::printable};

/// A failed call. Cheap to clone, because concurrent callers can share a call.
#[derive(Clone, Debug, Error)]
#[error(transparent)]
pub(crate) struct Error(Arc<Inner>);

#[derive(Debug, Error)]
#[error("{} {kind}", .request.operation)]
struct Inner {
    request: RequestInfo,
    attempts: u32,
    kind: ErrorKind,
    source: Option<Source>,
}

pub(super) type Source = Box<dyn StdError + Send + Sync>;

/// The part of a request that an error names.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    /// Host and port of the server, and the proxy if there is one: `cloud.mongodb.com:443 through the proxy proxy:3128`.
    pub(crate) address: Arc<str>,
    pub(crate) credentials: CredentialKind,
    /// Path and query, percent-encoded as sent.
    pub(crate) target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    IssueCertificate,
    ListCertificates,
    ReadUser,
    ListUsers,
    /// Requests an access token or an HTTP Digest challenge.
    Authenticate,
    RevokeToken,
}

/// Causes, as far as a caller can act on them.
#[derive(Clone, Debug, Error)]
pub(crate) enum ErrorKind {
    /// Atlas, or its token endpoint, refused the request.
    #[error("{}: HTTP {}{}", if .0.status < 500 { "was refused" } else { "failed" }, .0.status, .0.code_in_parentheses())]
    Api(ApiError),
    /// The response is not one of the Atlas API; it is probably from a proxy, a gateway or a load balancer. Its status, and
    /// the first line of its body, except of a response to a certificate request.
    #[error("received HTTP {0} from something that is not the Atlas API")]
    UnexpectedResponse(u16, Option<String>),
    /// A redirect, which is not followed, because another address would get the credentials. Its status and `Location`.
    #[error("was answered with a redirect (HTTP {0}), which is not followed")]
    Redirected(u16, Option<String>),
    #[error("could not reach the server: {0}")]
    Connect(&'static str),
    /// The certificate of the server is not trusted, or TLS failed otherwise.
    #[error("could not reach the server: TLS failed")]
    Tls,
    #[error("could not reach the server: the proxy did not open a connection")]
    Proxy,
    #[error("received no complete response: the connection broke")]
    ConnectionLost,
    /// No complete response within this time limit of one request.
    #[error("received no response within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("reached the time limit of the whole operation")]
    Deadline,
    /// The wait before a retry would end after the deadline of the call. The wait, and the reason for the retry.
    #[error("{}, and the next attempt would be in {} seconds, after the time limit of the whole operation", .1.kind(), .0.as_secs())]
    RetryExceedsDeadline(Duration, Error),
    #[error("was stopped")]
    Cancelled,
    #[error("could not start: the system's trusted certificate authorities could not be loaded")]
    NoRootCertificates,
    #[error("could not start: the HTTP client could not be set up")]
    Setup,
    /// A successful response with an invalid body: what is wrong with it.
    #[error("received an invalid response: {0}")]
    InvalidBody(&'static str),
}

/// The error body of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// The error code of Atlas, or that of OAuth.
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    /// The invalid fields of the request, each with its problem.
    pub(crate) fields: Vec<(String, String)>,
}

impl Error {
    pub(super) fn new(request: &RequestInfo, attempts: u32, kind: ErrorKind) -> Self {
        Self::with_source(request, attempts, kind, None)
    }

    pub(super) fn with_source(
        request: &RequestInfo,
        attempts: u32,
        kind: ErrorKind,
        source: Option<Source>,
    ) -> Self {
        Self(Arc::new(Inner { request: request.clone(), attempts, kind, source }))
    }

    pub(crate) fn request(&self) -> &RequestInfo {
        &self.0.request
    }

    /// How many requests were attempted; 0 if the call failed before the first.
    pub(crate) fn attempts(&self) -> u32 {
        self.0.attempts
    }

    pub(crate) fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The HTTP status of the response, if it was an error.
    pub(crate) fn status(&self) -> Option<u16> {
        match self.last_failure().kind() {
            ErrorKind::Api(ApiError { status, .. })
            | ErrorKind::UnexpectedResponse(status, _)
            | ErrorKind::Redirected(status, _) => Some(*status),
            _ => None,
        }
    }

    pub(crate) fn api_error(&self) -> Option<&ApiError> {
        if let ErrorKind::Api(error) = self.last_failure().kind() { Some(error) } else { None }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.api_error()?.code.as_deref()
    }

    /// The message of the network or TLS library, in one line.
    pub(crate) fn source_message(&self) -> Option<String> {
        let first: &(dyn StdError + 'static) = self.last_failure().0.source.as_ref()?.as_ref();
        let mut messages: Vec<_> = successors(Some(first), |error| StdError::source(*error))
            .filter(|error| !error.is::<reqwest::Error>())
            .map(ToString::to_string)
            // Of hyper-util 0.1, such as `client error (Connect)`: the reason is in its source.
            .filter(|message| !message.starts_with("client error ("))
            .map(|message| printable(&message, 300))
            .collect();
        messages.dedup();
        let from = messages.len().saturating_sub(2);
        (!messages.is_empty()).then(|| messages[from..].join(": "))
    }

    /// The project does not exist, or the credentials have no access to it.
    pub(crate) fn is_project_not_found(&self) -> bool {
        self.is_not_found(&["GROUP_NOT_FOUND", "INVALID_GROUP_ID"])
    }

    pub(crate) fn is_user_not_found(&self) -> bool {
        self.is_not_found(&["USERNAME_NOT_FOUND", "USER_NOT_FOUND", "USER_NOT_IN_GROUP"])
    }

    pub(crate) fn is_api_version_removed(&self) -> bool {
        self.status() == Some(410)
    }

    /// The request used the latest API version, so that another `api_version` cannot help.
    pub(crate) fn uses_latest_api_version(&self) -> bool {
        self.0.request.target.contains("/v2/")
    }

    /// The credentials are valid and lack a role or access to the project.
    pub(crate) fn is_missing_role(&self) -> bool {
        let codes = [
            "USER_UNAUTHORIZED",
            "NOT_IN_GROUP",
            "USER_CANNOT_ACCESS_GROUP",
            "NOT_ORG_GROUP_CREATOR",
        ];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// Atlas rejected the credentials themselves.
    pub(crate) fn is_rejected_credentials(&self) -> bool {
        self.api_error().is_some_and(|error| error.status == 401) && !self.is_missing_role()
    }

    /// No response was received, neither from Atlas nor from a gateway.
    pub(crate) fn is_unreachable(&self) -> bool {
        let kind = self.last_failure().kind();
        kind.may_pass() || matches!(kind, ErrorKind::Tls | ErrorKind::Deadline)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.kind(), ErrorKind::Cancelled)
    }

    /// The deadline of the call was reached, or the wait before a retry would exceed it.
    pub(crate) fn is_deadline_exceeded(&self) -> bool {
        matches!(self.kind(), ErrorKind::Deadline | ErrorKind::RetryExceedsDeadline(..))
    }

    fn is_not_found(&self, codes: &[&str]) -> bool {
        self.status() == Some(404) && self.code().is_some_and(|code| codes.contains(&code))
    }

    /// The error, or the reason for the retry that there was no time for.
    fn last_failure(&self) -> &Self {
        if let ErrorKind::RetryExceedsDeadline(_, cause) = self.kind() { cause } else { self }
    }
}

impl ErrorKind {
    /// Whether no connection was established, so that nothing was sent.
    pub(crate) fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Proxy | Self::Tls)
    }

    /// Whether the network failed in a way that another attempt may not.
    pub(super) fn may_pass(&self) -> bool {
        use ErrorKind::{Connect, ConnectionLost, Proxy, TimedOut};
        matches!(self, Connect(_) | Proxy | ConnectionLost | TimedOut(_))
    }
}

impl ApiError {
    fn code_in_parentheses(&self) -> String {
        self.code.as_ref().map_or_else(String::new, |code| format!(" ({code})"))
    }
}

impl Operation {
    /// Whether a request may be sent again although a previous attempt may have taken effect. Each request for a certificate
    /// that takes effect issues one that cannot be revoked.
    pub(super) fn is_idempotent(self) -> bool {
        self != Self::IssueCertificate
    }

    pub(super) fn name(self) -> &'static str {
        self.names().0
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::IssueCertificate => ("issue_certificate", "issuing a certificate"),
            Self::ListCertificates => ("list_certificates", "listing certificates"),
            Self::ReadUser => ("read_user", "reading the database user"),
            Self::ListUsers => ("list_users", "listing database users"),
            Self::Authenticate => ("authenticate", "authenticating"),
            Self::RevokeToken => ("revoke_token", "revoking the access token"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names().1)
    }
}
