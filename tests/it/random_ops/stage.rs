//! What runs a walk's commands: a host played in this process, or the real CLI.

use local_atlas::LocalAtlas;
use serde_json::Value as Json;
use tf_harness::{
    cli::{Output, Workspace},
    core::{Action, ResourceInstance},
    diagnostic::Diagnostics,
    value::is_unknown,
};
use tokio::runtime::Runtime;

use super::config::Config;
use crate::support::{
    diagnostics::diagnostics,
    played::{CERTIFICATE, Played},
    terraform::{workspace, write_main},
};

const FAREWELL: &str = "Destroying does not revoke the certificate";

pub enum Command<'a> {
    Apply { replace: bool },
    Refresh,
    Destroy,
    Import { id: &'a str },
}

/// What a command came to.
#[derive(Default)]
pub struct Report {
    /// Whether the plan showed that a certificate would be issued.
    pub announced: bool,
    pub failed: bool,
    pub farewells: usize,
    shown: Vec<String>,
}

impl Report {
    /// What errors and farewells said.
    pub fn text(&self) -> String {
        self.shown.join("\n")
    }

    fn add(&mut self, is_error: bool, summary: &str, detail: &str) {
        let farewell = summary == FAREWELL;
        self.failed |= is_error;
        self.farewells += usize::from(farewell);
        if is_error || farewell {
            self.shown.push(format!("{summary}: {detail}"));
        }
    }
}

pub trait Stage {
    /// Whether a plan costs next to nothing.
    const IS_FAST: bool;

    fn run(&mut self, command: &Command<'_>, config: &Config) -> Report;

    /// The object's attributes.
    fn object(&self) -> Option<Json>;

    fn is_tainted(&self) -> bool;

    /// Taints the object, if there is one.
    fn taint(&mut self);

    /// Whether a plan finds nothing to do.
    fn is_quiet(&mut self, config: &Config) -> bool;
}

/// A host played in this process.
pub struct InProcess {
    played: Played,
    instance: Option<ResourceInstance>,
    runtime: Runtime,
}

impl InProcess {
    pub fn against(atlas: &LocalAtlas) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let played = runtime.block_on(Played::against(atlas));
        Self {
            played,
            instance: None,
            runtime,
        }
    }
}

impl Stage for InProcess {
    const IS_FAST: bool = true;

    fn run(&mut self, command: &Command<'_>, config: &Config) -> Report {
        let Self {
            played,
            instance,
            runtime,
        } = self;
        let mut report = Report::default();
        let mut add = |diagnostics: &Diagnostics| {
            for said in diagnostics.iter() {
                report.add(said.is_error, &said.summary, &said.detail);
            }
        };
        let mut announced = false;
        runtime.block_on(async {
            let resource = played.command().await;
            match command {
                Command::Apply { replace } => {
                    let resource = if *replace {
                        resource.replace()
                    } else {
                        resource
                    };
                    let outcome = resource
                        .apply_config(instance, config.to_json())
                        .await
                        .unwrap_or_else(|error| panic!("{error}"));
                    announced = matches!(
                        outcome.plan.action,
                        Action::Create | Action::Replace | Action::Update
                    ) && is_unknown(&outcome.plan.planned["certificate_id"]);
                    add(&outcome.diagnostics);
                }
                Command::Refresh => add(&resource.refresh(instance).await.unwrap().diagnostics),
                Command::Destroy => add(&resource.destroy(instance).await.unwrap().diagnostics),
                Command::Import { id } => {
                    let imported = resource.import(id).await.unwrap();
                    add(&imported.diagnostics);
                    *instance = imported.instance;
                }
            }
        });
        report.announced = announced;
        report
    }

    fn object(&self) -> Option<Json> {
        self.instance
            .as_ref()
            .map(|instance| instance.state.clone())
    }

    fn is_tainted(&self) -> bool {
        self.instance
            .as_ref()
            .is_some_and(|instance| instance.tainted)
    }

    fn taint(&mut self) {
        if let Some(instance) = &mut self.instance {
            instance.tainted = true;
        }
    }

    fn is_quiet(&mut self, config: &Config) -> bool {
        let plan = self
            .runtime
            .block_on(self.played.plan(self.instance.as_ref(), &config.to_json()));
        plan.action == Action::NoOp
    }
}

/// The real CLI.
pub struct RealCli {
    workspace: Workspace,
}

impl RealCli {
    pub fn against(atlas: &LocalAtlas) -> Self {
        Self {
            workspace: workspace(atlas, ""),
        }
    }

    fn report(output: &Output, report: &mut Report) {
        for said in diagnostics(output) {
            report.add(said.is_error, &said.summary, &said.detail);
        }
    }
}

impl Stage for RealCli {
    const IS_FAST: bool = false;

    fn run(&mut self, command: &Command<'_>, config: &Config) -> Report {
        write_main(&self.workspace, &config.to_hcl());
        let mut report = Report::default();
        match command {
            Command::Apply { replace } => {
                let more: &[&str] = if *replace {
                    &["-replace=atlas_user_certificate.app"]
                } else {
                    &[]
                };
                let plan = self
                    .workspace
                    .plan(&[&["-out=planned"], more].concat())
                    .success();
                report.announced = plan.stdout.lines().any(|line| {
                    line.contains(" certificate_id ") && line.contains("(known after apply)")
                });
                Self::report(
                    &self
                        .workspace
                        .run(["apply", "-json", "-input=false", "planned"]),
                    &mut report,
                );
            }
            Command::Refresh => Self::report(
                &self.workspace.apply(&["-json", "-refresh-only"]),
                &mut report,
            ),
            Command::Destroy => Self::report(&self.workspace.destroy(&["-json"]), &mut report),
            Command::Import { id } => {
                let output = self.workspace.run([
                    "import",
                    "-input=false",
                    "-no-color",
                    "atlas_user_certificate.app",
                    id,
                ]);
                report.add(!output.status.success(), "import", &output.text());
            }
        }
        report
    }

    fn object(&self) -> Option<Json> {
        self.workspace.instances(CERTIFICATE).pop()
    }

    fn is_tainted(&self) -> bool {
        self.workspace.state()["resources"][0]["instances"][0]["status"] == "tainted"
    }

    fn taint(&mut self) {
        if self.object().is_some() {
            self.workspace
                .run(["taint", "atlas_user_certificate.app"])
                .success();
        }
    }

    fn is_quiet(&mut self, config: &Config) -> bool {
        write_main(&self.workspace, &config.to_hcl());
        self.workspace.plans_nothing()
    }
}
