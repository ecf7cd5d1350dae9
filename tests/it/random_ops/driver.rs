//! Running the commands: a host in this process, or the real CLI.

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    cli::Workspace,
    core::{Action, ResourceInstance},
    value::is_unknown,
};
use tokio::runtime::{Builder, Runtime};

use super::Config;
use crate::support::{
    diagnostics::diagnostics,
    fixture::TYPE,
    in_process::InProcess,
    terraform::{workspace, write_main},
};

const DESTROY_WARNING: &str = "Destroying does not revoke the certificate";
const ADDRESS: &str = "atlas_user_certificate.app";

pub enum Command<'a> {
    Apply { replace: bool },
    Refresh,
    Destroy,
    Import { id: &'a str },
}

/// The result of a command.
#[derive(Default)]
pub struct Report {
    /// Whether the plan announced a new certificate.
    pub announced: bool,
    pub failed: bool,
    pub destroy_warnings: usize,
    shown: Vec<String>,
}

impl Report {
    /// The errors and the destroy warnings.
    pub fn text(&self) -> String {
        self.shown.join("\n")
    }

    fn add(&mut self, is_error: bool, summary: &str, detail: &str) {
        let destroy_warning = summary == DESTROY_WARNING;
        self.failed |= is_error;
        self.destroy_warnings += usize::from(destroy_warning);
        if is_error || destroy_warning {
            self.shown.push(format!("{summary}: {detail}"));
        }
    }
}

pub trait Driver {
    /// Whether a plan takes milliseconds.
    const IS_FAST: bool;

    fn new(atlas: &LocalAtlas) -> Self;

    fn run(&mut self, command: &Command<'_>, config: &Config) -> Report;

    /// The attributes of the object.
    fn object(&self) -> Option<Json>;

    fn is_tainted(&self) -> bool;

    /// Taints the object, if there is one.
    fn taint(&mut self);

    /// Whether a plan has no changes.
    fn plans_nothing(&mut self, config: &Config) -> bool;
}

pub struct InProcessDriver {
    terraform: InProcess,
    instance: Option<ResourceInstance>,
    runtime: Runtime,
}

impl Driver for InProcessDriver {
    const IS_FAST: bool = true;

    fn new(atlas: &LocalAtlas) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            terraform: runtime.block_on(InProcess::new(atlas, json!({}))),
            instance: None,
            runtime,
        }
    }

    fn run(&mut self, command: &Command<'_>, config: &Config) -> Report {
        let (terraform, instance) = (&self.terraform, &mut self.instance);
        let mut report = Report::default();
        let reported = self.runtime.block_on(async {
            let mut resource = terraform.command().await;
            match command {
                Command::Apply { replace } => {
                    if *replace {
                        resource.replace = true;
                    }
                    let applied = resource.apply_config(instance, config.to_json()).await;
                    let outcome = applied.unwrap_or_else(|error| panic!("{error}"));
                    let changes = [Action::Create, Action::Replace, Action::Update];
                    report.announced = changes.contains(&outcome.plan.action)
                        && is_unknown(&outcome.plan.planned["certificate_id"]);
                    outcome.diagnostics
                }
                Command::Refresh => resource.refresh(instance).await.unwrap().diagnostics,
                Command::Destroy => resource.destroy(instance).await.unwrap().diagnostics,
                Command::Import { id } => {
                    let imported = resource.import(id, None).await.unwrap();
                    *instance = imported.instance;
                    imported.diagnostics
                }
            }
        });
        for it in reported.iter() {
            report.add(it.is_error, &it.summary, &it.detail);
        }
        report
    }

    fn object(&self) -> Option<Json> {
        self.instance.as_ref().map(|instance| instance.state.clone())
    }

    fn is_tainted(&self) -> bool {
        self.instance.as_ref().is_some_and(|instance| instance.tainted)
    }

    fn taint(&mut self) {
        self.instance.iter_mut().for_each(|instance| instance.tainted = true);
    }

    fn plans_nothing(&mut self, config: &Config) -> bool {
        let config = config.to_json();
        let plan = self.terraform.plan(self.instance.as_ref(), &config);
        self.runtime.block_on(plan).action == Action::NoOp
    }
}

pub struct CliDriver {
    workspace: Workspace,
}

impl CliDriver {
    fn write(&self, config: &Config) {
        let object = config.to_json();
        let arguments = object.as_object().unwrap().iter();
        let lines: Vec<_> = arguments.map(|(name, value)| format!("{name} = {value}")).collect();
        let resource = format!("resource {TYPE:?} \"app\" {{\n{}\n}}\n", lines.join("\n"));
        write_main(&self.workspace, &format!("provider \"atlas\" {{}}\n\n{resource}"));
    }
}

impl Driver for CliDriver {
    const IS_FAST: bool = false;

    fn new(atlas: &LocalAtlas) -> Self {
        Self { workspace: workspace(atlas, "") }
    }

    fn run(&mut self, command: &Command<'_>, config: &Config) -> Report {
        self.write(config);
        let (workspace, mut report) = (&self.workspace, Report::default());
        let output = match command {
            Command::Apply { replace } => {
                let replacing = format!("-replace={ADDRESS}");
                let replacing = replace.then_some(replacing.as_str());
                let arguments: Vec<_> = replacing.into_iter().chain(["-out=planned"]).collect();
                let plan = workspace.plan(&arguments).success();
                let mut ids = plan.stdout.lines().filter(|line| line.contains(" certificate_id "));
                report.announced = ids.any(|line| line.contains("(known after apply)"));
                workspace.run(["apply", "-json", "-input=false", "planned"])
            }
            Command::Refresh => workspace.apply(&["-json", "-refresh-only"]),
            Command::Destroy => workspace.destroy(&["-json"]),
            Command::Import { id } => {
                let output = workspace.run(["import", "-input=false", "-no-color", ADDRESS, id]);
                report.add(!output.status.success(), "import", &output.text());
                return report;
            }
        };
        for it in diagnostics(&output) {
            report.add(it.is_error, &it.summary, &it.detail);
        }
        report
    }

    fn object(&self) -> Option<Json> {
        self.workspace.instances(TYPE).pop()
    }

    fn is_tainted(&self) -> bool {
        self.workspace.state()["resources"][0]["instances"][0]["status"] == "tainted"
    }

    fn taint(&mut self) {
        if self.object().is_some() {
            self.workspace.run(["taint", ADDRESS]).success();
        }
    }

    fn plans_nothing(&mut self, config: &Config) -> bool {
        self.write(config);
        self.workspace.plans_nothing()
    }
}
