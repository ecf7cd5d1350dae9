//! In-flight certificate requests and the serial numbers that this process has received, per database user.
//!
//! They tell a certificate whose response was lost from one that another call has received. Clients
//! of one process can share a user, so the provider owns one instance and passes it to each client.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::params::UserKey;

/// The certificates that this process has received or awaits.
#[derive(Debug, Default)]
pub struct IssuedIds {
    users: Mutex<HashMap<UserKey, UserEntry>>,
    /// Changes whenever a request ends.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct UserEntry {
    /// In the order of receipt.
    received: VecDeque<String>,
    pending: BTreeSet<u64>,
    next: u64,
}

/// A request in flight, until it is dropped.
pub(super) struct PendingIssue {
    ids: Arc<IssuedIds>,
    user: UserKey,
    number: u64,
}

impl IssuedIds {
    /// Registers a request that is about to be sent.
    pub(super) fn start(self: &Arc<Self>, user: UserKey) -> PendingIssue {
        let mut users = self.lock();
        let entry = users.entry(user.clone()).or_default();
        let number = entry.next;
        entry.next += 1;
        entry.pending.insert(number);
        PendingIssue { ids: Arc::clone(self), user, number }
    }

    /// Registers a certificate that the caller has in its state.
    pub(super) fn insert_existing(&self, user: UserKey, certificate_id: &str) {
        self.lock().entry(user).or_default().insert(certificate_id.to_owned());
    }

    /// Returns when all requests for this user that were started before the call have ended.
    pub(super) async fn wait_for_pending(&self, user: &UserKey) {
        let mut ended = self.ended.subscribe();
        let before = self.lock().get(user).map_or(0, |entry| entry.next);
        let is_settled = || {
            let users = self.lock();
            let first = users.get(user).and_then(|entry| entry.pending.first().copied());
            first.is_none_or(|number| number >= before)
        };
        while !is_settled() && ended.changed().await.is_ok() {}
    }

    /// Whether this process has received this certificate.
    pub(super) fn contains(&self, user: &UserKey, certificate_id: &str) -> bool {
        self.lock().get(user).is_some_and(|entry| entry.contains(certificate_id))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserKey, UserEntry>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UserEntry {
    fn contains(&self, certificate_id: &str) -> bool {
        self.received.iter().any(|id| id == certificate_id)
    }

    fn insert(&mut self, certificate_id: String) {
        if self.contains(&certificate_id) {
            return;
        }
        if self.received.len() == MAX_RECEIVED {
            self.received.pop_front();
        }
        self.received.push_back(certificate_id);
    }
}

impl PendingIssue {
    /// Registers the certificate that the response contains.
    pub(super) fn received(&self, certificate_id: String) {
        if let Some(entry) = self.ids.lock().get_mut(&self.user) {
            entry.insert(certificate_id);
        }
    }
}

impl Drop for PendingIssue {
    fn drop(&mut self) {
        if let Some(entry) = self.ids.lock().get_mut(&self.user) {
            entry.pending.remove(&self.number);
        }
        self.ids.ended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Serial numbers kept per user: more than Atlas issues while one response is awaited.
const MAX_RECEIVED: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::{ProjectId, Username};
    use std::time::Duration;
    use tokio::time::timeout;

    fn user_key(name: &str) -> UserKey {
        let project = ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap();
        UserKey::new("https://x", &project, &Username::parse(name).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_pending_requests_of_the_same_user_started_before() {
        let ids = Arc::<IssuedIds>::default();
        let first = ids.start(user_key("a"));
        let _other = ids.start(user_key("b"));
        let waiting = tokio::spawn({
            let ids = ids.clone();
            async move { ids.wait_for_pending(&user_key("a")).await }
        });
        tokio::task::yield_now().await;
        let _later = ids.start(user_key("a"));
        assert!(!waiting.is_finished());
        ids.insert_existing(user_key("b"), "8");
        first.received("7".into());
        drop(first);
        waiting.await.unwrap();
        assert!(ids.contains(&user_key("a"), "7"));
        assert!(!ids.contains(&user_key("b"), "7"));
        assert!(ids.contains(&user_key("b"), "8"));
        let unsettled = timeout(Duration::from_secs(1), ids.wait_for_pending(&user_key("a"))).await;
        assert!(unsettled.is_err(), "the later one is still under way");
    }
}
