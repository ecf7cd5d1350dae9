//! A client of the `MongoDB` Atlas Admin API, as far as X.509 certificates of database users need it.
//!
//! A call passes through `request` (pure), `auth` (credentials), `retry` (attempts) and `http` (the network), and its
//! response through `response` (pure). `issue` and `lists` are the calls that need more than one request. Each file
//! uses only files above it in this order: proxy, config, params, sanitize, error, values, request,
//! response, `single_use_body`, `http_settings`, http, retry, shared, auth, `issued_ids`, lists, issue.

mod auth;
mod config;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod http_settings;
mod issue;
mod issued_ids;
mod lists;
mod params;
mod proxy;
mod request;
mod response;
mod retry;
mod sanitize;
mod shared;
mod single_use_body;
#[cfg(test)]
mod tests;
mod values;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::sanitize::printable;
use self::{
    auth::Authenticator,
    http::HttpClient,
    issue::IssueCall,
    lists::Lists,
    params::UserKey,
    request::Endpoints,
    retry::{Sender, Timing},
    shared::Shared,
};
pub use self::{
    config::{
        ApiVersion, BaseUrl, CallOptions, Config, ConfigError, CredentialKind, Credentials,
        InvalidBaseUrl, InvalidHeaderValue, Retry,
    },
    error::{ApiError, ConnectError, Error, ErrorKind, Field, Operation},
    http_settings::READS_SSL_CERT_FILE,
    issue::{IssueError, IssuedCertificate, Reconciliation},
    issued_ids::IssuedIds,
    params::{InvalidMonths, InvalidProjectId, InvalidUsername, Months, ProjectId, Username},
    proxy::{InvalidProxy, Proxy},
    values::{CertificateList, DatabaseUser, DeprecationNotice, ListedCertificate, X509Type},
};
use crate::clock::Clock;

/// A client with one set of credentials at one server. Clones share connections, tokens and lists.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    lists: Lists,
    users: Shared<UserKey, Arc<DatabaseUser>>,
    issued_ids: Arc<IssuedIds>,
    is_notice_taken: AtomicBool,
}

impl Client {
    /// Creates a client without access to the network or the disk. The clock is read if a response has no date.
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        issued_ids: Arc<IssuedIds>,
    ) -> Result<Self, ConfigError> {
        Self::with_timing(config, clock, issued_ids, Timing::default())
    }

    fn with_timing(
        config: Config,
        clock: Arc<dyn Clock>,
        issued_ids: Arc<IssuedIds>,
        timing: Timing,
    ) -> Result<Self, ConfigError> {
        let sender = Sender {
            http: HttpClient::new(&config)?,
            clock,
            max_retries: config.max_retries,
            timing,
        };
        let proxy = config.proxy.as_ref();
        let endpoints = Endpoints::new(&config.base_url, config.api_version, proxy)
            .with_credentials(config.credentials.kind());
        Ok(Self(Arc::new(Inner {
            lists: Lists::new(Authenticator::new(sender, endpoints, config.credentials)?),
            users: Shared::new(),
            issued_ids,
            is_notice_taken: AtomicBool::new(false),
        })))
    }

    /// Issues one certificate for a database user.
    ///
    /// Never issues two: the request is retried only if the previous attempt certainly had no effect. Do not drop the
    /// future after the request was sent, because the private key would be lost.
    pub async fn issue(
        &self,
        project: &ProjectId,
        user: &Username,
        months: Months,
        options: &CallOptions,
    ) -> Result<IssuedCertificate, IssueError> {
        let call = IssueCall {
            lists: &self.0.lists,
            issued_ids: &self.0.issued_ids,
            project,
            user,
            options,
        };
        call.run(months).await
    }

    /// Registers a certificate from an earlier run, so that a reconciliation does not take it for one whose key was lost:
    /// it can be as young as the resolution of the server's times.
    pub fn register_existing(&self, project: &ProjectId, user: &Username, certificate_id: &str) {
        let key = self.0.lists.auth.endpoints.user_key(project, user);
        self.0.issued_ids.insert_existing(key, certificate_id);
    }

    /// Lists a user's unexpired certificates. The list is cached until this client issues a certificate for the user.
    pub async fn certificates(
        &self,
        project: &ProjectId,
        user: &Username,
        options: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        self.0.lists.certificates(project, user, options).await
    }

    /// Reads a database user of `$external`. The user is cached.
    pub async fn user(
        &self,
        project: &ProjectId,
        user: &Username,
        options: &CallOptions,
    ) -> Result<Arc<DatabaseUser>, Error> {
        let Inner { lists: Lists { auth, .. }, users, .. } = &*self.0;
        let request = auth.endpoints.user(project, user);
        let fetch = async || {
            let response = auth.call(&request, options).await?;
            let user = response::user(&response.body);
            user.map(Arc::new).map_err(|kind| response.error(&request, kind))
        };
        let key = auth.endpoints.user_key(project, user);
        users.get(&key, &request.info, options, fetch).await
    }

    /// Lists the database users of a project, of all authentication databases. The list is not cached.
    pub async fn users(
        &self,
        project: &ProjectId,
        options: &CallOptions,
    ) -> Result<Vec<DatabaseUser>, Error> {
        self.0.lists.users(project, options).await
    }

    /// Revokes the access token, if there is one, within `timeout`.
    pub async fn close(&self, timeout: Duration) {
        let options = CallOptions {
            deadline: Instant::now() + timeout,
            cancel: CancellationToken::new(),
            retry: Retry::Default,
        };
        if let Err(error) = self.0.lists.auth.revoke(&options).await {
            tracing::debug!(error = %error, "the access token was not revoked and is valid until it expires");
        }
    }

    /// The first announcement that the API version in use will be removed; `None` after it was returned once.
    pub fn take_deprecation_notice(&self) -> Option<DeprecationNotice> {
        let notice = self.0.lists.auth.sender.http.deprecation.get()?;
        let is_taken = self.0.is_notice_taken.swap(true, Ordering::Relaxed);
        (!is_taken).then(|| notice.clone())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.0.lists.auth.endpoints.server())
            .finish_non_exhaustive()
    }
}
