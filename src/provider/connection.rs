//! What the provider block left for the resources: a client, or the reason why there is none yet.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tf_provider::{CancellationToken, Diagnostic};
use tokio::time::Instant;

use crate::{
    atlas::{CallOptions, Client, DeprecationNotice, Retry},
    clock::Clock,
};

/// How far this machine's clock may be off Atlas' before it is worth a warning.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// Shared by the provider, which replaces what is in it at every Configure, and everything it offers.
#[derive(Default)]
pub(crate) struct Connection(RwLock<State>);

#[derive(Default, Clone)]
enum State {
    #[default]
    Unconfigured,
    /// An argument of the provider block is not known yet: only while a plan is made.
    Unknown(&'static str),
    /// There is no login: told where one is needed.
    NoLogin(Diagnostic),
    Ready(Arc<Session>),
}

/// One configured client and what was told to the user already.
pub(crate) struct Session {
    /// The Admin API.
    pub(crate) client: Client,
    clock: Arc<dyn Clock>,
    clock_told: AtomicBool,
}

impl Connection {
    /// Takes a client of the present configuration.
    pub(crate) fn open(&self, client: Client, clock: Arc<dyn Clock>) {
        self.replace(State::Ready(Arc::new(Session {
            client,
            clock,
            clock_told: AtomicBool::new(false),
        })));
    }

    /// Notes that `argument` of the provider block is unknown.
    pub(crate) fn postpone(&self, argument: &'static str) {
        self.replace(State::Unknown(argument));
    }

    /// Notes that no login was found.
    pub(crate) fn lack(&self, error: Diagnostic) {
        self.replace(State::NoLogin(error));
    }

    /// The error to tell where a login will be needed and there is none.
    pub(crate) fn without_login(&self) -> Option<Diagnostic> {
        match self.state() {
            State::NoLogin(error) => Some(error),
            State::Ready(_) | State::Unconfigured | State::Unknown(_) => None,
        }
    }

    /// The client, if the provider block is known.
    pub(crate) fn ready(&self) -> Option<Arc<Session>> {
        match self.state() {
            State::Ready(session) => Some(session),
            State::Unconfigured | State::Unknown(_) | State::NoLogin(_) => None,
        }
    }

    /// The client, nothing while the provider block is unknown, or why there is none.
    pub(crate) fn known(&self) -> Result<Option<Arc<Session>>, Diagnostic> {
        match self.state() {
            State::Unknown(_) => Ok(None),
            State::Ready(_) | State::Unconfigured | State::NoLogin(_) => self.session().map(Some),
        }
    }

    /// The client, or why there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>, Diagnostic> {
        match self.state() {
            State::Ready(session) => Ok(session),
            State::Unknown(argument) => Err(Diagnostic::error(
                "Provider configuration not known yet",
                format!(
                    "The provider argument \"{argument}\" comes from something that does not exist yet, and this needs an answer \
                     from Atlas now. Apply what \"{argument}\" depends on first, for example with -target, then run this again."
                ),
            )),
            State::NoLogin(error) => Err(error),
            State::Unconfigured => Err(Diagnostic::error(
                "Provider not configured",
                "Terraform did not configure the provider before this call. Please report it as a bug of the provider.",
            )),
        }
    }

    fn state(&self) -> State {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, state: State) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl Session {
    /// A call that may take this long, waits included, and ends its waits when the user wants to stop.
    pub(crate) fn call(cancel: &CancellationToken, timeout: Duration) -> CallOptions {
        CallOptions {
            deadline: Instant::now() + timeout,
            cancel: cancel.clone(),
            retry: Retry::Default,
        }
    }

    /// The user's words about what Atlas announced, and about a clock that is off: each once.
    pub(crate) fn warnings(&self, atlas_now: Option<Timestamp>) -> Vec<Diagnostic> {
        let mut warnings: Vec<_> = self
            .client
            .take_deprecation_notice()
            .iter()
            .map(announced)
            .collect();
        if let Some(atlas_now) = atlas_now {
            warnings.extend(self.clock_warning(atlas_now));
        }
        warnings
    }

    fn clock_warning(&self, atlas_now: Timestamp) -> Option<Diagnostic> {
        let ours = self.clock.now();
        let apart = ours.duration_since(atlas_now).unsigned_abs();
        if apart <= CLOCK_TOLERANCE || self.clock_told.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(Diagnostic::warning(
            "Clock differs from Atlas",
            format!(
                "This machine's clock says {ours:.0}, Atlas' says {atlas_now:.0}. Renewal is decided by Atlas' clock, so nothing is wrong \
                 with the certificates; but TLS connections and other tools may fail until the clock is set.",
            ),
        ))
    }
}

fn announced(notice: &DeprecationNotice) -> Diagnostic {
    let deprecation = notice
        .deprecation
        .iter()
        .map(|since| format!(" Deprecated since: {since}."));
    let sunset = notice
        .sunset
        .iter()
        .map(|day| format!(" It stops working on: {day}."));
    let when: String = deprecation.chain(sunset).collect();
    Diagnostic::warning(
        "Atlas announces the end of an API version",
        format!(
            "Atlas marks the API version used to {} as deprecated.{when} Look for a newer version of this provider, or set api_version \
             in the provider block to a version that stays.",
            notice.operation
        ),
    )
}
