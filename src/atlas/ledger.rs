//! What this process asked Atlas to issue: requests under way and certificates received, per user.
//!
//! It tells a certificate that appeared in the list because of a lost answer from one that another
//! call of this process has in its hands. So it is one for the process, not one for each client.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The process' ledger.
pub(super) static LEDGER: LazyLock<Ledger> = LazyLock::new(Ledger::default);

/// The user of a project at a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Whose {
    pub(super) server: String,
    pub(super) project: String,
    pub(super) common_name: String,
}

#[derive(Clone, Default)]
pub(super) struct Ledger {
    users: Arc<Mutex<HashMap<Whose, Record>>>,
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct Record {
    /// The latest last.
    received: VecDeque<String>,
    under_way: BTreeSet<u64>,
    next: u64,
}

/// A request under way; over when dropped.
pub(super) struct UnderWay {
    ledger: Ledger,
    whose: Whose,
    number: u64,
}

impl Ledger {
    /// Enters a request that may issue.
    pub(super) fn begin(&self, whose: Whose) -> UnderWay {
        let mut users = self.lock();
        let record = users.entry(whose.clone()).or_default();
        let number = record.next;
        record.next += 1;
        record.under_way.insert(number);
        UnderWay {
            ledger: self.clone(),
            whose,
            number,
        }
    }

    /// Enters a certificate that is in hand from before.
    pub(super) fn hold(&self, whose: Whose, certificate_id: &str) {
        self.lock()
            .entry(whose)
            .or_default()
            .receive(certificate_id.to_owned());
    }

    /// Returns when all requests for this user entered so far are over.
    pub(super) async fn settled(&self, whose: &Whose) {
        let mut ended = self.ended.subscribe();
        let before = self.lock().get(whose).map_or(0, |record| record.next);
        let is_settled = || {
            let users = self.lock();
            let first = users
                .get(whose)
                .and_then(|record| record.under_way.first().copied());
            first.is_none_or(|number| number >= before)
        };
        while !is_settled() && ended.changed().await.is_ok() {}
    }

    /// Whether this process has this certificate in hand.
    pub(super) fn has_received(&self, whose: &Whose, certificate_id: &str) -> bool {
        self.lock()
            .get(whose)
            .is_some_and(|record| record.has(certificate_id))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Whose, Record>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn has(&self, certificate_id: &str) -> bool {
        self.received.iter().any(|id| id == certificate_id)
    }

    fn receive(&mut self, certificate_id: String) {
        if self.has(&certificate_id) {
            return;
        }
        if self.received.len() == MOST_REMEMBERED {
            self.received.pop_front();
        }
        self.received.push_back(certificate_id);
    }
}

impl UnderWay {
    /// Enters the certificate that the request brought.
    pub(super) fn received(&self, certificate_id: String) {
        if let Some(record) = self.ledger.lock().get_mut(&self.whose) {
            record.receive(certificate_id);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(record) = self.ledger.lock().get_mut(&self.whose) {
            record.under_way.remove(&self.number);
        }
        self.ledger
            .ended
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// More certificates for one user than Atlas issues while an answer is awaited.
const MOST_REMEMBERED: usize = 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn whose(name: &str) -> Whose {
        let (server, project) = ("https://x".into(), "p".into());
        Whose {
            server,
            project,
            common_name: name.into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_requests_of_the_same_user_entered_before() {
        let ledger = Ledger::default();
        let first = ledger.begin(whose("a"));
        let _other = ledger.begin(whose("b"));
        let waiting = tokio::spawn({
            let ledger = ledger.clone();
            async move { ledger.settled(&whose("a")).await }
        });
        tokio::task::yield_now().await;
        let _later = ledger.begin(whose("a"));
        assert!(!waiting.is_finished());
        ledger.hold(whose("b"), "8");
        first.received("7".into());
        drop(first);
        waiting.await.unwrap();
        assert!(ledger.has_received(&whose("a"), "7"));
        assert!(!ledger.has_received(&whose("b"), "7"));
        assert!(ledger.has_received(&whose("b"), "8"));
        let unsettled = timeout(Duration::from_secs(1), ledger.settled(&whose("a"))).await;
        assert!(unsettled.is_err(), "the later one is still under way");
    }
}
