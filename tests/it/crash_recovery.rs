//! Terraform or the provider is killed or interrupted at each request of a create and of a renewal. The next apply converges,
//! and every certificate that Atlas has issued is in state, in an error, or listed by the data source.
#![cfg(target_os = "linux")]

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use local_atlas::{Answer, Endpoint, Fault, RetryAfter, When};
use serde_json::{Value as Json, json};
use tf_harness::cli::Output;

use crate::support::{
    cli_process::{CliProcess, entries, kill, providers, wait_for_exit},
    fixture::{Fixture, certificate},
    in_process::{InProcess, config},
};

#[test]
fn create_that_ends_early_at_any_request_loses_no_certificate() {
    ends_early_at_every_request(Operation::Create);
}

#[test]
fn renewal_that_ends_early_at_any_request_loses_no_certificate() {
    ends_early_at_every_request(Operation::Renewal);
}

#[test]
fn interrupted_plan_ends_at_once_and_issues_nothing() {
    for (operation, endpoint) in [
        (Operation::Create, Endpoint::IssueToken),
        (Operation::Create, Endpoint::ReadUser),
        (Operation::Renewal, Endpoint::IssueToken),
        (Operation::Renewal, Endpoint::ListCertificates),
    ] {
        let run = CrashRun::new(operation);
        let pause = run.t.fault(Fault::on(endpoint).pause(When::Before));
        let plan = CliProcess::start(&run.t.workspace, &["plan", "-no-color", "-input=false"]);
        pause.reached_blocking();
        plan.interrupt();
        run.issued_nothing(&plan.finish());
    }
}

#[test]
fn interrupted_wait_for_a_retry_ends_within_two_seconds_and_issues_nothing() {
    for operation in [Operation::Create, Operation::Renewal] {
        let mut run = CrashRun::new(operation);
        run.t.workspace.set_env("TF_LOG_PROVIDER", "INFO");
        let rate_limited = Answer::rate_limited(Some(RetryAfter::Seconds(120)));
        run.t.fault(Fault::on(Endpoint::IssueCertificate).always().refuse(rate_limited));
        let mut apply = CliProcess::start(&run.t.workspace, &APPLY);
        // The log line that the provider writes before it waits.
        apply.await_line(" seconds before ");
        let interrupted_at = Instant::now();
        apply.interrupt();
        let output = apply.finish();
        let took = interrupted_at.elapsed();
        assert!(took < Duration::from_secs(2), "it took {took:?}");
        run.issued_nothing(&output);
    }
}

const APPLY: [&str; 4] = ["apply", "-auto-approve", "-no-color", "-input=false"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Renewal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Termination {
    KillTerraform,
    KillProvider,
    Interrupt,
    TwoInterrupts,
}

impl Termination {
    const ALL: [Self; 4] =
        [Self::KillTerraform, Self::KillProvider, Self::Interrupt, Self::TwoInterrupts];
}

/// A request that Atlas holds while the process is terminated: its endpoint, its number, and when.
type CrashPoint = (Endpoint, u32, When);

/// The requests of an apply in their order. Plan and apply have a process, and a token, each.
fn crash_points(operation: Operation) -> Vec<CrashPoint> {
    let plan = (Endpoint::IssueToken, 1, When::Before);
    let apply = (Endpoint::IssueToken, 2, When::Before);
    let mut points = match operation {
        Operation::Create => {
            let user = |nth| (Endpoint::ReadUser, nth, When::Before);
            vec![plan, user(1), apply, user(2)]
        }
        Operation::Renewal => vec![plan, (Endpoint::ListCertificates, 1, When::Before), apply],
    };
    points.extend([When::Before, When::After].map(|when| (Endpoint::IssueCertificate, 1, when)));
    points
}

/// Ends an apply in every way at every request. Three workers share the scenarios, which mostly wait.
fn ends_early_at_every_request(operation: Operation) {
    let ends = |point| Termination::ALL.map(|termination| (point, termination));
    let scenarios: Vec<_> = crash_points(operation).into_iter().flat_map(ends).collect();
    std::thread::scope(|scope| {
        for worker in 0..3 {
            let scenarios = scenarios.iter().skip(worker).step_by(3);
            scope.spawn(move || scenarios.for_each(|it| CrashRun::new(operation).ends_early(it)));
        }
    });
}

struct CrashRun {
    t: Fixture,
    /// The number of certificates that exist.
    before: usize,
}

impl CrashRun {
    /// Before the apply that is terminated.
    fn new(operation: Operation) -> Self {
        let mut t = Fixture::new(&certificate(""));
        let temporary = t.workspace.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        t.workspace.set_env("TMPDIR", temporary.to_str().unwrap());
        if operation == Operation::Renewal {
            t.workspace.apply(&[]).success();
            t.advance_days(80);
        }
        let before = t.issued().len();
        Self { t, before }
    }

    fn ends_early(&self, &(point, termination): &(CrashPoint, Termination)) {
        eprintln!("{point:?}, {termination:?}");
        let output = self.terminate(point, termination);
        self.leaves_nothing_behind(termination);
        self.converges();
        self.accounts_for_every_certificate(point, termination, &output);
    }

    /// An apply that is terminated at this request.
    fn terminate(&self, (endpoint, nth, when): CrashPoint, termination: Termination) -> Output {
        let issues = endpoint == Endpoint::IssueCertificate;
        let pause = self.t.fault(Fault::on(endpoint).nth(nth).pause(when));
        let mut run = CliProcess::start(&self.t.workspace, &APPLY);
        pause.reached_blocking();
        let started = providers(&self.t.workspace);
        assert!(!started.is_empty(), "no provider runs");
        match termination {
            Termination::KillTerraform => run.kill(),
            Termination::KillProvider => kill(&started),
            Termination::Interrupt | Termination::TwoInterrupts => {
                run.interrupt();
                run.await_line("Interrupt received");
            }
        }
        // A certificate request that was sent runs to its response, and so does a request of the plan: Terraform passes no
        // interrupt on while it plans. Every other request ends without a response, perhaps before the second interrupt.
        let runs_on = issues || nth == 1;
        if termination == Termination::TwoInterrupts {
            run.interrupt();
            if runs_on {
                run.await_line("Two interrupts received");
            }
        }
        let completes = match termination {
            Termination::KillTerraform | Termination::KillProvider => issues,
            Termination::Interrupt => runs_on,
            Termination::TwoInterrupts => false,
        };
        if completes {
            pause.release();
        }
        let output = run.finish();
        let ended_early = !output.status.success();
        assert!(completes || ended_early, "the apply was not terminated:\n{}", output.stdout);
        for provider in started {
            assert!(wait_for_exit(provider), "a provider outlives its host:\n{}", output.stdout);
        }
        pause.release();
        output
    }

    /// No process is left, and no socket except that of a provider that was killed.
    fn leaves_nothing_behind(&self, termination: Termination) {
        assert_eq!(providers(&self.t.workspace), []);
        let mut left = entries(&self.t.workspace.path().join("tmp"));
        left.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("plugin"));
        assert!(left.is_empty() || termination == Termination::KillProvider, "{left:?}");
    }

    #[track_caller]
    fn issued_nothing(&self, output: &Output) {
        assert!(!output.status.success(), "{}", output.stdout);
        self.leaves_nothing_behind(Termination::Interrupt);
        assert_eq!(self.t.issued().len(), self.before);
    }

    fn converges(&self) {
        self.t.workspace.apply(&[]).success();
        assert!(self.t.plans_nothing());
        let object = self.t.object();
        assert_eq!(object["status"], "active");
        assert_eq!(object["has_private_key"], true);
    }

    /// Each is in state, named in an error, or, if no process was left to report it, listed by the data source.
    fn accounts_for_every_certificate(
        &self,
        (endpoint, ..): CrashPoint,
        termination: Termination,
        output: &Output,
    ) {
        let issued = self.t.issued();
        let object = self.t.object();
        let superseded = object["superseded_certificates"].as_array().unwrap().iter();
        let mut known: HashSet<String> = superseded.chain([&object]).map(id).collect();
        if endpoint != Endpoint::IssueCertificate {
            assert_eq!(issued.len(), self.before + 1, "issued without a request");
        } else if termination != Termination::Interrupt {
            known.extend(self.listed());
        }
        let reported = output.text();
        for id in issued.iter().map(|certificate| certificate.id.to_string()) {
            assert!(known.contains(&id) || reported.contains(&id), "{id} is unknown: {output:?}");
        }
    }

    fn listed(&self) -> HashSet<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let read = runtime.block_on(async {
            let host = InProcess::new(&self.t.atlas, json!({})).await;
            host.command().await;
            host.read_data("atlas_user_certificates", config("app")).await.unwrap()
        });
        read.instance.unwrap()["certificates"].as_array().unwrap().iter().map(id).collect()
    }
}

fn id(object: &Json) -> String {
    object["certificate_id"].as_str().expect("an id").to_owned()
}
