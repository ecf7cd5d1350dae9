//! The calls that run, and the user's wish to stop them.

use std::sync::{Mutex, PoisonError};

use tokio_util::task::TaskTracker;

use crate::terraform::Stop;

/// Shared by the service, which starts calls, and the process, which ends with them.
pub(crate) struct Running {
    calls: TaskTracker,
    stop: Mutex<Stop>,
}

impl Running {
    pub(crate) fn new() -> Self {
        let calls = TaskTracker::new();
        // Closed from the start: only then does `wait` tell when no call runs. New calls may come all the same.
        calls.close();
        Self {
            calls,
            stop: Mutex::default(),
        }
    }

    /// The wish to stop that calls beginning now will hear of.
    pub(super) fn stop(&self) -> Stop {
        self.stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells all calls that run to stop. Later calls are not concerned.
    pub(crate) fn stop_all(&self) {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *stop).request();
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
