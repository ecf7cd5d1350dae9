//! The RPCs in progress. Each runs in a task and a tracing span of its own, and has an outcome even if it panics.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tokio::task::JoinHandle;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::{Instrument as _, Span};

use crate::terraform::{Diagnostic, Diagnostics};

/// The response of an RPC, or the diagnostics that it consists of.
pub(super) type Outcome<T> = Result<T, Diagnostics>;

pub(crate) struct Calls {
    tracker: TaskTracker,
    cancel: Mutex<CancellationToken>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let tracker = TaskTracker::new();
        // `wait` returns only for a closed tracker. A closed tracker still accepts tasks.
        tracker.close();
        Self { tracker, cancel: Mutex::default() }
    }

    /// The token of calls that start now.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cancels all calls in progress. Calls started later are unaffected.
    pub(crate) fn cancel_all(&self) {
        let mut cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cancel).cancel();
    }

    /// Resolves when no call is in progress.
    pub(crate) async fn drained(&self) {
        self.tracker.wait().await;
    }

    /// Runs a call without side effects. It is aborted when the client drops the request.
    pub(super) async fn run_cancellable<T: Send + 'static>(
        &self,
        rpc: Rpc,
        call: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Outcome<T> {
        let task = AbortOnDropHandle::new(self.spawn(&rpc, call));
        task.await.unwrap_or_else(|_panic| rpc.crashed())
    }

    /// Runs a call with side effects. It continues when the client drops the request or disconnects.
    pub(super) async fn run_to_completion<T: Send + 'static>(
        &self,
        rpc: Rpc,
        call: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Outcome<T> {
        self.spawn(&rpc, call).await.unwrap_or_else(|_panic| rpc.crashed())
    }

    fn spawn<T: Send + 'static>(
        &self,
        rpc: &Rpc,
        call: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let started = Instant::now();
        let call = async move {
            let result = call.await;
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::trace!(tf_req_duration_ms = duration_ms, "RPC completed");
            result
        };
        self.tracker.spawn(call.instrument(rpc.span()))
    }
}

/// The name of an RPC and what it concerns.
pub(super) struct Rpc {
    name: &'static str,
    /// A type or a function, after the log field that contains it. `None` for the provider as a whole.
    subject: Option<(&'static str, String)>,
}

impl Rpc {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, subject: None }
    }

    pub(super) fn of(self, field: &'static str, subject: &str) -> Self {
        Self { subject: Some((field, subject.to_owned())), ..self }
    }

    /// The span whose fields are on every log line of the call. At level error, so that it exists at every level.
    fn span(&self) -> Span {
        let subject = |of: &str| {
            let (field, subject) = self.subject.as_ref()?;
            (*field == of).then_some(subject.as_str())
        };
        tracing::error_span!(
            "rpc",
            tf_rpc = self.name,
            // Random, because processes share a log.
            tf_req_id = format_args!("{:016x}", RandomState::new().hash_one(())),
            tf_resource_type = subject("tf_resource_type"),
            tf_data_source_type = subject("tf_data_source_type"),
            tf_ephemeral_resource_type = subject("tf_ephemeral_resource_type"),
            tf_list_resource_type = subject("tf_list_resource_type"),
            tf_function = subject("tf_function"),
        )
    }

    /// The outcome of a call that panicked.
    fn crashed<T>(&self) -> Outcome<T> {
        let subject = self.subject.as_ref().map(|(_, name)| format!(" for {name}"));
        let detail = format!(
            "{}{} failed because of a bug in the provider. Other resources are unaffected. Please report this with the \
             log of a run with TF_LOG=ERROR, which contains the place of the bug and no secrets.",
            self.name,
            subject.unwrap_or_default()
        );
        Err(Diagnostic::error("The provider crashed", detail).into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;
    #[cfg(unix)]
    use tokio_util::task::task_tracker::TaskTrackerToken;

    use super::*;
    use crate::terraform::Severity;

    #[cfg(unix)]
    impl Calls {
        /// Counts as a call in progress until it is dropped.
        pub(crate) fn hold(&self) -> TaskTrackerToken {
            self.tracker.token()
        }
    }

    #[tokio::test]
    async fn panic_fails_its_call_alone_with_an_error_that_names_it() {
        let calls = Calls::new();
        let rpc = Rpc::new("PlanResourceChange").of("tf_resource_type", "x_thing");
        let outcome: Outcome<()> = calls.run_cancellable(rpc, async { panic!("a bug") }).await;
        let diagnostics = outcome.unwrap_err();
        assert_eq!(diagnostics[0].severity, Severity::Error);
        assert_eq!(diagnostics[0].summary, "The provider crashed");
        let detail = &diagnostics[0].detail;
        assert!(detail.starts_with("PlanResourceChange for x_thing failed because of a bug"));

        let rpc = Rpc::new("PlanResourceChange");
        assert_eq!(calls.run_cancellable(rpc, async { Ok(7) }).await, Ok(7));
    }

    #[tokio::test]
    async fn dropped_request_aborts_a_call_without_side_effects_only() {
        for has_side_effects in [true, false] {
            let calls = Arc::new(Calls::new());
            let (begun, begins) = oneshot::channel();
            let (release, released) = oneshot::channel::<()>();
            let (done, ended) = oneshot::channel();
            let call = async move {
                begun.send(()).unwrap();
                let _ = released.await;
                done.send(()).unwrap();
                Ok(())
            };
            let client = tokio::spawn({
                let (calls, rpc) = (calls.clone(), Rpc::new("x"));
                async move {
                    if has_side_effects {
                        calls.run_to_completion(rpc, call).await
                    } else {
                        calls.run_cancellable(rpc, call).await
                    }
                }
            });
            begins.await.unwrap();
            client.abort();
            assert!(client.await.unwrap_err().is_cancelled());
            // Fails if the call was aborted.
            let _ = release.send(());
            assert_eq!(ended.await.is_ok(), has_side_effects);
            calls.drained().await;
        }
    }

    #[test]
    fn cancel_all_cancels_calls_in_progress_and_no_later_ones() {
        let calls = Calls::new();
        let (first, second) = (calls.cancellation(), calls.cancellation());
        calls.cancel_all();
        assert!(first.is_cancelled() && second.is_cancelled());
        assert!(!calls.cancellation().is_cancelled());
    }
}
