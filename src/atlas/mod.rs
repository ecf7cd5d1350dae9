//! The `MongoDB` Atlas Admin API, as far as issuing X.509 certificates needs it.
//!
//! A call goes through `request` (pure), `auth` and `exchange` (log in, send, decide, wait),
//! `transport` (the only awaited network), `response` (pure), and comes back as a value of
//! `types` or as an [`Error`]. Nothing is guessed: what may be repeated is decided in `retry`,
//! and a certificate request without a usable answer is looked into in `issue`.

mod auth;
mod config;
mod connection;
mod error;
mod exchange;
mod flight;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod ids;
mod issue;
mod issued_ids;
mod notices;
mod request;
mod response;
mod retry;
#[cfg(test)]
mod tests;
mod text;
mod transport;
mod types;

pub use config::{ApiVersion, BaseUrl, Config, ConfigError, Credentials, InvalidBaseUrl};
pub use error::{ApiError, ConnectError, Error, ErrorKind, Field, InvalidHeaderValue};
pub use ids::{InvalidMonths, InvalidProjectId, InvalidUsername, Months, ProjectId, Username};
pub use issued_ids::IssuedIds;
pub use request::Operation;
pub(crate) use text::printable;
pub use types::{
    CallOptions, CertificateList, DatabaseUser, DeprecationNotice, IssueError, IssuedCertificate,
    ListedCertificate, Reconciliation, Retry, X509Type,
};

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::auth::Auth;
use self::exchange::{Identity, converse};
use self::flight::Flights;
use self::issued_ids::UserKey;
use self::notices::Notices;
use self::request::{PAGE_SIZE, Requests};
use self::transport::Transport;
use crate::clock::Clock;

/// A client of one login at one server; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Core>);

struct Core {
    server: String,
    max_retries: u32,
    request_timeout: Duration,
    pace: Pace,
    clock: Arc<dyn Clock>,
    issued_ids: Arc<IssuedIds>,
    requests: Requests,
    transport: Transport,
    auth: Auth,
    notices: Notices,
    listings: Flights<UserKey, Arc<CertificateList>>,
    users: Flights<UserKey, Arc<DatabaseUser>>,
}

/// The times that are not configured.
struct Pace {
    /// The first pause before a repeat.
    first_pause: Duration,
    /// See [`issue::SETTLING`].
    settling: Duration,
    /// See [`issue::LEAST_FOR_ISSUING`].
    least_for_issuing: Duration,
}

impl Client {
    /// Makes a client without touching the network or the disk. The clock stands in for the
    /// server's where an answer has no date.
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        issued_ids: Arc<IssuedIds>,
    ) -> Result<Self, ConfigError> {
        let pace = Pace {
            first_pause: Duration::from_millis(500),
            settling: issue::SETTLING,
            least_for_issuing: issue::LEAST_FOR_ISSUING,
        };
        Self::with_pace(config, clock, issued_ids, pace)
    }

    fn with_pace(
        config: Config,
        clock: Arc<dyn Clock>,
        issued_ids: Arc<IssuedIds>,
        pace: Pace,
    ) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Core {
            server: config.base_url.to_string(),
            max_retries: config.max_retries,
            request_timeout: config.request_timeout,
            pace,
            clock,
            issued_ids,
            requests: Requests::new(&config.base_url, config.api_version),
            transport: Transport::new(&config)?,
            auth: Auth::new(config.credentials)?,
            notices: Notices::default(),
            listings: Flights::new(),
            users: Flights::new(),
        })))
    }

    /// Issues one more certificate for a database user.
    ///
    /// Never makes two: the request is repeated only where it is certain that it had no effect.
    /// Dropping the future calls off a request that was not yet written, and no other.
    pub async fn issue(
        &self,
        project: &ProjectId,
        user: &Username,
        months: Months,
        call: &CallOptions,
    ) -> Result<IssuedCertificate, IssueError> {
        issue::issue(&self.0, project, user, months, call).await
    }

    /// Notes a certificate that the caller has from before, so that it is never taken for one
    /// whose key was lost: the server's times are cut to seconds, and it may be as young as that.
    pub fn register_existing(&self, project: &ProjectId, user: &Username, certificate_id: &str) {
        let user = self.0.user_key(project, user);
        self.0.issued_ids.insert_existing(user, certificate_id);
    }

    /// Lists a user's unexpired certificates: shared by all who ask, never older than a
    /// certificate this client issued.
    pub async fn certificates(
        &self,
        project: &ProjectId,
        user: &Username,
        call: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        self.0.certificates(project, user, call).await
    }

    /// Reads a database user of `$external`; shared by all who ask.
    pub async fn user(
        &self,
        project: &ProjectId,
        user: &Username,
        call: &CallOptions,
    ) -> Result<Arc<DatabaseUser>, Error> {
        let core = &self.0;
        let request = core.requests.user(project, user);
        let gave_up = |why| Error::new(&request, ErrorKind::from(why));
        let fetch = |call| -> flight::Fetch<Arc<DatabaseUser>> {
            let (core, request) = (Arc::clone(core), request.clone());
            Box::pin(async move {
                let answer = converse(&core, &request, &call, Identity::Login).await;
                let answer = answer
                    .map_err(|failure| failure.error)?
                    .into_success(&request)?;
                let user = response::user(&answer.body);
                user.map(Arc::new)
                    .map_err(|kind| answer.error(&request, kind))
            })
        };
        core.users
            .get(&core.user_key(project, user), call, gave_up, fetch)
            .await
    }

    /// Gives the token back, if there is one; at most `timeout` is spent on it.
    pub async fn close(&self, timeout: Duration) {
        let call = CallOptions {
            deadline: Instant::now() + timeout,
            cancel: CancellationToken::new(),
            retry: Retry::Default,
        };
        if let Err(error) = self.0.auth.revoke(&self.0, &call).await {
            tracing::debug!(error = %error, "the access token was not revoked and lives on until it expires");
        }
    }

    /// An announcement that the API version in use will go away, told once.
    pub fn take_deprecation_notice(&self) -> Option<DeprecationNotice> {
        self.0.notices.take()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.0.server)
            .finish_non_exhaustive()
    }
}

impl Core {
    async fn certificates(
        self: &Arc<Self>,
        project: &ProjectId,
        user: &Username,
        call: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        let gave_up = |why| Error::new(&self.requests.list(project, user, 1), ErrorKind::from(why));
        let fetch = |call| -> flight::Fetch<Arc<CertificateList>> {
            let (core, project, user) = (Arc::clone(self), project.clone(), user.clone());
            Box::pin(async move { core.read_pages(&project, &user, &call).await.map(Arc::new) })
        };
        self.listings
            .get(&self.user_key(project, user), call, gave_up, fetch)
            .await
    }

    /// Reads page after page. The list may move meanwhile, so each certificate is taken once.
    async fn read_pages(
        self: &Arc<Self>,
        project: &ProjectId,
        user: &Username,
        call: &CallOptions,
    ) -> Result<CertificateList, Error> {
        let mut moment = None;
        let mut certificates: Vec<ListedCertificate> = Vec::new();
        let mut seen = HashSet::new();
        for number in 1..=MOST_PAGES {
            let request = self.requests.list(project, user, number);
            let answer = converse(self, &request, call, Identity::Login).await;
            let answer = answer
                .map_err(|failure| failure.error)?
                .into_success(&request)?;
            let page = response::page(&answer.body, PAGE_SIZE)
                .map_err(|kind| answer.error(&request, kind))?;
            // The moment of the first page: what came later may be missing, nothing from before.
            moment.get_or_insert_with(|| {
                (
                    answer.date.unwrap_or_else(|| self.clock.now()),
                    answer.received,
                )
            });
            certificates.extend(
                page.certificates
                    .into_iter()
                    .filter(|c| seen.insert(c.certificate_id.clone())),
            );
            if !page.has_next {
                // A certificate left out would count as missing, and be issued anew.
                if page
                    .total
                    .is_some_and(|total| total > certificates.len() as u64)
                {
                    let what = "it lists fewer certificates than it counts";
                    return Err(answer.error(&request, ErrorKind::InvalidBody { what }));
                }
                break;
            }
        }
        let (date, fetched_at) = moment.unwrap_or_else(|| (self.clock.now(), Instant::now()));
        Ok(CertificateList {
            certificates,
            server_time: date,
            fetched_at,
        })
    }

    fn user_key(&self, project: &ProjectId, user: &Username) -> UserKey {
        UserKey {
            server: self.server.clone(),
            project: project.to_string(),
            common_name: user.common_name(),
        }
    }
}

/// 50,000 certificates for one user: whoever has more has another problem.
const MOST_PAGES: usize = 100;
