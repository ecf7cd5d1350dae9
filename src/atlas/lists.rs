//! Reads lists page by page. The certificate list of a user is shared by concurrent callers and cached.

use std::{collections::HashSet, hash::Hash, sync::Arc};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    auth::Authenticator,
    config::CallOptions,
    error::{Error, ErrorKind},
    params::{ProjectId, UserKey, Username},
    request::Request,
    response::{self, Page},
    shared::Shared,
    values::{CertificateList, DatabaseUser, ListedCertificate},
};

/// Reads lists, and caches those of certificates.
pub(super) struct Lists {
    pub(super) auth: Authenticator,
    certificates: Shared<UserKey, Arc<CertificateList>>,
}

impl Lists {
    pub(super) fn new(auth: Authenticator) -> Self {
        let certificates = Shared::new();
        Self { auth, certificates }
    }

    /// Lists a user's unexpired certificates.
    pub(super) async fn certificates(
        &self,
        project: &ProjectId,
        user: &Username,
        options: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        let key = self.auth.endpoints.user_key(project, user);
        let first = self.auth.endpoints.certificates(project, user, 1);
        let fetch = async || {
            let request = |page| self.auth.endpoints.certificates(project, user, page);
            let pages = read_pages(&self.auth, options, request);
            pages.await.map(|pages| Arc::new(pages.into()))
        };
        self.certificates.get(&key, &first.info, options, fetch).await
    }

    /// Lists a user's certificates with a request that was made at `earliest` or later.
    pub(super) async fn certificates_since(
        &self,
        earliest: Instant,
        project: &ProjectId,
        user: &Username,
        options: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        let key = self.auth.endpoints.user_key(project, user);
        loop {
            self.certificates.invalidate_if(&key, |list| list.requested_at < earliest);
            // This can be a fetch that was in progress already.
            let list = self.certificates(project, user, options).await?;
            if list.requested_at >= earliest {
                return Ok(list);
            }
        }
    }

    /// Lists the database users of a project.
    pub(super) async fn users(
        &self,
        project: &ProjectId,
        options: &CallOptions,
    ) -> Result<Vec<DatabaseUser>, Error> {
        let request = |page| self.auth.endpoints.users(project, page);
        let pages = read_pages(&self.auth, options, request).await?;
        Ok(pages.items)
    }

    /// Discards the cached list, because another certificate was issued.
    pub(super) fn invalidate(&self, user: &UserKey) {
        self.certificates.invalidate(user);
    }
}

/// An item of a list.
trait Item: Sized {
    type Key: Eq + Hash;
    fn parse(body: &[u8]) -> Result<Page<Self>, ErrorKind>;
    fn key(&self) -> Self::Key;
    fn is_listed_at(&self, now: Timestamp) -> bool;
}

impl Item for ListedCertificate {
    type Key = String;

    fn parse(body: &[u8]) -> Result<Page<Self>, ErrorKind> {
        response::certificates(body)
    }

    fn key(&self) -> String {
        self.certificate_id.clone()
    }

    fn is_listed_at(&self, now: Timestamp) -> bool {
        self.is_valid_at(now)
    }
}

impl Item for DatabaseUser {
    type Key = (String, String);

    fn parse(body: &[u8]) -> Result<Page<Self>, ErrorKind> {
        response::users(body)
    }

    fn key(&self) -> (String, String) {
        (self.auth_database.clone(), self.username.clone())
    }

    fn is_listed_at(&self, _: Timestamp) -> bool {
        true
    }
}

/// The items of all pages, and the moment of the first page. Items that were created later can be missing.
struct Pages<T> {
    items: Vec<T>,
    server_time: Timestamp,
    fetched_at: Instant,
    requested_at: Instant,
}

impl From<Pages<ListedCertificate>> for CertificateList {
    fn from(pages: Pages<ListedCertificate>) -> Self {
        Self {
            certificates: pages.items,
            server_time: pages.server_time,
            fetched_at: pages.fetched_at,
            requested_at: pages.requested_at,
        }
    }
}

/// Reads all pages, and reads them once more if they are inconsistent.
async fn read_pages<T: Item>(
    auth: &Authenticator,
    options: &CallOptions,
    request: impl Fn(usize) -> Request,
) -> Result<Pages<T>, Error> {
    match read_pages_once(auth, options, &request).await? {
        Ok(pages) => Ok(pages),
        Err(_) => read_pages_once(auth, options, &request).await?,
    }
}

/// Reads all pages. The inner error is an inconsistency, because of which an item can be missing; a certificate would
/// then be issued again. The list changed while it was read, or a proxy drops the query.
async fn read_pages_once<T: Item>(
    auth: &Authenticator,
    options: &CallOptions,
    request: &impl Fn(usize) -> Request,
) -> Result<Result<Pages<T>, Error>, Error> {
    let requested_at = Instant::now();
    let mut keys = HashSet::new();
    let mut items: Vec<T> = Vec::new();
    let mut first = None;
    for number in 1..=MAX_PAGES {
        let request = request(number);
        let response = auth.call(&request, options).await?;
        let invalid = |what| response.error(&request, ErrorKind::InvalidBody { what });
        let page = T::parse(&response.body).map_err(|kind| response.error(&request, kind))?;
        let now = response.server_time.unwrap_or_else(|| auth.sender.clock.now());
        let (server_time, fetched_at, total) =
            *first.get_or_insert((now, response.received_at, page.total));
        let (known, is_empty) = (items.len(), page.items.is_empty());
        items.extend(page.items.into_iter().filter(|item| keys.insert(item.key())));
        if items.len() == known && !is_empty {
            return Ok(Err(invalid("a page of the list contains only items of previous pages")));
        }
        if page.total != total || items[..known].iter().any(|item| !item.is_listed_at(now)) {
            return Ok(Err(invalid("the list changed while it was read")));
        }
        if page.has_next {
            continue;
        }
        if total.is_some_and(|total| total > items.len() as u64) {
            return Ok(Err(invalid("the list contains fewer items than its total count")));
        }
        return Ok(Ok(Pages { items, server_time, fetched_at, requested_at }));
    }
    let what = "the list has more than 50,000 items";
    let info = request(MAX_PAGES).info;
    Err(Error::new(&info, 1, ErrorKind::InvalidBody { what }))
}

/// 50,000 items.
const MAX_PAGES: usize = 100;
