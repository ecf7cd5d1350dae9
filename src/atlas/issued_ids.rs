//! Certificate requests in progress, and the serial numbers that this process has received or that are in state, per
//! database user.
//!
//! They distinguish a certificate whose response was lost from one that another call has received. Clients
//! of one process can share a user, so the provider owns one instance and passes it to each client.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::request::UserKey;

#[derive(Debug, Default)]
pub(crate) struct IssuedIds(Mutex<HashMap<UserKey, UserEntry>>);

#[derive(Debug, Default)]
struct UserEntry {
    received: HashSet<String>,
    /// Canceled when the request has ended.
    pending: Vec<CancellationToken>,
}

impl IssuedIds {
    /// Registers a request that is about to be sent; it has ended when the guard is dropped.
    pub(super) fn start(&self, user: &UserKey) -> DropGuard {
        let request = CancellationToken::new();
        let mut users = self.lock();
        let pending = &mut users.entry(user.clone()).or_default().pending;
        pending.retain(|request| !request.is_cancelled());
        pending.push(request.clone());
        request.drop_guard()
    }

    /// Registers a certificate that this process has received, now or in an earlier run.
    pub(super) fn insert(&self, user: UserKey, certificate_id: &str) {
        self.lock().entry(user).or_default().received.insert(certificate_id.to_owned());
    }

    /// Returns when all requests for this user that were started before the call have ended.
    pub(super) async fn wait_for_pending(&self, user: &UserKey) {
        let pending = self.lock().get(user).map_or_else(Vec::new, |entry| entry.pending.clone());
        for request in pending {
            request.cancelled().await;
        }
    }

    /// Whether this process has received this certificate.
    pub(super) fn contains(&self, user: &UserKey, certificate_id: &str) -> bool {
        self.lock().get(user).is_some_and(|entry| entry.received.contains(certificate_id))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserKey, UserEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::{ProjectId, UserId, Username, tests::unit_config};
    use std::{sync::Arc, time::Duration};
    use tokio::time::timeout;

    fn user_key(name: &str) -> UserKey {
        let project = ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap();
        let user = UserId { project, username: Username::parse(name).unwrap() };
        UserKey::new(&unit_config(), &user)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_pending_requests_of_the_same_user_started_before() {
        let ids = Arc::<IssuedIds>::default();
        let first = ids.start(&user_key("a"));
        let _other = ids.start(&user_key("b"));
        let waiting = tokio::spawn({
            let ids = ids.clone();
            async move { ids.wait_for_pending(&user_key("a")).await }
        });
        tokio::task::yield_now().await;
        let _later = ids.start(&user_key("a"));
        assert!(!waiting.is_finished());
        ids.insert(user_key("b"), "8");
        ids.insert(user_key("a"), "7");
        drop(first);
        waiting.await.unwrap();
        assert!(ids.contains(&user_key("a"), "7"));
        assert!(!ids.contains(&user_key("b"), "7"));
        assert!(ids.contains(&user_key("b"), "8"));
        let unsettled = timeout(Duration::from_secs(1), ids.wait_for_pending(&user_key("a"))).await;
        assert!(unsettled.is_err(), "the later one is still under way");
    }
}
