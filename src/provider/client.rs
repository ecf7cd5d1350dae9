//! The configured Atlas client that resources and data sources share, or the reason why there is none.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tf_provider::{CancellationToken, Diagnostic};
use tokio::{task::JoinSet, time::Instant};

use super::{
    diagnostics,
    guardrails::{Guardrails, Issuance},
};
use crate::{
    atlas::{
        CallOptions, CertificateList, Client, DatabaseUser, DeprecationNotice, Error,
        IssuedCertificate, Months, ProjectId, Username,
    },
    clock::Clock,
};

/// The difference between this machine's clock and Atlas's from which on a warning is given.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);
/// The time limit of a preflight request.
const PREFLIGHT_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of the last Configure, shared by the provider and everything it offers.
#[derive(Default)]
pub(crate) struct ProviderClient {
    state: RwLock<State>,
    /// Whether this process has received an `ApplyResourceChange` since it was configured.
    is_applying: AtomicBool,
    /// Increases with every Configure.
    generation: AtomicU64,
    /// Clients of earlier configurations that running calls may still use.
    retired: Mutex<Vec<Arc<Session>>>,
}

#[derive(Default, Clone)]
enum State {
    #[default]
    Unconfigured,
    /// This argument of the provider block is unknown, which only happens during plan.
    Deferred(&'static str),
    /// No credentials were found: an error only for operations that call Atlas.
    MissingCredentials(Diagnostic),
    Ready(Arc<Session>),
}

impl ProviderClient {
    /// Removes the client of the previous configuration, so that a failed Configure leaves none behind.
    pub(super) fn reset(&self) {
        self.replace(State::Unconfigured);
    }

    /// Installs the client of the current configuration.
    pub(super) fn set_client(&self, session: Session) {
        self.replace(State::Ready(Arc::new(session)));
    }

    /// Records that `argument` of the provider block is unknown.
    pub(super) fn set_deferred(&self, argument: &'static str) {
        self.replace(State::Deferred(argument));
    }

    /// Records the error for operations that need credentials.
    pub(super) fn set_missing_credentials(&self, error: Diagnostic) {
        self.replace(State::MissingCredentials(error));
    }

    /// The client, or the error that explains why there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>, Diagnostic> {
        match self.state() {
            State::Ready(session) => Ok(session),
            State::Deferred(argument) => Err(not_known_yet(argument)),
            State::MissingCredentials(error) => Err(error),
            State::Unconfigured => Err(Diagnostic::error(
                "Provider not configured",
                "This call needs a valid provider configuration, and the last one was missing or invalid. If Terraform reported no other error, please \
                 report this as a provider bug.",
            )),
        }
    }

    /// The client, or `None` while an argument of the provider block is unknown.
    pub(crate) fn session_if_known(&self) -> Result<Option<Arc<Session>>, Diagnostic> {
        match self.state() {
            State::Deferred(_) => Ok(None),
            State::Ready(_) | State::Unconfigured | State::MissingCredentials(_) => {
                self.session().map(Some)
            }
        }
    }

    /// The client for a preflight request. `None` while an argument of the provider block is unknown, once Atlas could not be reached, and once this
    /// process has received an `ApplyResourceChange`, because the certificate request itself will then give the answer.
    pub(crate) fn preflight_session(&self) -> Result<Option<Arc<Session>>, Diagnostic> {
        let session = self.session_if_known()?;
        Ok(session.filter(|session| {
            !self.is_applying.load(Ordering::Relaxed)
                && !session.is_unreachable.load(Ordering::Relaxed)
        }))
    }

    /// Identifies the current provider configuration: data of one run must not reach another one in the same process.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Records that this process has received an `ApplyResourceChange`.
    pub(crate) fn mark_applying(&self) {
        self.is_applying.store(true, Ordering::Relaxed);
    }

    /// Revokes the access tokens of earlier configurations that no call uses any more.
    pub(super) async fn close_retired(&self, timeout: Duration) {
        let unused =
            lock(&self.retired).extract_if(.., |session| Arc::strong_count(session) == 1).collect();
        close_all(unused, timeout).await;
    }

    /// Revokes the access tokens of this and all earlier configurations.
    pub(super) async fn close(&self, timeout: Duration) {
        self.reset();
        let all = std::mem::take(&mut *lock(&self.retired));
        close_all(all, timeout).await;
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, state: State) {
        let mut current = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Ready(previous) = std::mem::replace(&mut *current, state) {
            lock(&self.retired).push(previous);
        }
        self.is_applying.store(false, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}

async fn close_all(sessions: Vec<Arc<Session>>, timeout: Duration) {
    let mut closing: JoinSet<()> = sessions
        .into_iter()
        .map(|session| async move { session.atlas.close(timeout).await })
        .collect();
    while closing.join_next().await.is_some() {}
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn not_known_yet(argument: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider configuration not known yet",
        format!(
            "The provider argument \"{argument}\" is not known until apply, but this operation has to call Atlas now. Apply the resource that it depends \
             on first (for example with -target), or use environment variables."
        ),
    )
}

/// An Atlas client with the guardrails of its provider block.
pub(crate) struct Session {
    atlas: Client,
    guardrails: Guardrails,
    clock: Arc<dyn Clock>,
    has_warned_of_clock: AtomicBool,
    is_unreachable: AtomicBool,
}

/// A certificate to issue.
pub(crate) struct IssueRequest<'a> {
    pub(crate) project: &'a ProjectId,
    pub(crate) username: &'a Username,
    pub(crate) months: Months,
    /// Whether the private key will be stored encrypted to age keys only.
    pub(crate) is_sealed: bool,
    /// The certificate that the new one replaces.
    pub(crate) predecessor_id: Option<&'a str>,
}

impl Session {
    pub(super) fn new(atlas: Client, guardrails: Guardrails, clock: Arc<dyn Clock>) -> Self {
        Self {
            atlas,
            guardrails,
            clock,
            has_warned_of_clock: AtomicBool::new(false),
            is_unreachable: AtomicBool::new(false),
        }
    }

    /// The guardrails of the provider block, for plan.
    pub(crate) fn guardrails(&self) -> &Guardrails {
        &self.guardrails
    }

    /// Limits an operation to `timeout`, waits included; `cancel` ends its waits.
    pub(crate) fn call(cancel: &CancellationToken, timeout: Duration) -> CallOptions {
        CallOptions { deadline: Instant::now() + timeout, cancel: cancel.clone(), is_retried: true }
    }

    /// Limits a preflight request: one attempt.
    pub(crate) fn preflight_call(cancel: &CancellationToken) -> CallOptions {
        CallOptions { is_retried: false, ..Self::call(cancel, PREFLIGHT_TIMEOUT) }
    }

    /// Issues a certificate. This is the only way to a certificate request, so the guardrails are checked here once more.
    pub(crate) async fn issue(
        &self,
        request: &IssueRequest<'_>,
        call: &CallOptions,
    ) -> Result<IssuedCertificate, Diagnostic> {
        let &IssueRequest { project, username, months, is_sealed, predecessor_id } = request;
        self.guardrails.check_all_known(&Issuance {
            project_id: Some(project),
            months: Some(months),
            is_sealed: Some(is_sealed),
        })?;
        if let Some(id) = predecessor_id {
            self.atlas.register_existing(project, username, id);
        }
        self.atlas
            .issue(project, username, months, call)
            .await
            .map_err(|error| diagnostics::not_issued(&error, project, username))
    }

    /// The user's unexpired certificates; see [`Client::certificates`].
    pub(crate) async fn certificates(
        &self,
        project: &ProjectId,
        username: &Username,
        call: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        self.observe(self.atlas.certificates(project, username, call).await)
    }

    /// The database user; see [`Client::user`].
    pub(crate) async fn user(
        &self,
        project: &ProjectId,
        username: &Username,
        call: &CallOptions,
    ) -> Result<Arc<DatabaseUser>, Error> {
        self.observe(self.atlas.user(project, username, call).await)
    }

    /// All database users of a project; see [`Client::users`].
    pub(crate) async fn users(
        &self,
        project: &ProjectId,
        call: &CallOptions,
    ) -> Result<Vec<DatabaseUser>, Error> {
        self.observe(self.atlas.users(project, call).await)
    }

    fn observe<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(Error::is_unreachable) {
            self.is_unreachable.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Warnings about a deprecated API version and about a clock that differs from Atlas's, each once per configuration.
    pub(crate) fn warnings(&self, server_time: Option<Timestamp>) -> Vec<Diagnostic> {
        let notice = self.atlas.take_deprecation_notice();
        let clock = server_time.and_then(|server_time| self.clock_warning(server_time));
        notice.as_ref().map(deprecated).into_iter().chain(clock).collect()
    }

    fn clock_warning(&self, server_time: Timestamp) -> Option<Diagnostic> {
        let local_time = self.clock.now();
        let difference = local_time.duration_since(server_time).unsigned_abs();
        if difference <= CLOCK_TOLERANCE || self.has_warned_of_clock.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(Diagnostic::warning(
            "Clock differs from Atlas",
            format!(
                "The clock of this machine is at {local_time:.0}, Atlas's at {server_time:.0}. Renewal is decided by Atlas's clock, so certificates are not \
                 affected, but TLS connections and other tools may fail until the clock is corrected.",
            ),
        ))
    }
}

fn deprecated(notice: &DeprecationNotice) -> Diagnostic {
    let since = notice.deprecation.iter().map(|date| format!(" Deprecated since: {date}."));
    let sunset = notice.sunset.iter().map(|date| format!(" Removed on: {date}."));
    let dates: String = since.chain(sunset).collect();
    Diagnostic::warning(
        "Atlas API version is deprecated",
        format!(
            "Atlas marks the API version that was used to {} as deprecated.{dates} Upgrade the provider, or set api_version in the provider block to a \
             version that is not deprecated.",
            notice.operation
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::{ApiVersion, BaseUrl, Config, Credentials};

    fn session() -> Session {
        let config = Config {
            // A port on which nothing listens.
            base_url: BaseUrl::parse("http://127.0.0.1:1").unwrap(),
            api_version: ApiVersion::V1_0,
            credentials: Credentials::Token("t".into()),
            request_timeout: Duration::from_secs(30),
            max_retries: 0,
            ca_bundle_pem: None,
            proxy: None,
            user_agent: "test".to_owned(),
        };
        let clock = Arc::new("2027-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
        let client = Client::new(config, clock.clone(), Arc::default()).unwrap();
        Session::new(client, Guardrails::default(), clock)
    }

    #[test]
    fn a_clock_that_differs_from_atlas_by_more_than_five_minutes_gives_one_warning() {
        let session = session();
        let at = |time: &str| session.warnings(Some(time.parse().unwrap()));
        assert_eq!(at("2027-01-01T00:05:00Z"), []);
        assert_eq!(at("2026-12-31T23:55:00Z"), []);
        let warnings = at("2027-01-01T00:05:01Z");
        assert_eq!(warnings[0].summary, "Clock differs from Atlas");
        for time in ["2027-01-01T00:00:00Z", "2027-01-01T00:05:01Z"] {
            assert!(warnings[0].detail.contains(time), "{warnings:?}");
        }
        assert_eq!(at("2027-01-01T00:06:00Z"), []);
    }

    #[tokio::test]
    async fn there_is_no_preflight_once_atlas_could_not_be_reached() {
        let client = ProviderClient::default();
        client.set_client(session());
        let session = client.preflight_session().unwrap().expect("the first preflight is made");
        let (project, user) = (
            ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            Username::parse("app").unwrap(),
        );
        let call = Session::preflight_call(&CancellationToken::new());
        assert!(session.user(&project, &user, &call).await.is_err());
        assert!(client.preflight_session().unwrap().is_none());
        assert!(client.session().is_ok(), "other requests are still made");
    }

    #[test]
    fn there_is_no_preflight_in_a_process_that_applies_until_it_is_configured_again() {
        let client = ProviderClient::default();
        client.set_client(session());
        client.mark_applying();
        assert!(client.preflight_session().unwrap().is_none());
        client.set_client(session());
        assert!(client.preflight_session().unwrap().is_some());
    }

    #[test]
    fn a_client_that_a_call_still_uses_is_not_closed() {
        let client = ProviderClient::default();
        client.set_client(session());
        let in_use = client.session().unwrap();
        client.reset();
        client.set_client(session());
        client.reset();
        assert!(client.session().is_err());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.close_retired(Duration::from_millis(1)));
        assert_eq!(lock(&client.retired).len(), 1);
        drop(in_use);
        runtime.block_on(client.close_retired(Duration::from_millis(1)));
        assert!(lock(&client.retired).is_empty());
    }
}
