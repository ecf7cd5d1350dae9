//! Random operations on one certificate: none is issued that the plan did not announce, and none is lost.
//!
//! A simulation draws the operations from a seed and compares each result with the oracle. Two drivers run them: the host in
//! this process, and the real CLI.

mod driver;
mod guarded;
mod model;
mod oracle;

use std::collections::VecDeque;

use fastrand::Rng;
use local_atlas::{Answer, Endpoint, Fault, When};
use serde_json::{Value as Json, json};

use self::{
    driver::{CliDriver, Command, Driver, InProcessDriver, Report},
    model::AtlasModel,
    oracle::{Issue, expected_issue, expected_status},
};
use crate::support::atlas::PROJECT;

#[test]
fn nine_hundred_operations_in_process() {
    let simulate = |number| {
        let mut simulation = Simulation::<InProcessDriver>::new(number);
        (0..300).for_each(|_| simulation.step());
        assert!(simulation.issued > 10, "the operations have an effect: {}", simulation.issued);
    };
    std::thread::scope(|scope| {
        for number in 1..=3 {
            scope.spawn(move || simulate(number));
        }
    });
}

#[test]
fn twelve_short_sequences_with_the_real_cli() {
    let simulate = |number| {
        let mut simulation = Simulation::<CliDriver>::new(number);
        simulation.apply(false);
        while simulation.commands < 5 {
            simulation.step();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| (101..=106).for_each(simulate));
        scope.spawn(|| (107..=112).for_each(simulate));
    });
}

/// The arguments of the certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Config {
    months: Option<i64>,
    window: Option<i64>,
    auto_renew: Option<bool>,
    trigger: Option<&'static str>,
}

impl Config {
    /// Changes or removes one argument. No window is too long for the shortest validity.
    fn change(&mut self, rng: &mut Rng) {
        match rng.u8(0..4) {
            0 => self.months = choice(rng, &[None, Some(1), Some(3), Some(6)]),
            1 => self.window = choice(rng, &[None, Some(0), Some(5), Some(14)]),
            2 => self.auto_renew = choice(rng, &[None, None, Some(true), Some(false)]),
            _ => self.trigger = choice(rng, &[None, Some("a"), Some("b")]),
        }
    }

    fn to_json(&self) -> Json {
        json!({
            "project_id": PROJECT,
            "username": "app",
            "months_until_expiration": self.months,
            "renew_before_days": self.window,
            "auto_renew": self.auto_renew,
            "rotate_when_changed": self.trigger.map(|value| json!({ "value": value })),
        })
    }
}

struct Simulation<D> {
    rng: Rng,
    driver: D,
    model: AtlasModel,
    config: Config,
    /// How many more responses to a certificate request may be lost: each takes seconds.
    losses: u32,
    issued: usize,
    commands: u32,
    seed: u64,
    steps: usize,
    /// The last steps, for the text of a failure.
    history: VecDeque<String>,
}

impl<D: Driver> Simulation<D> {
    /// The variable `WALK_SEED` changes the seeds of all simulations.
    fn new(number: u64) -> Self {
        let text = std::env::var("WALK_SEED").unwrap_or_default();
        let seed = number.wrapping_add(text.parse().unwrap_or(0_u64).wrapping_mul(1000));
        let model = AtlasModel::new(seed);
        Self {
            rng: Rng::with_seed(seed),
            driver: D::new(&model.atlas),
            model,
            config: Config::default(),
            losses: 2,
            issued: 0,
            commands: 0,
            seed,
            steps: 0,
            history: VecDeque::new(),
        }
    }

    fn step(&mut self) {
        let rng = &mut self.rng;
        if !self.model.has_user() && rng.u8(0..4) == 0 {
            self.record("create the user again");
            return self.model.toggle_user();
        }
        match rng.u8(0..100) {
            0..22 => {
                let (days, minutes) = (rng.u64(0..40), rng.u64(7..1407));
                self.model.advance(days, minutes);
                self.record(format!("advance {days} days and {minutes} minutes"));
            }
            22..34 => {
                self.config.change(rng);
                self.record(format!("configure {:?}", self.config));
            }
            34..39 => {
                self.record("delete the user or create it again");
                self.model.toggle_user();
            }
            39..42 => {
                self.model.unlist(rng);
                self.record("unlist a certificate");
            }
            42..44 => {
                self.record("issue a certificate for another client");
                self.model.issue_elsewhere();
            }
            44..50 => self.refresh(),
            50..54 => self.destroy(),
            54..58 => self.import(),
            58..62 => {
                self.record("taint");
                self.driver.taint();
            }
            62..66 => self.apply(true),
            _ => self.apply(false),
        }
    }

    fn apply(&mut self, replace: bool) {
        let object = self.driver.object();
        let replaced = self.driver.is_tainted() || replace;
        let expected = expected_issue(&self.model, object.as_ref(), replaced, &self.config);
        let failure = expected.and_then(|_| self.arm());
        let possible = expected.is_some() && self.model.has_user();
        let succeeds = possible && failure.is_none();
        let expected_count =
            usize::from(possible && matches!(failure, None | Some(Failure::CutAfter)));
        self.record(format!(
            "apply, replace: {replace}, failure: {failure:?}, expected: {expected:?}"
        ));
        let (report, issued) = self.run(&Command::Apply { replace: replace && object.is_some() });
        self.check(report.announced == expected.is_some(), || {
            format!("announced: {}", report.announced)
        });
        self.check(issued == expected_count, || format!("issued: {issued}"));
        self.check(report.failed != (succeeds || expected.is_none()), || report.text());
        let is_replacement = object.is_some() && expected == Some(Issue::New);
        let valid = object.as_ref().is_some_and(|object| self.model.is_valid(object));
        self.check_destroy_warnings(&report, is_replacement && valid, is_replacement);
        self.issued += issued;
        let after = self.driver.object();
        if let (true, Some(Issue::InPlace(reason))) = (succeeds, expected) {
            let stored = after.as_ref().map(|object| object["issue_reason"].clone());
            self.check(stored == Some(reason.into()), || format!("the reason is {stored:?}"));
        }
        if expected.is_none() {
            let id = |object: Option<&Json>| object.map(|object| object["certificate_id"].clone());
            let same = id(object.as_ref()) == id(after.as_ref());
            self.check(same, || "the certificate changed".to_owned());
        }
        let window_stays = object
            .as_ref()
            .is_none_or(|object| self.config.window == object["renew_before_days"].as_i64());
        if !report.failed && window_stays && D::IS_FAST {
            let quiet = self.driver.plans_nothing(&self.config);
            self.check(quiet, || "the next plan is not empty".to_owned());
        }
    }

    fn refresh(&mut self) {
        self.record("refresh");
        let expected = self.driver.object().map(|it| Json::from(expected_status(&self.model, &it)));
        let (report, issued) = self.run(&Command::Refresh);
        self.check(issued == 0 && !report.failed, || report.text());
        let status = self.driver.object().map(|object| object["status"].clone());
        self.check(status == expected, || format!("status {status:?}, not {expected:?}"));
        self.check_destroy_warnings(&report, false, true);
    }

    fn destroy(&mut self) {
        self.record("destroy");
        let valid = self.driver.object().is_some_and(|object| self.model.is_valid(&object));
        let (report, issued) = self.run(&Command::Destroy);
        self.check(issued == 0 && !report.failed, || report.text());
        self.check(self.driver.object().is_none(), || "still in state".to_owned());
        self.check_destroy_warnings(&report, valid, true);
    }

    fn import(&mut self) {
        let id = self.model.importable(&mut self.rng);
        let Some(id) = id.filter(|_| self.driver.object().is_none()) else {
            return;
        };
        self.record(format!("import {id}"));
        let (report, issued) = self.run(&Command::Import { id: &id });
        self.check(issued == 0 && !report.failed, || report.text());
        let object = self.driver.object();
        let imported = object.is_some_and(|object| object["has_private_key"] == false);
        self.check(imported, || "not imported".to_owned());
        self.check_destroy_warnings(&report, false, false);
    }

    /// Runs a command, and counts the certificates that it issued.
    fn run(&mut self, command: &Command<'_>) -> (Report, usize) {
        self.commands += 1;
        let before = self.model.atlas.control().issued_count();
        let report = self.driver.run(command, &self.config);
        let issued = self.model.atlas.control().issued_count() - before;
        self.model.atlas.control().clear_faults();
        (report, issued)
    }

    /// Makes the next certificate request fail, sometimes.
    fn arm(&mut self) -> Option<Failure> {
        let fault = Fault::on(Endpoint::IssueCertificate);
        let code = "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED";
        let (failure, fault) = match self.rng.u8(0..40) {
            0..4 => (Failure::Refused, fault.refuse(Answer::api_error(400, code, "the limit"))),
            4 if self.losses > 0 => (Failure::CutBefore, fault.cut(When::Before)),
            5 if self.losses > 0 => (Failure::CutAfter, fault.cut(When::After)),
            _ => return None,
        };
        self.losses -= u32::from(failure != Failure::Refused);
        self.model.atlas.control().add_fault(fault);
        Some(failure)
    }

    /// At most one warning that destroying does not revoke. Every certificate that authenticates is in state with its key or
    /// as a predecessor, or was named to the user.
    fn check_destroy_warnings(&mut self, report: &Report, required: bool, allowed: bool) {
        let warnings = usize::from(required)..=usize::from(allowed);
        let count = report.destroy_warnings;
        self.check(warnings.contains(&count), || format!("{count} destroy warnings"));
        self.model.record_reported(&report.text());
        let lost = self.model.lost(self.driver.object().as_ref());
        self.check(lost.is_empty(), || format!("lost: {lost:?}"));
    }

    fn record(&mut self, step: impl Into<String>) {
        self.steps += 1;
        self.history.push_back(format!("{}: {}", self.steps, step.into()));
        if self.history.len() > 25 {
            self.history.pop_front();
        }
    }

    #[track_caller]
    fn check(&self, holds: bool, problem: impl Fn() -> String) {
        let state = || {
            let mut object = self.driver.object()?;
            object["combined_pem"] = object["combined_pem"].is_string().into();
            Some(object)
        };
        assert!(
            holds,
            "{}\nseed {}, the last steps: {:#?}\nstate: {:?}",
            problem(),
            self.seed,
            self.history,
            state()
        );
    }
}

/// The fate of a certificate request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Atlas refuses it.
    Refused,
    /// The connection is cut before Atlas acts.
    CutBefore,
    /// Atlas issues, and the connection is cut before the response.
    CutAfter,
}

fn choice<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(0..choices.len())]
}
