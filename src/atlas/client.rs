//! The client and its calls that read: users, and lists page by page. Concurrent callers share reads about one user.

use std::{
    collections::HashSet,
    hash::Hash,
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    auth::Authenticator,
    config::{CallOptions, Config, ConfigError},
    error::{Error, ErrorKind},
    issued_ids::IssuedIds,
    params::{ProjectId, UserId},
    request::{self, Request, UserKey},
    response::{self, CertificateList, DatabaseUser, DeprecationNotice, ListedCertificate, Page},
    shared::Shared,
};
use crate::clock::Clock;

/// A client with one set of credentials at one server.
pub(crate) struct Client {
    pub(super) auth: Authenticator,
    pub(super) lists: Shared<UserKey, Arc<CertificateList>>,
    users: Shared<UserKey, Arc<DatabaseUser>>,
    pub(super) issued_ids: Arc<IssuedIds>,
}

impl Client {
    /// Creates a client without access to the network or the disk. The clock is read if a response has no date.
    pub(crate) fn new(
        config: Config,
        clock: Clock,
        issued_ids: Arc<IssuedIds>,
    ) -> Result<Self, ConfigError> {
        let auth = Authenticator::new(config, clock)?;
        Ok(Self { auth, lists: Shared::new(), users: Shared::new(), issued_ids })
    }

    /// Registers a certificate from an earlier run, so that a reconciliation does not take it for one whose key was lost:
    /// it can be as young as the resolution of the server's times.
    pub(crate) fn register_existing(&self, user: &UserId, certificate_id: &str) {
        self.issued_ids.insert(UserKey::new(&self.auth.http.config, user), certificate_id);
    }

    /// Reads a database user of `$external`. The user is cached.
    pub(crate) async fn user(
        &self,
        user: &UserId,
        options: &CallOptions,
    ) -> Result<Arc<DatabaseUser>, Error> {
        let config = &self.auth.http.config;
        let request = request::user(config, user);
        let fetch = async || {
            let response = self.auth.call(&request, options).await?;
            let user = response::user(&response.body);
            user.map(Arc::new).map_err(|kind| response.error(&request, kind))
        };
        let key = UserKey::new(config, user);
        self.users.get(&key, &request.info, options, fetch).await
    }

    /// Lists the database users of a project, of all authentication databases. The list is not cached.
    pub(crate) async fn users(
        &self,
        project: &ProjectId,
        options: &CallOptions,
    ) -> Result<Vec<DatabaseUser>, Error> {
        let request = |page| request::users(&self.auth.http.config, project, page);
        Ok(self.read_pages(options, &request, response::users, |_, _| true).await?.0)
    }

    /// Lists a user's unexpired certificates. The list is cached until this client issues a certificate for the user.
    pub(crate) async fn certificates(
        &self,
        user: &UserId,
        options: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        let config = &self.auth.http.config;
        let request = |page| request::certificates(config, user, page);
        let fetch = async || {
            let is_valid_at = ListedCertificate::is_valid_at;
            let pages = self.read_pages(options, &request, response::certificates, is_valid_at);
            let (certificates, server_time, fetched_at) = pages.await?;
            Ok(Arc::new(CertificateList { certificates, server_time, fetched_at }))
        };
        let key = UserKey::new(config, user);
        self.lists.get(&key, &request(1).info, options, fetch).await
    }

    /// Revokes the access token, if there is one, within `timeout`.
    pub(crate) async fn close(&self, timeout: Duration) {
        let options = CallOptions::within(timeout, &CancellationToken::new());
        if let Err(error) = self.auth.revoke(&options).await {
            tracing::debug!(error = %error, "the access token was not revoked and is valid until it expires");
        }
    }

    /// The first announcement that the API version in use will be removed; `None` after it was returned once.
    pub(crate) fn take_deprecation_notice(&self) -> Option<DeprecationNotice> {
        let notice = self.auth.http.deprecation.get()?;
        notice.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Reads all pages, and reads them once more if they are inconsistent, because an item can be missing then; a
    /// certificate would be issued again. The list changed while it was read, or a proxy drops the query.
    async fn read_pages<T: Clone + Eq + Hash>(
        &self,
        options: &CallOptions,
        request: &impl Fn(usize) -> Request,
        parse: fn(&[u8]) -> Result<Page<T>, ErrorKind>,
        is_listed_at: fn(&T, Timestamp) -> bool,
    ) -> Result<Items<T>, Error> {
        // The inner error is an inconsistency.
        let read = async || -> Result<Result<Items<T>, Error>, Error> {
            let mut known = HashSet::new();
            let mut items: Vec<T> = Vec::new();
            let mut first = None;
            for number in 1..=MAX_PAGES {
                let request = request(number);
                let response = self.auth.call(&request, options).await?;
                let page = parse(&response.body).map_err(|kind| response.error(&request, kind))?;
                let now = response.server_time.unwrap_or_else(self.auth.http.clock);
                let (server_time, fetched_at, total) =
                    *first.get_or_insert((now, response.received_at, page.total));
                let has_changed =
                    page.total != total || items.iter().any(|item| !is_listed_at(item, now));
                let is_empty = page.items.is_empty();
                let count = items.len();
                items.extend(page.items.into_iter().filter(|item| known.insert(item.clone())));
                let inconsistency = if items.len() == count && !is_empty {
                    "a page of the list contains only items of previous pages"
                } else if has_changed {
                    "the list changed while it was read"
                } else if page.has_next {
                    continue;
                } else if total.is_none_or(|total| total <= items.len() as u64) {
                    return Ok(Ok((items, server_time, fetched_at)));
                } else if is_empty {
                    "the list contains fewer items than its total count"
                } else {
                    continue; // smaller pages than requested, without links
                };
                return Ok(Err(response.error(&request, ErrorKind::InvalidBody(inconsistency))));
            }
            let kind = ErrorKind::InvalidBody("the list has more than 50,000 items");
            Err(Error::new(&request(MAX_PAGES).info, 1, kind))
        };
        match read().await? {
            Ok(items) => Ok(items),
            Err(_) => read().await?,
        }
    }
}

/// The items of all pages, and the moment of the first page by the server's clock and by the local monotonic clock.
type Items<T> = (Vec<T>, Timestamp, Instant);

/// 50,000 items.
const MAX_PAGES: usize = 100;
