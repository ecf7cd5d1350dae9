//! Terraform or the provider is killed or interrupted at each request of a create and of a renewal. The next apply converges,
//! and every certificate that Atlas has issued is in state, in an error, or listed by the data source.
#![cfg(target_os = "linux")]

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, RetryAfter, When};
use serde_json::{Value as Json, json};
use tf_harness::{
    cli::{Output, Workspace},
    plugin::SpawnOptions,
};

use crate::support::{
    atlas::{PROJECT, atlas},
    cli_process::{CliProcess, entries, kill, providers, wait_for_exit},
    plugin::configured,
    terraform::{provider, workspace},
};

#[test]
fn create_that_ends_early_at_any_request_loses_no_certificate() {
    for termination in Termination::ALL {
        terminate_at_every_request(Operation::Create, termination);
    }
}

#[test]
fn renewal_that_ends_early_at_any_request_loses_no_certificate() {
    for termination in Termination::ALL {
        terminate_at_every_request(Operation::Renewal, termination);
    }
}

#[test]
fn interrupted_plan_ends_at_once_and_issues_nothing() {
    for (operation, endpoint) in [
        (Operation::Create, Endpoint::IssueToken),
        (Operation::Create, Endpoint::ReadUser),
        (Operation::Renewal, Endpoint::IssueToken),
        (Operation::Renewal, Endpoint::ListCertificates),
    ] {
        let fixture = Fixture::new(operation);
        let pause = fixture.atlas.control().add_fault(Fault::on(endpoint).pause(When::Before));
        let run = CliProcess::start(&fixture.workspace, &["plan", "-no-color", "-input=false"]);
        pause.reached_blocking();
        run.interrupt();
        let output = run.finish();
        assert!(!output.status.success(), "{}", output.stdout);
        fixture.leaves_nothing_behind(Termination::Interrupt);
        assert_eq!(fixture.atlas.control().issued_count(), fixture.before);
    }
}

#[test]
fn interrupted_wait_for_a_retry_ends_within_two_seconds_and_issues_nothing() {
    for operation in [Operation::Create, Operation::Renewal] {
        let fixture = Fixture::new(operation);
        let rate_limited = Answer::rate_limited(Some(RetryAfter::Seconds(120)));
        let fault = Fault::on(Endpoint::IssueCertificate);
        fixture.atlas.control().add_fault(fault.always().refuse(rate_limited));
        let arguments = ["apply", "-auto-approve", "-no-color", "-input=false"];
        let mut run = CliProcess::start(&fixture.workspace, &arguments);
        // Terraform prints "Still creating..." or "Still modifying..." ten seconds after the provider got the call.
        run.await_line("Still ");
        let interrupted_at = Instant::now();
        run.interrupt();
        let output = run.finish();
        let took = interrupted_at.elapsed();
        assert!(took < Duration::from_secs(2), "it took {took:?}");
        assert!(!output.status.success(), "{}", output.stdout);
        fixture.leaves_nothing_behind(Termination::Interrupt);
        assert_eq!(fixture.atlas.control().issued_count(), fixture.before);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Renewal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Termination {
    KillTerraform,
    KillProvider,
    Interrupt,
    TwoInterrupts,
}

/// A request that Atlas holds while the process is terminated.
struct CrashPoint {
    name: &'static str,
    endpoint: Endpoint,
    nth: u32,
    when: When,
}

impl Termination {
    const ALL: [Self; 4] =
        [Self::KillTerraform, Self::KillProvider, Self::Interrupt, Self::TwoInterrupts];
}

impl CrashPoint {
    /// The requests of an apply in their order. Plan and apply have a process, and a token, each.
    fn all(operation: Operation) -> Vec<Self> {
        let before = |name, endpoint, nth| Self { name, endpoint, nth, when: When::Before };
        let mut points = vec![before("token for the plan", Endpoint::IssueToken, 1)];
        points.extend(match operation {
            Operation::Create => vec![
                before("user, for the plan", Endpoint::ReadUser, 1),
                before("token for the apply", Endpoint::IssueToken, 2),
                before("user, for the apply", Endpoint::ReadUser, 2),
            ],
            Operation::Renewal => vec![
                before("list, for the refresh", Endpoint::ListCertificates, 1),
                before("token for the apply", Endpoint::IssueToken, 2),
            ],
        });
        points.push(before("certificate not issued yet", Endpoint::IssueCertificate, 1));
        points.push(Self {
            name: "certificate issued and not delivered",
            endpoint: Endpoint::IssueCertificate,
            nth: 1,
            when: When::After,
        });
        points
    }

    fn is_planning(&self) -> bool {
        self.nth == 1 && !self.issues()
    }

    fn issues(&self) -> bool {
        self.endpoint == Endpoint::IssueCertificate
    }
}

fn terminate_at_every_request(operation: Operation, termination: Termination) {
    for point in CrashPoint::all(operation) {
        eprintln!("{}", point.name);
        let fixture = Fixture::new(operation);
        let output = fixture.terminate(&point, termination);
        fixture.leaves_nothing_behind(termination);
        fixture.converges();
        fixture.accounts_for_every_certificate(&point, termination, &output);
    }
}

struct Fixture {
    atlas: LocalAtlas,
    workspace: Workspace,
    before: usize,
}

impl Fixture {
    /// Before the apply that is terminated.
    fn new(operation: Operation) -> Self {
        let atlas = atlas(&["app"]);
        let resource = format!(
            "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = \"{PROJECT}\"\n  username   = \"app\"\n}}\n"
        );
        let mut workspace = workspace(&atlas, &resource);
        let temporary = workspace.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        workspace.set_env("TMPDIR", temporary.to_str().unwrap());
        if operation == Operation::Renewal {
            workspace.apply(&[]).success();
            atlas.control().advance(Duration::from_secs(80 * 24 * 3600));
        }
        let before = atlas.control().issued_count();
        Self { atlas, workspace, before }
    }

    /// An apply that is terminated at this request.
    fn terminate(&self, point: &CrashPoint, termination: Termination) -> Output {
        let fault = Fault::on(point.endpoint).nth(point.nth).pause(point.when);
        let pause = self.atlas.control().add_fault(fault);
        let mut run = CliProcess::start(
            &self.workspace,
            &["apply", "-auto-approve", "-no-color", "-input=false"],
        );
        pause.reached_blocking();
        let started = providers(&self.workspace);
        assert!(!started.is_empty(), "no provider runs");
        match termination {
            Termination::KillTerraform => run.kill(),
            Termination::KillProvider => kill(&started),
            Termination::Interrupt => {
                run.interrupt();
                run.await_line("Interrupt received");
            }
            Termination::TwoInterrupts => {
                run.interrupt();
                run.await_line("Interrupt received");
                run.interrupt();
                run.await_line("Two interrupts received");
            }
        }
        // A certificate request that was sent runs to its answer, and so does a request of the plan: Terraform passes no interrupt
        // on while it plans. Every other request ends without an answer.
        let completes = match termination {
            Termination::KillTerraform | Termination::KillProvider => point.issues(),
            Termination::Interrupt => point.issues() || point.is_planning(),
            Termination::TwoInterrupts => false,
        };
        if completes {
            pause.release();
        }
        let output = run.finish();
        if !completes {
            assert!(!output.status.success(), "the apply was not terminated:\n{}", output.stdout);
        }
        for provider in started {
            assert!(wait_for_exit(provider), "a provider outlives its host:\n{}", output.stdout);
        }
        pause.release();
        output
    }

    /// No process is left, and no socket except that of a provider that was killed.
    fn leaves_nothing_behind(&self, termination: Termination) {
        assert_eq!(providers(&self.workspace), []);
        let mut left = entries(&self.workspace.path().join("tmp"));
        left.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("plugin"));
        assert!(left.is_empty() || termination == Termination::KillProvider, "{left:?}");
    }

    fn converges(&self) {
        self.workspace.apply(&[]).success();
        assert!(self.workspace.plans_nothing());
        let instances = self.workspace.instances("atlas_user_certificate");
        assert_eq!(instances.len(), 1);
        assert_eq!(
            (&instances[0]["status"], &instances[0]["has_private_key"]),
            (&json!("active"), &json!(true))
        );
    }

    /// Each is in state, named in an error, or, if no process was left to report it, listed by the data source.
    fn accounts_for_every_certificate(
        &self,
        point: &CrashPoint,
        termination: Termination,
        output: &Output,
    ) {
        let issued = self.atlas.control().all_certificates();
        if !point.issues() {
            assert_eq!(issued.len(), self.before + 1, "issued without a request");
        }
        let mut known = self.stored();
        let reported = output.text();
        known.extend(
            issued
                .iter()
                .map(|certificate| certificate.id.to_string())
                .filter(|id| reported.contains(id)),
        );
        if point.issues() && termination != Termination::Interrupt {
            known.extend(self.listed());
        }
        for certificate in issued {
            let id = certificate.id.to_string();
            assert!(
                known.contains(&id),
                "certificate {id} is not accounted for:\n{}{}",
                output.stdout,
                output.stderr
            );
        }
    }

    fn stored(&self) -> HashSet<String> {
        let instances = self.workspace.instances("atlas_user_certificate");
        let superseded = instances
            .iter()
            .flat_map(|instance| instance["superseded_certificates"].as_array().unwrap());
        instances.iter().chain(superseded).map(id).collect()
    }

    fn listed(&self) -> HashSet<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = json!({ "project_id": PROJECT, "username": "app" });
        let read = runtime.block_on(async {
            let core = configured(&self.atlas, SpawnOptions::new(provider())).await;
            core.read_data("atlas_user_certificates", config).await.unwrap()
        });
        let listed = read.state.unwrap();
        listed["certificates"].as_array().unwrap().iter().map(id).collect()
    }
}

fn id(object: &Json) -> String {
    object["certificate_id"].as_str().expect("an id").to_owned()
}
