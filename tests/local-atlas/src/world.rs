//! Everything the server knows, shared by all connections.

use std::sync::atomic::{AtomicU32, AtomicU64};

use tokio::sync::watch;

use crate::authority::{Authorities, Signed};
use crate::bucket::Buckets;
use crate::clock::Clock;
use crate::credentials::Logins;
use crate::digest::Nonces;
use crate::faults::Faults;
use crate::keys::{KeyError, KeySource};
use crate::ledger::Ledger;
use crate::recording::Recording;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::tokens::Tokens;
use crate::users::{Directory, common_name};

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) keys: KeySource,
    pub(crate) authorities: Authorities,
    pub(crate) directory: Directory,
    pub(crate) ledger: Ledger,
    pub(crate) logins: Logins,
    pub(crate) tokens: Tokens,
    pub(crate) nonces: Nonces,
    pub(crate) buckets: Buckets,
    pub(crate) faults: Faults,
    pub(crate) recording: Recording,
    pub(crate) door: Door,
    settings: Shared<Settings>,
}

/// Whether and how connections are let in.
#[derive(Debug)]
pub(crate) struct Door {
    /// Whether the API's port should be open.
    pub(crate) wanted_open: watch::Sender<bool>,
    /// Whether it is.
    pub(crate) is_open: watch::Sender<bool>,
    /// Raised to end every connection there is.
    pub(crate) generation: watch::Sender<u64>,
    /// Connections still to be dropped as soon as they are accepted.
    pub(crate) to_drop: AtomicU32,
    /// Connections accepted so far.
    pub(crate) accepted: AtomicU64,
}

impl World {
    pub(crate) fn new(keys: KeySource, logins: Logins, settings: Settings) -> Self {
        Self {
            clock: Clock::default(),
            keys,
            authorities: Authorities::default(),
            directory: Directory::default(),
            ledger: Ledger::default(),
            logins,
            tokens: Tokens::default(),
            nonces: Nonces::default(),
            buckets: Buckets::default(),
            faults: Faults::default(),
            recording: Recording::default(),
            door: Door {
                wanted_open: watch::Sender::new(true),
                is_open: watch::Sender::new(true),
                generation: watch::Sender::new(0),
                to_drop: AtomicU32::new(0),
                accepted: AtomicU64::new(0),
            },
            settings: Shared::new(settings),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().clone()
    }

    pub(crate) fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock());
    }

    /// A new certificate of the project's authority, not yet entered anywhere. Blocks while it signs.
    pub(crate) fn sign(&self, project: &str, user: &str, months: u32) -> Result<Signed, KeyError> {
        let authority = self.authorities.of(project, &self.keys)?;
        authority.sign(
            common_name(user),
            months,
            self.clock.now_in_seconds(),
            &self.keys,
        )
    }
}
