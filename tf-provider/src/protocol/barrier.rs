//! The barrier around every call: whatever happens inside, the host gets an answer with status OK that says so.
//!
//! Every call runs in a task of its own: a panic ends that call alone.

use std::{sync::Arc, time::Instant};

use tokio::task::{JoinError, JoinHandle};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status};

use super::{encode, pb, running::Running};
use crate::terraform::{Diagnostic, Diagnostics};

pub(super) type Answer<T> = Result<Response<T>, Status>;

/// Runs calls on what they all share.
pub(super) struct Barrier<C> {
    shared: Arc<C>,
    running: Arc<Running>,
}

impl<C> Barrier<C> {
    pub(super) fn new(shared: C, running: Arc<Running>) -> Self {
        let shared = Arc::new(shared);
        Self { shared, running }
    }

    pub(super) fn running(&self) -> &Running {
        &self.running
    }

    /// Answers a call that has no effects: it ends when nobody waits for it any more.
    pub(super) async fn answer<Q, A, F, R>(
        &self,
        rpc: Rpc,
        request: Request<Q>,
        call: F,
    ) -> Answer<A>
    where
        A: Refusal + Send + 'static,
        F: FnOnce(Arc<C>, Q) -> R,
        R: Future<Output = Result<A, Diagnostics>> + Send + 'static,
    {
        let started = Instant::now();
        let task = self.begin(request, call);
        rpc.finish(started, AbortOnDropHandle::new(task).await)
    }

    /// Answers a call that may have effects: it runs to its end even when the connection is gone.
    pub(super) async fn carry_out<Q, A, F, R>(
        &self,
        rpc: Rpc,
        request: Request<Q>,
        call: F,
    ) -> Answer<A>
    where
        A: Refusal + Send + 'static,
        F: FnOnce(Arc<C>, Q) -> R,
        R: Future<Output = Result<A, Diagnostics>> + Send + 'static,
    {
        let started = Instant::now();
        rpc.finish(started, self.begin(request, call).await)
    }

    fn begin<Q, T, F, R>(&self, request: Request<Q>, call: F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce(Arc<C>, Q) -> R,
        R: Future<Output = T> + Send + 'static,
    {
        let call = call(self.shared.clone(), request.into_inner());
        self.running.spawn(call)
    }
}

/// A call and what it is about, for logs and for the words about a panic.
pub(super) struct Rpc {
    name: &'static str,
    subject: String,
}

impl Rpc {
    pub(super) fn new(name: &'static str, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        Self { name, subject }
    }

    fn finish<A: Refusal>(
        self,
        started: Instant,
        result: Result<Result<A, Diagnostics>, JoinError>,
    ) -> Answer<A> {
        let answer = match result {
            Ok(Ok(answer)) => answer,
            Ok(Err(diagnostics)) => A::refusal(diagnostics),
            Err(error) if error.is_panic() => A::refusal(self.crashed()),
            Err(_) => return Err(Status::cancelled("the call was cancelled")),
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::trace!(
            tf_rpc = self.name,
            tf_resource_type = self.subject,
            tf_req_duration_ms = duration_ms,
            "Answered a call"
        );
        Ok(Response::new(answer))
    }

    fn crashed(&self) -> Diagnostics {
        let subject = if self.subject.is_empty() {
            String::new()
        } else {
            format!(" for {}", self.subject)
        };
        Diagnostic::error(
            "The provider crashed",
            format!(
                "{}{subject} ended in a bug of the provider. Other resources are not concerned. Please report this with the log \
                 of a run under TF_LOG=ERROR, which tells the place and holds no secrets.",
                self.name
            ),
        )
        .into()
    }
}

/// An answer that can tell why there is no better one.
pub(super) trait Refusal {
    fn refusal(diagnostics: Diagnostics) -> Self;
}

macro_rules! refusals {
    ($($message:ident),* $(,)?) => {$(
        impl Refusal for pb::$message::Response {
            #[allow(clippy::needless_update, reason = "some answers are nothing but diagnostics")]
            fn refusal(diagnostics: Diagnostics) -> Self {
                Self { diagnostics: encode::diagnostics(diagnostics), ..Default::default() }
            }
        }
    )*};
}

refusals!(
    get_metadata,
    get_provider_schema,
    prepare_provider_config,
    configure,
    validate_resource_type_config,
    upgrade_resource_state,
    read_resource,
    plan_resource_change,
    apply_resource_change,
    import_resource_state,
    move_resource_state,
    validate_data_source_config,
    read_data_source,
    validate_ephemeral_resource_config,
    open_ephemeral_resource,
    renew_ephemeral_resource,
    close_ephemeral_resource,
    get_functions,
);

impl Refusal for pb::call_function::Response {
    fn refusal(diagnostics: Diagnostics) -> Self {
        let text = diagnostics
            .into_iter()
            .map(|d| d.detail)
            .collect::<Vec<_>>()
            .join(" ");
        let error = Some(pb::FunctionError {
            text,
            function_argument: None,
        });
        Self {
            error,
            result: None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    type Plan = pb::plan_resource_change::Response;

    fn barrier() -> (Barrier<()>, Arc<Running>) {
        let running = Arc::new(Running::new());
        (Barrier::new((), running.clone()), running)
    }

    #[tokio::test]
    async fn a_panic_ends_its_call_alone_and_becomes_an_error_that_names_it() {
        let (barrier, _) = barrier();
        let rpc = Rpc::new("PlanResourceChange", "x_thing");
        let crash = |_, ()| async { panic!("a bug") };
        let answer: Answer<Plan> = barrier.answer(rpc, Request::new(()), crash).await;
        let told = answer.unwrap().into_inner().diagnostics;
        assert_eq!(told[0].severity(), pb::diagnostic::Severity::Error);
        assert!(
            told[0]
                .detail
                .starts_with("PlanResourceChange for x_thing ended in a bug")
        );

        let next = |_, ()| async { Ok(Plan::default()) };
        let answer = barrier.answer(Rpc::new("PlanResourceChange", ""), Request::new(()), next);
        assert!(answer.await.unwrap().into_inner().diagnostics.is_empty());
    }

    #[tokio::test]
    async fn a_call_with_effects_goes_on_when_nobody_waits_and_one_without_does_not() {
        for effects in [true, false] {
            let (barrier, running) = barrier();
            let (begun, begins) = oneshot::channel();
            let (release, released) = oneshot::channel::<()>();
            let (done, ended) = oneshot::channel();
            let call = |_, ()| async move {
                begun.send(()).unwrap();
                let _ = released.await;
                done.send(()).unwrap();
                Ok(Plan::default())
            };
            let host = tokio::spawn(async move {
                let (rpc, request) = (Rpc::new("x", ""), Request::new(()));
                if effects {
                    barrier.carry_out(rpc, request, call).await
                } else {
                    barrier.answer(rpc, request, call).await
                }
            });
            begins.await.unwrap();
            host.abort();
            assert!(host.await.unwrap_err().is_cancelled());
            // Fails where the call has ended with its host.
            let _ = release.send(());
            assert_eq!(ended.await.is_ok(), effects);
            running.idle().await;
        }
    }
}
