//! The RPCs in progress. Each runs in a task and a tracing span of its own, and ends in a response even if it panics.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tonic::{Response, Status};
use tracing::{Instrument as _, Span, field::Empty};

use crate::terraform::{Diagnostic, Diagnostics};

pub(super) type RpcResult<T> = Result<Response<T>, Status>;

/// The RPCs in progress.
pub(crate) struct Calls {
    tracker: TaskTracker,
    cancel: Mutex<CancellationToken>,
    next_id: AtomicU64,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let tracker = TaskTracker::new();
        // `wait` returns only for a closed tracker. A closed tracker still accepts tasks.
        tracker.close();
        Self {
            tracker,
            cancel: Mutex::default(),
            next_id: AtomicU64::new(RandomState::new().hash_one(())),
        }
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

    /// Counts as a call in progress until it is dropped.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> tokio_util::task::task_tracker::TaskTrackerToken {
        self.tracker.token()
    }

    /// Runs a call without side effects. It is aborted when the client drops the request.
    pub(super) async fn run_cancellable<T: From<Diagnostics> + Send + 'static>(
        &self,
        rpc: Rpc,
        call: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
    ) -> RpcResult<T> {
        rpc.respond(AbortOnDropHandle::new(self.spawn(&rpc, call)).await)
    }

    /// Runs a call with side effects. It continues when the client drops the request or disconnects.
    pub(super) async fn run_to_completion<T: From<Diagnostics> + Send + 'static>(
        &self,
        rpc: Rpc,
        call: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
    ) -> RpcResult<T> {
        rpc.respond(self.spawn(&rpc, call).await)
    }

    /// Runs a call without side effects that streams its responses. It is aborted when the client drops the stream.
    pub(super) fn stream<T: From<Diagnostics> + Send + 'static, C>(
        &self,
        rpc: Rpc,
        call: impl FnOnce(Responses<T>) -> C,
    ) -> ReceiverStream<Result<T, Status>>
    where
        C: Future<Output = Result<(), Diagnostics>> + Send + 'static,
    {
        let (sender, responses) = mpsc::channel(STREAM_BUFFER);
        let call = AbortOnDropHandle::new(self.spawn(&rpc, call(sender.clone())));
        self.tracker.spawn(async move {
            let outcome = tokio::select! {
                outcome = call => outcome,
                () = sender.closed() => return,
            };
            let failure = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(diagnostics)) => diagnostics,
                Err(_) => rpc.panic_diagnostics(),
            };
            // Fails only if the client has dropped the stream.
            let _ = sender.send(Ok(failure.into())).await;
        });
        ReceiverStream::new(responses)
    }

    fn spawn<T: Send + 'static>(
        &self,
        rpc: &Rpc,
        call: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let call = async move {
            let result = call.await;
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::trace!(tf_req_duration_ms = duration_ms, "RPC completed");
            result
        };
        self.tracker.spawn(call.instrument(rpc.span(id)))
    }
}

/// Takes the responses of a stream.
pub(super) type Responses<T> = mpsc::Sender<Result<T, Status>>;

/// Responses of a stream that may wait for the client.
const STREAM_BUFFER: usize = 16;

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
    fn span(&self, id: u64) -> Span {
        let span = tracing::error_span!(
            "rpc",
            tf_rpc = self.name,
            tf_req_id = format_args!("{id:016x}"),
            tf_resource_type = Empty,
            tf_data_source_type = Empty,
            tf_ephemeral_resource_type = Empty,
            tf_list_resource_type = Empty,
            tf_function = Empty,
        );
        if let Some((field, subject)) = &self.subject {
            span.record(*field, subject.as_str());
        }
        span
    }

    fn respond<T: From<Diagnostics>>(
        &self,
        outcome: Result<Result<T, Diagnostics>, JoinError>,
    ) -> RpcResult<T> {
        match outcome {
            Ok(result) => Ok(Response::new(result.unwrap_or_else(T::from))),
            Err(error) if error.is_panic() => Ok(Response::new(self.panic_diagnostics().into())),
            Err(_) => Err(Status::cancelled("the call was cancelled")),
        }
    }

    fn panic_diagnostics(&self) -> Diagnostics {
        let subject = self.subject.as_ref().map(|(_, name)| format!(" for {name}"));
        Diagnostic::error(
            "The provider crashed",
            format!(
                "{}{} failed because of a bug in the provider. Other resources are unaffected. Please report this with \
                 the log of a run with TF_LOG=ERROR, which contains the place of the bug and no secrets.",
                self.name,
                subject.unwrap_or_default()
            ),
        )
        .into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;
    use tokio_stream::StreamExt as _;

    use super::*;
    use crate::protocol::pb;

    type Plan = pb::plan_resource_change::Response;

    #[tokio::test]
    async fn panic_fails_its_call_alone_with_an_error_that_names_it() {
        let calls = Calls::new();
        let rpc = Rpc::new("PlanResourceChange").of("tf_resource_type", "x_thing");
        let response: RpcResult<Plan> = calls.run_cancellable(rpc, async { panic!("a bug") }).await;
        let diagnostics = response.unwrap().into_inner().diagnostics;
        assert_eq!(diagnostics[0].severity(), pb::diagnostic::Severity::Error);
        let detail = &diagnostics[0].detail;
        assert!(detail.starts_with("PlanResourceChange for x_thing failed because of a bug"));

        let rpc = Rpc::new("PlanResourceChange");
        let response = calls.run_cancellable(rpc, async { Ok(Plan::default()) });
        assert!(response.await.unwrap().into_inner().diagnostics.is_empty());
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
                Ok(Plan::default())
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

    #[tokio::test]
    async fn stream_ends_with_the_diagnostics_of_a_failure_or_a_panic() {
        type Event = pb::list_resource::Event;
        let calls = Calls::new();
        for panics in [false, true] {
            let events = calls.stream(Rpc::new("ListResource"), |sender| async move {
                sender.send(Ok(Event::default())).await.unwrap();
                assert!(!panics, "a bug");
                Err(Diagnostic::error("Refused", "").into())
            });
            let events: Vec<Event> = events.map(Result::unwrap).collect().await;
            let summaries: Vec<_> = events.iter().flat_map(|event| &event.diagnostic).collect();
            assert_eq!(events.len(), 2);
            let expected = if panics { "The provider crashed" } else { "Refused" };
            assert_eq!(summaries[0].summary, expected);
        }
        calls.drained().await;
    }

    #[tokio::test]
    async fn dropped_stream_aborts_its_call() {
        let calls = Calls::new();
        let call = |_| async { std::future::pending().await };
        let events = calls.stream::<pb::list_resource::Event, _>(Rpc::new("ListResource"), call);
        drop(events);
        calls.drained().await;
    }
}
