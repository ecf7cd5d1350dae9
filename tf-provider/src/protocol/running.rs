//! The calls in progress and their cancellation.

use std::sync::{Mutex, PoisonError};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Shared by the service, which starts calls, and the process, which ends with them.
pub(crate) struct Running {
    calls: TaskTracker,
    cancel: Mutex<CancellationToken>,
}

impl Running {
    pub(crate) fn new() -> Self {
        let calls = TaskTracker::new();
        // Closed from the start: only then does `wait` tell when no call runs. New calls may come all the same.
        calls.close();
        Self {
            calls,
            cancel: Mutex::default(),
        }
    }

    /// The token of calls that start now.
    pub(super) fn cancellation(&self) -> CancellationToken {
        self.cancel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Cancels all calls in progress. Calls started later are unaffected.
    pub(crate) fn stop_all(&self) {
        let mut cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cancel).cancel();
    }

    /// Starts a call that goes on when nobody waits for it any more.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.calls.spawn(call)
    }

    /// Resolves when no call runs.
    pub(crate) async fn idle(&self) {
        self.calls.wait().await;
    }
}
