//! Faults of a running server: counting, pausing, releasing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::watch};

use super::{Fault, When};
use crate::route::Route;

/// The faults in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Mutex<Vec<Arc<ActiveFault>>>,
    next_id: AtomicU64,
}

/// A fault with its counts.
#[derive(Debug, Default)]
pub(crate) struct ActiveFault {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    seen: AtomicU32,
    hits: watch::Sender<u32>,
    held: watch::Sender<u32>,
    released: watch::Sender<bool>,
}

/// Observes and releases a fault.
#[derive(Clone, Debug)]
pub struct FaultHandle {
    pub(crate) fault: Arc<ActiveFault>,
    pub(crate) runtime: Handle,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) -> Arc<ActiveFault> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let active = Arc::new(ActiveFault { id, fault, ..ActiveFault::default() });
        self.active.lock().push(Arc::clone(&active));
        active
    }

    /// The first fault that applies to this request. Later faults do not count the request.
    pub(crate) fn pick(&self, route: Option<&Route>, login: bool) -> Option<Arc<ActiveFault>> {
        let active = self.active.lock();
        let mut matching = active.iter().filter(|it| it.fault.matching.covers(route, login));
        matching.find(|it| it.count_match()).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<ActiveFault>> {
        self.active.lock().clone()
    }

    /// Removes a fault and releases the requests it holds; false if there is none of this id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut active = self.active.lock();
        let place = active.iter().position(|it| it.id == id);
        place.map(|place| active.remove(place).release()).is_some()
    }

    pub(crate) fn clear(&self) {
        self.active.lock().drain(..).for_each(|it| it.release());
    }
}

impl ActiveFault {
    fn count_match(&self) -> bool {
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        let applies = self.fault.matching.applies_to(number);
        if applies {
            self.hits.send_modify(|hits| *hits += 1);
        }
        applies
    }

    /// Holds a request that has reached `moment`, if the fault has a pause there.
    pub(crate) async fn hold(&self, moment: When) {
        let Some(pause) = self.fault.pause.filter(|pause| pause.moment == moment) else {
            return;
        };
        let mut released = self.released.subscribe();
        self.held.send_modify(|held| *held += 1);
        if let Some(millis) = pause.millis {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        } else {
            // The sender lives as long as `self`.
            let _ = released.wait_for(|released| *released).await;
        }
    }

    /// Releases the requests that are held now, and holds none later.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    pub(crate) fn hits(&self) -> u32 {
        *self.hits.borrow()
    }

    pub(crate) fn held(&self) -> u32 {
        *self.held.borrow()
    }

    /// Whether it has applied to all its requests; to one if it has no limit.
    pub(crate) fn is_used_up(&self) -> bool {
        self.hits() >= self.fault.matching.times.unwrap_or(1)
    }

    /// Its name, or its number if it has none.
    pub(crate) fn label(&self) -> String {
        match self.fault.name.as_str() {
            "" => format!("fault {}", self.id),
            name => name.to_owned(),
        }
    }
}

impl FaultHandle {
    /// Its number in the control interface.
    pub fn id(&self) -> u64 {
        self.fault.id
    }

    /// Waits until a request is held, or until the fault applies to one if it has no pause.
    pub async fn reached(&self) {
        self.reached_times(1).await;
    }

    /// Waits for that many requests, as [`Self::reached`] does for one.
    ///
    /// # Panics
    /// If they do not arrive within two minutes: a test should fail rather than hang.
    pub async fn reached_times(&self, times: u32) {
        let fault = &self.fault;
        let counter = if fault.fault.pause.is_some() { &fault.held } else { &fault.hits };
        let mut counter = counter.subscribe();
        // On the server's runtime: the caller's may have no timer, or a paused one.
        let reached = self.runtime.spawn(async move {
            let enough = counter.wait_for(|count| *count >= times);
            let enough = tokio::time::timeout(Duration::from_secs(120), enough).await;
            enough.is_ok_and(|found| found.is_ok())
        });
        assert!(
            reached.await.unwrap_or(false),
            "no request reached {:?} within two minutes",
            self.fault.fault
        );
    }

    /// Does what [`Self::reached`] does, outside of asynchronous code.
    pub fn reached_blocking(&self) {
        self.runtime.block_on(self.reached());
    }

    /// Releases the requests that are held now, and holds none later.
    pub fn release(&self) {
        self.fault.release();
    }

    /// The number of requests that the fault has applied to.
    pub fn hits(&self) -> u32 {
        self.fault.hits()
    }
}
