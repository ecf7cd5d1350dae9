//! Death and interruption at every step of a create and of a renewal: afterwards an apply converges, and no certificate that
//! Atlas has issued is unheard of.
#![cfg(target_os = "linux")]

use std::{collections::HashSet, time::Duration};

use local_atlas::{Endpoint, Fault, LocalAtlas, When};
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
fn nothing_is_lost_when_terraform_is_killed_during_a_create() {
    at_every_step(Walk::Create, End::TerraformDies);
}

#[test]
fn nothing_is_lost_when_terraform_is_killed_during_a_renewal() {
    at_every_step(Walk::Renewal, End::TerraformDies);
}

#[test]
fn nothing_is_lost_when_the_provider_is_killed_during_a_create() {
    at_every_step(Walk::Create, End::ProviderDies);
}

#[test]
fn nothing_is_lost_when_the_provider_is_killed_during_a_renewal() {
    at_every_step(Walk::Renewal, End::ProviderDies);
}

#[test]
fn an_interrupted_create_tells_or_keeps_every_certificate() {
    at_every_step(Walk::Create, End::Interrupt);
}

#[test]
fn an_interrupted_renewal_tells_or_keeps_every_certificate() {
    at_every_step(Walk::Renewal, End::Interrupt);
}

#[test]
fn nothing_is_lost_when_a_create_is_interrupted_twice() {
    at_every_step(Walk::Create, End::TwoInterrupts);
}

#[test]
fn nothing_is_lost_when_a_renewal_is_interrupted_twice() {
    at_every_step(Walk::Renewal, End::TwoInterrupts);
}

#[test]
fn an_interrupt_ends_a_plan_at_once_and_issues_nothing() {
    for (walk, endpoint) in [
        (Walk::Create, Endpoint::IssueToken),
        (Walk::Create, Endpoint::ReadUser),
        (Walk::Renewal, Endpoint::IssueToken),
        (Walk::Renewal, Endpoint::ListCertificates),
    ] {
        let scene = Scene::set(walk);
        let pause = scene
            .atlas
            .control()
            .add_fault(Fault::on(endpoint).pause(When::Before));
        let run = CliProcess::start(&scene.workspace, &["plan", "-no-color", "-input=false"]);
        pause.reached_blocking();
        run.interrupt();
        let output = run.finish();
        assert!(!output.status.success(), "{}", output.stdout);
        scene.leaves_nothing_behind(End::Interrupt);
        assert_eq!(scene.atlas.control().issued_count(), scene.before);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    Create,
    Renewal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    TerraformDies,
    ProviderDies,
    Interrupt,
    TwoInterrupts,
}

/// A request at which Atlas holds on. A certificate may come of it once it has been sent.
struct Step {
    name: &'static str,
    endpoint: Endpoint,
    nth: u32,
    moment: When,
}

impl Step {
    /// The requests of an apply in their order: each walk of it has a process, and a token, of its own.
    fn all(walk: Walk) -> Vec<Self> {
        let before = |name, endpoint, nth| Self {
            name,
            endpoint,
            nth,
            moment: When::Before,
        };
        let mut steps = vec![before("token for the plan", Endpoint::IssueToken, 1)];
        steps.extend(match walk {
            Walk::Create => vec![
                before("user, for the plan", Endpoint::ReadUser, 1),
                before("token for the apply", Endpoint::IssueToken, 2),
                before("user, for the apply", Endpoint::ReadUser, 2),
            ],
            Walk::Renewal => vec![
                before("list, for the refresh", Endpoint::ListCertificates, 1),
                before("token for the apply", Endpoint::IssueToken, 2),
            ],
        });
        steps.push(before(
            "certificate not issued yet",
            Endpoint::IssueCertificate,
            1,
        ));
        steps.push(Self {
            name: "certificate issued and not delivered",
            endpoint: Endpoint::IssueCertificate,
            nth: 1,
            moment: When::After,
        });
        steps
    }

    fn is_planning(&self) -> bool {
        self.nth == 1 && !self.issues()
    }

    fn issues(&self) -> bool {
        self.endpoint == Endpoint::IssueCertificate
    }
}

fn at_every_step(walk: Walk, end: End) {
    for step in Step::all(walk) {
        eprintln!("{}", step.name);
        let scene = Scene::set(walk);
        let output = scene.interrupt(&step, end);
        scene.leaves_nothing_behind(end);
        scene.converges();
        scene.accounts_for_every_certificate(&step, end, &output);
    }
}

struct Scene {
    atlas: LocalAtlas,
    workspace: Workspace,
    before: usize,
}

impl Scene {
    /// What is there before the apply that goes wrong.
    fn set(walk: Walk) -> Self {
        let atlas = atlas(&["app"]);
        let resource = format!(
            "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = \"{PROJECT}\"\n  username   = \"app\"\n}}\n"
        );
        let mut workspace = workspace(&atlas, &resource);
        let temporary = workspace.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        workspace.set_env("TMPDIR", temporary.to_str().unwrap());
        if walk == Walk::Renewal {
            workspace.apply(&[]).success();
            atlas.control().advance(Duration::from_secs(80 * 24 * 3600));
        }
        let before = atlas.control().issued_count();
        Self {
            atlas,
            workspace,
            before,
        }
    }

    /// An apply that ends so at this step.
    fn interrupt(&self, step: &Step, end: End) -> Output {
        let fault = Fault::on(step.endpoint).nth(step.nth).pause(step.moment);
        let pause = self.atlas.control().add_fault(fault);
        let mut run = CliProcess::start(
            &self.workspace,
            &["apply", "-auto-approve", "-no-color", "-input=false"],
        );
        pause.reached_blocking();
        let started = providers(&self.workspace);
        assert!(!started.is_empty(), "no provider runs");
        match end {
            End::TerraformDies => run.kill(),
            End::ProviderDies => kill(&started),
            End::Interrupt => {
                run.interrupt();
                run.await_line("Interrupt received");
            }
            End::TwoInterrupts => {
                run.interrupt();
                run.await_line("Interrupt received");
                run.interrupt();
                run.await_line("Two interrupts received");
            }
        }
        // What has been sent runs to its answer, and so does what the plan of an apply asks for: there Terraform does not pass on
        // an interrupt. Everything else ends without an answer.
        let goes_on = match end {
            End::TerraformDies | End::ProviderDies => step.issues(),
            End::Interrupt => step.issues() || step.is_planning(),
            End::TwoInterrupts => false,
        };
        if goes_on {
            pause.release();
        }
        let output = run.finish();
        if !goes_on {
            assert!(
                !output.status.success(),
                "nothing was interrupted:\n{}",
                output.stdout
            );
        }
        for provider in started {
            assert!(
                wait_for_exit(provider),
                "a provider goes on after its host:\n{}",
                output.stdout
            );
        }
        pause.release();
        output
    }

    /// No process, and no socket but for that of a process which was killed and could not tidy up.
    fn leaves_nothing_behind(&self, end: End) {
        assert_eq!(providers(&self.workspace), []);
        let mut left = entries(&self.workspace.path().join("tmp"));
        left.retain(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("plugin")
        });
        assert!(left.is_empty() || end == End::ProviderDies, "{left:?}");
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

    /// In state, or named in an error, or, where nobody was left to tell, listed by the data source.
    fn accounts_for_every_certificate(&self, step: &Step, end: End, output: &Output) {
        let issued = self.atlas.control().all_certificates();
        if !step.issues() {
            assert_eq!(issued.len(), self.before + 1, "issued without being asked");
        }
        let mut known = self.stored();
        let told = output.text();
        known.extend(
            issued
                .iter()
                .map(|certificate| certificate.id.to_string())
                .filter(|id| told.contains(id)),
        );
        if step.issues() && end != End::Interrupt {
            known.extend(self.listed());
        }
        for certificate in issued {
            let id = certificate.id.to_string();
            assert!(
                known.contains(&id),
                "nobody tells of certificate {id}:\n{}{}",
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
            core.read_data("atlas_user_certificates", config)
                .await
                .unwrap()
        });
        let listed = read.state.expect("the certificates");
        listed["certificates"]
            .as_array()
            .unwrap()
            .iter()
            .map(id)
            .collect()
    }
}

fn id(object: &Json) -> String {
    object["certificate_id"].as_str().expect("an id").to_owned()
}
