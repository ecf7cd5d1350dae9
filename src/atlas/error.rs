//! Why a call gave no usable answer.
//!
//! An error knows what was asked (operation, method, path) and why it failed, never a body of the
//! issuing call and never a credential. All text that came from a server has been made printable.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::flight::GaveUp;
use super::request::{Operation, Request};
use super::retry::ROLE_CODES;
use super::text::printable;

/// A call that failed; cheap to clone, because callers may have shared the call.
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    operation: Operation,
    method: String,
    path: String,
    attempts: u32,
    kind: ErrorKind,
    source: Option<Source>,
}

/// What lies beneath an error.
pub(super) type Source = Box<dyn StdError + Send + Sync>;

/// Causes, as far as a caller can do something different about them.
#[derive(Clone, Debug, Error)]
pub enum ErrorKind {
    /// Atlas answered, and refused.
    #[error("was refused: HTTP {}{}", .0.status, .0.shown_code())]
    Api(ApiError),
    /// An answer that is not Atlas' own, from a proxy or a load balancer most likely.
    #[error("was answered with HTTP {status}, and not in the form of the Atlas API")]
    UnexpectedResponse {
        /// The HTTP status.
        status: u16,
        /// The first line of the body, if it had any.
        first_line: Option<String>,
    },
    /// An answer that points elsewhere; credentials are not carried there.
    #[error("was answered with a redirect (HTTP {status}), which is not followed")]
    Redirected {
        /// The HTTP status.
        status: u16,
        /// Where it points.
        location: Option<String>,
    },
    /// The token endpoint refused the service account.
    #[error("was refused: HTTP {}{}", .0.status, .0.shown_code())]
    Authentication(ApiError),
    /// No connection could be made; nothing was sent.
    #[error("could not reach the server: {0}")]
    Connect(ConnectError),
    /// The connection broke while the answer was awaited.
    #[error("got no whole answer: the connection broke")]
    ConnectionLost,
    /// No answer within the time one request may take.
    #[error("got no answer within {} seconds", .after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The time for the whole operation was used up.
    #[error("ran out of the time set for the whole operation")]
    Deadline,
    /// The wait before a repeat would have outlasted the operation.
    #[error("{}, and the next try would come in {} seconds, later than the whole operation may take", .cause.kind(), .wait.as_secs())]
    RetryExceedsDeadline {
        /// How long the wait would have been.
        wait: Duration,
        /// Why it would have been necessary.
        cause: Error,
    },
    /// The caller asked to stop.
    #[error("was stopped")]
    Cancelled,
    /// The system has no certificate authorities to trust.
    #[error("could not begin: the system's trusted certificate authorities could not be loaded")]
    NoRootCertificates,
    /// The HTTP client could not be set up.
    #[error("could not begin: the HTTP client could not be set up")]
    Setup,
    /// More was sent than any answer of this kind has.
    #[error("got an answer of more than {limit} bytes")]
    BodyTooLarge {
        /// The most that is read.
        limit: usize,
    },
    /// Success by its status, yet not what was asked for.
    #[error("got an answer that cannot be understood: {what}")]
    InvalidBody {
        /// What is wrong with it.
        what: &'static str,
    },
}

/// What a refusing server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Atlas' error code, or OAuth's.
    pub code: Option<String>,
    /// The sentence that goes with it.
    pub detail: Option<String>,
    /// Which fields of the request are to blame.
    pub fields: Vec<Field>,
}

/// A field of the request body that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The API's name of the field.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// At which step a connection could not be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConnectError {
    /// The host's name has no address.
    #[error("its name could not be resolved")]
    Dns,
    /// Nobody listens.
    #[error("the connection was refused")]
    Refused,
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("TLS failed")]
    Tls,
    /// The proxy would not let us through.
    #[error("the proxy did not open a connection")]
    Proxy,
    /// Nobody answered.
    #[error("connecting took too long")]
    TimedOut,
    /// Something else before the request was written.
    #[error("the connection could not be used")]
    Other,
}

/// A part of the configuration that no HTTP header can carry.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum InvalidHeaderValue {
    #[error("client id or client secret")]
    ServiceAccount,
    #[error("public key")]
    PublicKey,
    #[error("access token")]
    Token,
}

impl Error {
    pub(super) fn new(request: &Request, kind: ErrorKind) -> Self {
        Self::with_source(request, kind, None)
    }

    pub(super) fn with_source(request: &Request, kind: ErrorKind, source: Option<Source>) -> Self {
        Self(Arc::new(Inner {
            operation: request.operation,
            method: request.method.to_string(),
            path: request.target.clone(),
            attempts: 0,
            kind,
            source,
        }))
    }

    /// Notes how many requests were made before giving up.
    pub(super) fn after(self, attempts: u32) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { attempts, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// What was asked of Atlas.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// The HTTP method of the request.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// Path and query of the request, percent-encoded as sent.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// How many requests were made; 0 if none could be.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The cause.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The HTTP status of the answer, if there was one that refused.
    pub fn status(&self) -> Option<u16> {
        match self.kind() {
            ErrorKind::Api(refusal) | ErrorKind::Authentication(refusal) => Some(refusal.status),
            ErrorKind::UnexpectedResponse { status, .. } | ErrorKind::Redirected { status, .. } => {
                Some(*status)
            }
            ErrorKind::RetryExceedsDeadline { cause, .. } => cause.status(),
            _ => None,
        }
    }

    /// Atlas' error code.
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// Atlas' own sentence about what is wrong.
    pub fn detail(&self) -> Option<&str> {
        self.refusal()?.detail.as_deref()
    }

    /// The fields of the request that Atlas blames.
    pub fn fields(&self) -> &[Field] {
        self.refusal().map_or(&[], |refusal| &refusal.fields)
    }

    /// What the network or the TLS library said, in one line.
    pub fn source_message(&self) -> Option<String> {
        if let ErrorKind::RetryExceedsDeadline { cause, .. } = self.kind() {
            return cause.source_message();
        }
        let mut next: Option<&dyn StdError> = Some(self.0.source.as_ref()?.as_ref());
        let mut texts: Vec<String> = Vec::new();
        while let Some(error) = next {
            texts.push(error.to_string());
            next = error.source();
        }
        // What reqwest and hyper put around the reason says nothing more than the kind does.
        let is_wrapping = |text: &&String| {
            let text = text.to_lowercase();
            WRAPPINGS.iter().any(|known| text.starts_with(known))
        };
        let told = texts.iter().filter(|text| !is_wrapping(text));
        let mut inner: Vec<_> = told.map(|text| printable(text, 300)).collect();
        inner.dedup();
        let outer = inner.len().saturating_sub(2);
        (!inner.is_empty()).then(|| inner[outer..].join(": "))
    }

    /// The project does not exist (any more), or this login cannot see that it does.
    pub fn is_project_not_found(&self) -> bool {
        self.is_refused_as(404, &["GROUP_NOT_FOUND", "INVALID_GROUP_ID"])
    }

    /// The database user does not exist (any more).
    pub fn is_user_not_found(&self) -> bool {
        self.is_refused_as(
            404,
            &["USERNAME_NOT_FOUND", "USER_NOT_FOUND", "USER_NOT_IN_GROUP"],
        )
    }

    /// This version of the API is no longer served.
    pub fn is_api_version_removed(&self) -> bool {
        self.status() == Some(410)
    }

    /// The newest version of the API was asked: there is none to change to.
    pub fn uses_latest_api_version(&self) -> bool {
        self.path().contains("/v2/")
    }

    /// The login is good, and what it stands for may not do this.
    pub fn is_missing_role(&self) -> bool {
        self.code().is_some_and(|code| ROLE_CODES.contains(&code))
    }

    /// The caller asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind(), ErrorKind::Cancelled)
    }

    /// The time for the whole operation did not suffice.
    pub fn is_deadline_exceeded(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Deadline | ErrorKind::RetryExceedsDeadline { .. }
        )
    }

    /// No response was received from the server, or from anything in its place.
    pub fn is_unreachable(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect(_)
            | ErrorKind::ConnectionLost
            | ErrorKind::TimedOut { .. }
            | ErrorKind::Deadline => true,
            ErrorKind::RetryExceedsDeadline { cause, .. } => cause.is_unreachable(),
            _ => false,
        }
    }

    /// Atlas did not accept the credentials themselves.
    pub fn is_rejected_credentials(&self) -> bool {
        match self.kind() {
            ErrorKind::Authentication(_) => self.status() == Some(401),
            ErrorKind::Api(_) => self.status() == Some(401) && !self.is_missing_role(),
            _ => false,
        }
    }

    fn is_refused_as(&self, status: u16, codes: &[&str]) -> bool {
        self.status() == Some(status) && self.code().is_some_and(|code| codes.contains(&code))
    }

    fn refusal(&self) -> Option<&ApiError> {
        match self.kind() {
            ErrorKind::Api(refusal) | ErrorKind::Authentication(refusal) => Some(refusal),
            ErrorKind::RetryExceedsDeadline { cause, .. } => cause.refusal(),
            _ => None,
        }
    }
}

impl ApiError {
    fn shown_code(&self) -> String {
        self.code
            .as_ref()
            .map_or_else(String::new, |code| format!(" ({code})"))
    }
}

/// How texts begin that only say that there is a cause beneath.
const WRAPPINGS: [&str; 4] = [
    "error sending request",
    "error decoding response body",
    "request or response body error",
    "client error (",
];

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.operation, self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match (&self.0.source, &self.0.kind) {
            (Some(source), _) => Some(source.as_ref()),
            (None, ErrorKind::RetryExceedsDeadline { cause, .. }) => Some(cause),
            _ => None,
        }
    }
}

impl From<GaveUp> for ErrorKind {
    fn from(why: GaveUp) -> Self {
        match why {
            GaveUp::Stopped => Self::Cancelled,
            GaveUp::Deadline => Self::Deadline,
            GaveUp::Broken => Self::InvalidBody {
                what: "reading it failed by a bug of the provider",
            },
        }
    }
}
