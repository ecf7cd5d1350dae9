//! Armed faults: counting, pausing, releasing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::rule::{Fault, Moment, Sighting};
use crate::shared::Shared;

/// The faults in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Shared<Vec<Arc<Armed>>>,
    next_id: AtomicU64,
}

/// A fault with its count.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    seen: AtomicU32,
    hits: watch::Sender<u32>,
    paused: watch::Sender<u32>,
    released: watch::Sender<bool>,
}

/// A test's hold on a fault it added.
#[derive(Clone, Debug)]
pub struct FaultHandle {
    armed: Arc<Armed>,
    runtime: Handle,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) -> Arc<Armed> {
        let armed = Arc::new(Armed {
            id: self.next_id.fetch_add(1, Ordering::Relaxed) + 1,
            fault,
            seen: AtomicU32::new(0),
            hits: watch::Sender::new(0),
            paused: watch::Sender::new(0),
            released: watch::Sender::new(false),
        });
        self.armed.lock().push(Arc::clone(&armed));
        armed
    }

    /// The first fault that hits this request. Faults behind it do not see the request.
    pub(crate) fn pick(&self, request: &Sighting<'_>) -> Option<Arc<Armed>> {
        let armed = self.armed.lock();
        let mut matching = armed
            .iter()
            .filter(|armed| armed.fault.matching.covers(request));
        matching.find(|armed| armed.sees_a_match()).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Armed>> {
        self.armed.lock().clone()
    }

    /// Forgets a fault and lets go what it holds; false if there is none of this id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut armed = self.armed.lock();
        let Some(at) = armed.iter().position(|armed| armed.id == id) else {
            return false;
        };
        armed.remove(at).release();
        true
    }

    pub(crate) fn clear(&self) {
        self.armed
            .lock()
            .drain(..)
            .for_each(|armed| armed.release());
    }
}

impl Armed {
    fn sees_a_match(&self) -> bool {
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        let hit = self.fault.matching.hits(number);
        if hit {
            self.hits.send_modify(|hits| *hits += 1);
        }
        hit
    }

    /// Holds a request that has come to `moment`, if the fault says so.
    pub(crate) async fn hold(&self, moment: Moment) {
        let Some(pause) = self.fault.pause.filter(|pause| pause.moment == moment) else {
            return;
        };
        let mut released = self.released.subscribe();
        self.paused.send_modify(|paused| *paused += 1);
        match pause.millis {
            Some(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            // The sender lives as long as `self`.
            None => released
                .wait_for(|released| *released)
                .await
                .map(|_| ())
                .unwrap_or_default(),
        }
    }

    /// Lets go what is held now and what would be held later.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    pub(crate) fn hits(&self) -> u32 {
        *self.hits.borrow()
    }

    pub(crate) fn held(&self) -> u32 {
        *self.paused.borrow()
    }

    /// Whether it has hit all it was to hit; one request, if it hits without end.
    pub(crate) fn is_used_up(&self) -> bool {
        self.hits() >= self.fault.matching.times.unwrap_or(1)
    }
}

impl FaultHandle {
    pub(crate) fn new(armed: Arc<Armed>, runtime: Handle) -> Self {
        Self { armed, runtime }
    }

    /// The number under which the HTTP control surface knows it.
    pub fn id(&self) -> u64 {
        self.armed.id
    }

    /// Waits for a request: to arrive at the pause, or to be hit where there is no pause.
    ///
    /// # Panics
    /// When no request came within two minutes: a test had better fail than hang.
    pub async fn reached(&self) {
        self.reached_times(1).await;
    }

    /// Waits for that many requests, as [`Self::reached`] does for one.
    ///
    /// # Panics
    /// When they did not come within two minutes.
    pub async fn reached_times(&self, times: u32) {
        let armed = Arc::clone(&self.armed);
        // On the server's runtime: the caller's may have no timer, or a paused one.
        let wait = self
            .runtime
            .spawn(async move { armed.reached_times(times).await });
        let reached = wait.await.unwrap_or(false);
        assert!(
            reached,
            "no request reached the fault {:?} within two minutes",
            self.armed.fault
        );
    }

    /// Does what [`Self::reached`] does, outside of asynchronous code.
    ///
    /// # Panics
    /// When no request came within two minutes, and inside of asynchronous code.
    pub fn reached_blocking(&self) {
        self.runtime.block_on(self.reached());
    }

    /// Lets go what is held now and what would be held later.
    pub fn release(&self) {
        self.armed.release();
    }

    /// Requests hit so far.
    pub fn hits(&self) -> u32 {
        self.armed.hits()
    }
}

impl Armed {
    async fn reached_times(&self, times: u32) -> bool {
        let counter = if self.fault.pause.is_some() {
            &self.paused
        } else {
            &self.hits
        };
        let mut counter = counter.subscribe();
        let enough = counter.wait_for(|count| *count >= times);
        tokio::time::timeout(Duration::from_secs(120), enough)
            .await
            .is_ok_and(|found| found.is_ok())
    }
}
