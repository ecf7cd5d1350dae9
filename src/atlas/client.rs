//! The client: what its calls share.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    auth::Authenticator,
    config::{CallOptions, Config, ConfigError, Retry},
    http::HttpClient,
    issued_ids::IssuedIds,
    params::{ProjectId, Username},
    request::{Endpoints, UserKey},
    response::{CertificateList, DatabaseUser, DeprecationNotice},
    shared::Shared,
};
use crate::clock::Clock;

/// A client with one set of credentials at one server. Clones share connections, tokens and lists.
#[derive(Clone)]
pub struct Client(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) auth: Authenticator,
    pub(super) lists: Shared<UserKey, Arc<CertificateList>>,
    pub(super) users: Shared<UserKey, Arc<DatabaseUser>>,
    pub(super) issued_ids: Arc<IssuedIds>,
}

impl Client {
    /// Creates a client without access to the network or the disk. The clock is read if a response has no date.
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        issued_ids: Arc<IssuedIds>,
    ) -> Result<Self, ConfigError> {
        let config = Arc::new(config);
        let endpoints = Endpoints::new(&config);
        Ok(Self(Arc::new(Inner {
            auth: Authenticator::new(HttpClient::new(config, clock)?, endpoints)?,
            lists: Shared::new(),
            users: Shared::new(),
            issued_ids,
        })))
    }

    /// Registers a certificate from an earlier run, so that a reconciliation does not take it for one whose key was lost:
    /// it can be as young as the resolution of the server's times.
    pub fn register_existing(&self, project: &ProjectId, user: &Username, certificate_id: &str) {
        let key = self.0.auth.endpoints.user_key(project, user);
        self.0.issued_ids.insert(key, certificate_id);
    }

    /// Revokes the access token, if there is one, within `timeout`.
    pub async fn close(&self, timeout: Duration) {
        let options = CallOptions {
            deadline: Instant::now() + timeout,
            cancel: CancellationToken::new(),
            retry: Retry::Default,
        };
        if let Err(error) = self.0.auth.revoke(&options).await {
            tracing::debug!(error = %error, "the access token was not revoked and is valid until it expires");
        }
    }

    /// The first announcement that the API version in use will be removed; `None` after it was returned once.
    pub fn take_deprecation_notice(&self) -> Option<DeprecationNotice> {
        let notice = self.0.auth.http.deprecation.get()?;
        notice.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.0.auth.http.config.base_url)
    }
}
