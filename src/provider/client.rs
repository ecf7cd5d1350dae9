//! The configured Atlas client that resources and data sources share, or the reason why there is none.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use tf_provider::{Diagnostic, Diagnostics};

use super::{
    arguments::UserId,
    diagnostics,
    guardrails::{Guardrails, Issuance},
};
use crate::{
    atlas::{
        CallOptions, CertificateList, Client, DatabaseUser, DeprecationNotice, Error,
        IssuedCertificate, Months, ProjectId,
    },
    clock::Clock,
    sealing::Recipients,
};

/// The difference between this machine's clock and Atlas's from which on a warning is given.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// The result of the last Configure, shared by the provider and everything it offers.
#[derive(Default)]
pub(crate) struct ProviderClient(Mutex<Configured>);

#[derive(Default)]
struct Configured {
    state: State,
    /// Clients of earlier configurations that running calls may still use.
    retired: Vec<Arc<Session>>,
}

/// Whether requests to Atlas are possible.
#[derive(Default)]
pub(super) enum State<C = Arc<Session>> {
    /// There is no valid provider configuration.
    #[default]
    Unconfigured,
    /// This argument of the provider block is unknown, which only happens during plan.
    Deferred(&'static str),
    /// No credentials were found: an error only for operations that call Atlas.
    MissingCredentials(Diagnostic),
    Ready(C),
}

impl ProviderClient {
    /// Replaces the state of the previous configuration.
    pub(super) fn set(&self, state: State) {
        let mut configured = self.lock();
        if let State::Ready(previous) = std::mem::replace(&mut configured.state, state) {
            configured.retired.push(previous);
        }
    }

    /// The client, or the error that explains why there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>, Diagnostic> {
        match &self.lock().state {
            State::Ready(session) => Ok(Arc::clone(session)),
            State::Deferred(argument) => Err(not_known_yet(argument)),
            State::MissingCredentials(error) => Err(error.clone()),
            State::Unconfigured => {
                let detail = "This call needs a valid provider configuration, and the last one was missing or invalid. If Terraform reported no other \
                     error, please report this as a provider bug.";
                Err(Diagnostic::error("Provider not configured", detail))
            }
        }
    }

    /// The client, or `None` while an argument of the provider block is unknown.
    pub(crate) fn session_if_known(&self) -> Result<Option<Arc<Session>>, Diagnostic> {
        if matches!(self.lock().state, State::Deferred(_)) {
            return Ok(None);
        }
        self.session().map(Some)
    }

    /// The client for a preflight request. `None` while an argument of the provider block is unknown, once Atlas
    /// could not be reached, and once this process applies, because the certificate request then gives the answer.
    pub(crate) fn preflight_session(&self) -> Result<Option<Arc<Session>>, Diagnostic> {
        let session = self.session_if_known()?;
        Ok(session.filter(|session| !session.has_no_preflight.load(Ordering::Relaxed)))
    }

    pub(crate) fn mark_applying(&self) {
        if let State::Ready(session) = &self.lock().state {
            session.has_no_preflight.store(true, Ordering::Relaxed);
        }
    }

    /// Revokes the access tokens of earlier configurations that no call uses any more.
    pub(super) async fn close_retired(&self, timeout: Duration) {
        let is_unused = |session: &mut Arc<Session>| Arc::strong_count(session) == 1;
        let unused: Vec<_> = self.lock().retired.extract_if(.., is_unused).collect();
        join_all(unused.iter().map(|session| session.atlas.close(timeout))).await;
    }

    /// Revokes the access tokens of this and all earlier configurations.
    pub(super) async fn close(&self, timeout: Duration) {
        self.set(State::Unconfigured);
        let all = std::mem::take(&mut self.lock().retired);
        join_all(all.iter().map(|session| session.atlas.close(timeout))).await;
    }

    fn lock(&self) -> MutexGuard<'_, Configured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn not_known_yet(argument: &str) -> Diagnostic {
    let detail = format!(
        "The provider argument \"{argument}\" is not known until apply, but this operation has to call Atlas now. Apply the resource that it depends \
         on first (for example with -target), or use environment variables."
    );
    Diagnostic::error("Provider configuration not known yet", detail)
}

/// An Atlas client with the guardrails of its provider block.
pub(crate) struct Session {
    atlas: Client,
    pub(crate) guardrails: Guardrails,
    clock: Clock,
    has_warned_of_clock: AtomicBool,
    /// Whether Atlas could not be reached, or this process has received an `ApplyResourceChange`.
    has_no_preflight: AtomicBool,
}

impl Session {
    pub(super) fn new(atlas: Client, guardrails: Guardrails, clock: Clock) -> Self {
        let (has_warned_of_clock, has_no_preflight) = Default::default();
        Self { atlas, guardrails, clock, has_warned_of_clock, has_no_preflight }
    }

    /// Issues a certificate whose key will be encrypted to `recipients`, or stored in plain text. This is the only way
    /// to a certificate request, so guardrails are checked here once more. `known_ids` are the certificates in state.
    pub(crate) async fn issue(
        &self,
        user: &UserId,
        months: Months,
        recipients: Option<&Recipients>,
        known_ids: impl Iterator<Item = &str>,
        call: &CallOptions,
    ) -> Result<IssuedCertificate, Diagnostic> {
        self.guardrails.check_all_known(&Issuance {
            project_id: Some(&user.project),
            months: Some(months),
            is_sealed: Some(recipients.is_some()),
        })?;
        for id in known_ids {
            self.atlas.register_existing(user, id);
        }
        let issued = self.atlas.issue(user, months, call).await;
        issued.map_err(|error| diagnostics::not_issued(&error, user))
    }

    pub(crate) async fn certificates(
        &self,
        user: &UserId,
        call: &CallOptions,
    ) -> Result<Arc<CertificateList>, Error> {
        self.observe(self.atlas.certificates(user, call).await)
    }

    pub(crate) async fn user(
        &self,
        user: &UserId,
        call: &CallOptions,
    ) -> Result<Arc<DatabaseUser>, Error> {
        self.observe(self.atlas.user(user, call).await)
    }

    pub(crate) async fn users(
        &self,
        project: &ProjectId,
        call: &CallOptions,
    ) -> Result<Vec<DatabaseUser>, Error> {
        self.observe(self.atlas.users(project, call).await)
    }

    fn observe<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(Error::is_unreachable) {
            self.has_no_preflight.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Warns of a deprecated API version and of a clock that differs from Atlas's, each once per configuration.
    pub(crate) fn warnings(&self, server_time: Option<Timestamp>) -> Diagnostics {
        let notice = self.atlas.take_deprecation_notice();
        let clock = server_time.and_then(|server_time| self.clock_warning(server_time));
        notice.as_ref().map(deprecated).into_iter().chain(clock).collect()
    }

    fn clock_warning(&self, server_time: Timestamp) -> Option<Diagnostic> {
        let local_time = (self.clock)();
        let difference = local_time.duration_since(server_time).unsigned_abs();
        if difference <= CLOCK_TOLERANCE || self.has_warned_of_clock.swap(true, Ordering::Relaxed) {
            return None;
        }
        let detail = format!(
            "The clock of this machine is at {local_time:.0}, Atlas's at {server_time:.0}. Renewal is decided by Atlas's clock, so certificates are not \
             affected, but TLS connections and other tools may fail until the clock is corrected.",
        );
        Some(Diagnostic::warning("Clock differs from Atlas", detail))
    }
}

fn deprecated(notice: &DeprecationNotice) -> Diagnostic {
    let since = notice.deprecation.iter().map(|date| format!(" Deprecated since: {date}."));
    let sunset = notice.sunset.iter().map(|date| format!(" Removed on: {date}."));
    let dates: String = since.chain(sunset).collect();
    let detail = format!(
        "Atlas marks the API version that was used to {} as deprecated.{dates} Upgrade the provider, or set api_version in the provider block to a \
         version that is not deprecated.",
        notice.operation
    );
    Diagnostic::warning("Atlas API version is deprecated", detail)
}

#[cfg(test)]
mod tests {
    use tf_provider::CancellationToken;

    use super::*;
    use crate::atlas::{ApiVersion, BaseUrl, Config, Credentials, Username};

    fn ready() -> State {
        State::Ready(Arc::new(session()))
    }

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
        let clock: Clock = || "2027-01-01T00:00:00Z".parse().unwrap();
        let client = Client::new(config, clock, Arc::default()).unwrap();
        Session::new(client, Guardrails::default(), clock)
    }

    #[test]
    fn a_clock_that_differs_from_atlas_by_more_than_five_minutes_gives_one_warning() {
        let session = session();
        let at = |time: &str| session.warnings(Some(time.parse().unwrap()));
        assert!(at("2027-01-01T00:05:00Z").is_empty());
        assert!(at("2026-12-31T23:55:00Z").is_empty());
        let warning = at("2027-01-01T00:05:01Z").into_iter().next().unwrap();
        assert_eq!(warning.summary, "Clock differs from Atlas");
        for time in ["2027-01-01T00:00:00Z", "2027-01-01T00:05:01Z"] {
            assert!(warning.detail.contains(time), "{warning:?}");
        }
        assert!(at("2027-01-01T00:06:00Z").is_empty());
    }

    #[tokio::test]
    async fn there_is_no_preflight_once_atlas_could_not_be_reached() {
        let client = ProviderClient::default();
        client.set(ready());
        let session = client.preflight_session().unwrap().expect("the first preflight is made");
        let user = UserId {
            project: ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            username: Username::parse("app").unwrap(),
        };
        let call = CallOptions::within(Duration::from_secs(10), &CancellationToken::new());
        assert!(session.user(&user, &call).await.is_err());
        assert!(client.preflight_session().unwrap().is_none());
        assert!(client.session().is_ok(), "other requests are still made");
    }

    #[test]
    fn there_is_no_preflight_in_a_process_that_applies_until_it_is_configured_again() {
        let client = ProviderClient::default();
        client.set(ready());
        client.mark_applying();
        assert!(client.preflight_session().unwrap().is_none());
        client.set(ready());
        assert!(client.preflight_session().unwrap().is_some());
    }

    #[test]
    fn a_client_that_a_call_still_uses_is_not_closed() {
        let client = ProviderClient::default();
        client.set(ready());
        let in_use = client.session().unwrap();
        client.set(State::Unconfigured);
        client.set(ready());
        client.set(State::Unconfigured);
        assert!(client.session().is_err());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.close_retired(Duration::from_millis(1)));
        assert_eq!(client.lock().retired.len(), 1);
        drop(in_use);
        runtime.block_on(client.close_retired(Duration::from_millis(1)));
        assert!(client.lock().retired.is_empty());
    }
}
