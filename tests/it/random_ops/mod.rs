//! Random walks through a certificate's life: no certificate is issued that the plan did not announce, and none is lost.

mod config;
mod random;
mod stage;
mod table;
mod world;

use std::{collections::VecDeque, fmt};

use local_atlas::{Answer, Endpoint, Fault, When};
use serde_json::Value as Json;

use self::{
    config::Config,
    random::Random,
    stage::{Command, InProcess, RealCli, Report, Stage},
    table::{Issue, expected},
    world::World,
};

#[test]
fn a_thousand_steps_lose_no_certificate_and_issue_none_unannounced() {
    walk_in_process(1);
}

#[test]
fn another_thousand_steps_lose_no_certificate_and_issue_none_unannounced() {
    walk_in_process(2);
}

#[test]
fn a_third_thousand_steps_lose_no_certificate_and_issue_none_unannounced() {
    walk_in_process(3);
}

#[test]
fn ten_short_walks_with_the_real_cli_keep_the_same_promises() {
    walk_with_the_cli(101..=110);
}

#[test]
fn ten_more_short_walks_with_the_real_cli_keep_the_same_promises() {
    walk_with_the_cli(111..=120);
}

fn walk_in_process(number: u64) {
    let seed = seed(number);
    let world = World::new(seed);
    let mut walk = Walk::new(seed, InProcess::against(&world.atlas), world);
    for _ in 0..1000 {
        walk.step();
    }
    let told = format!("{} were issued", walk.issued);
    assert!(walk.issued > 100, "the walk leads somewhere: {told}");
}

fn walk_with_the_cli(numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let seed = seed(number);
        let world = World::new(seed);
        let mut walk = Walk::new(seed, RealCli::against(&world.atlas), world);
        walk.apply(false);
        while walk.commands < 5 {
            walk.step();
        }
    }
}

/// The variable `WALK_SEED` makes other walks of all of them.
fn seed(number: u64) -> u64 {
    let other: u64 = std::env::var("WALK_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    number.wrapping_add(other.wrapping_mul(1000))
}

struct Walk<S> {
    random: Random,
    stage: S,
    world: World,
    config: Config,
    /// How many more answers to a certificate request may be lost: each takes seconds.
    losses: u32,
    issued: usize,
    commands: u32,
    /// The last steps, for the text of a failure.
    trail: Trail,
}

impl<S: Stage> Walk<S> {
    fn new(seed: u64, stage: S, world: World) -> Self {
        let random = Random::new(seed);
        Self {
            random,
            stage,
            world,
            config: Config::default(),
            losses: 2,
            issued: 0,
            commands: 0,
            trail: Trail::new(seed),
        }
    }

    fn step(&mut self) {
        let random = &mut self.random;
        if !self.world.has_user() && random.below(4) == 0 {
            self.trail.add("the user is made again");
            self.world.toggle_user();
            return;
        }
        match random.below(100) {
            0..22 => {
                let (days, minutes) = (random.below(40), 7 + random.below(1400));
                self.trail
                    .add(format!("{days} days and {minutes} minutes pass"));
                self.world.pass(days, minutes);
            }
            22..34 => {
                self.config.change(random);
                self.trail
                    .add(format!("the configuration becomes {:?}", self.config));
            }
            34..39 => {
                self.trail.add("the user is deleted or made again");
                self.world.toggle_user();
            }
            39..42 => {
                self.trail.add("a certificate is withdrawn");
                self.world.withdraw(random);
            }
            42..44 => {
                self.trail.add("somebody else issues a certificate");
                self.world.issue_elsewhere();
            }
            44..50 => self.refresh(),
            50..54 => self.destroy(),
            54..58 => self.import(),
            58..62 => {
                self.trail.add("the object is tainted");
                self.stage.taint();
            }
            62..66 => self.apply(true),
            _ => self.apply(false),
        }
    }

    fn apply(&mut self, replace: bool) {
        let object = self.stage.object();
        let expected = expected(
            &self.world,
            object.as_ref(),
            self.stage.is_tainted() || replace,
            &self.config,
        );
        let fails = expected.and_then(|_| self.arm());
        let possible = expected.is_some() && self.world.has_user();
        let succeeds = possible && fails.is_none();
        let brings = usize::from(possible && matches!(fails, None | Some(Failure::CutAfter)));
        self.trail.add(format!(
            "apply, replace: {replace}, a request fails: {fails:?}, expected: {expected:?}"
        ));
        let (report, issued) = self.run(&Command::Apply {
            replace: replace && object.is_some(),
        });
        self.check(report.announced == expected.is_some(), || {
            format!("announced: {}", report.announced)
        });
        self.check(issued == brings, || format!("{issued} were issued"));
        self.check(report.failed != (succeeds || expected.is_none()), || {
            format!("failed: {}\n{}", report.failed, report.text())
        });
        let replaces = object.is_some() && expected == Some(Issue::New);
        let leaves = object
            .as_ref()
            .filter(|_| replaces)
            .is_some_and(|object| self.world.is_valid(object));
        let farewells = report.farewells;
        self.check(
            farewells <= usize::from(replaces) && farewells >= usize::from(leaves),
            || format!("{farewells} farewells"),
        );
        self.world.note(&report);
        self.nothing_is_lost();
        self.issued += issued;
        let after = self.stage.object();
        if let (true, Some(Issue::InPlace(reason))) = (succeeds, expected) {
            let said = after.as_ref().map(|object| object["issue_reason"].clone());
            self.check(said == Some(Json::from(reason)), || {
                format!("the reason is {said:?}")
            });
        }
        if expected.is_none() {
            let of = |object: Option<&Json>| object.map(|object| object["certificate_id"].clone());
            self.check(of(object.as_ref()) == of(after.as_ref()), || {
                "the certificate changed".to_owned()
            });
        }
        let window_stays = object
            .as_ref()
            .is_none_or(|object| self.config.has_window_of(object));
        if !report.failed && window_stays && S::IS_FAST {
            let again = self.stage.is_quiet(&self.config);
            self.check(again, || "the next plan is not empty".to_owned());
        }
    }

    fn refresh(&mut self) {
        self.trail.add("refresh");
        let before = self.stage.object();
        let (report, issued) = self.run(&Command::Refresh);
        self.check(issued == 0 && !report.failed, || report.text());
        let status = before
            .as_ref()
            .map(|object| Json::from(table::status(&self.world, object)));
        let found = self.stage.object().map(|object| object["status"].clone());
        self.check(found == status, || {
            format!("the status is {found:?}, not {status:?}")
        });
        self.nothing_is_lost();
    }

    fn destroy(&mut self) {
        self.trail.add("destroy");
        let valid = self
            .stage
            .object()
            .is_some_and(|object| self.world.is_valid(&object));
        let (report, issued) = self.run(&Command::Destroy);
        self.check(issued == 0 && !report.failed, || report.text());
        let farewells = report.farewells;
        self.check(farewells <= 1 && farewells >= usize::from(valid), || {
            format!("{farewells} farewells")
        });
        self.check(self.stage.object().is_none(), || {
            "it is still there".to_owned()
        });
        self.world.note(&report);
        self.nothing_is_lost();
    }

    fn import(&mut self) {
        let Some(id) = self
            .world
            .importable(&mut self.random)
            .filter(|_| self.stage.object().is_none())
        else {
            return;
        };
        self.trail.add(format!("import {id}"));
        let (report, issued) = self.run(&Command::Import { id: &id });
        self.check(issued == 0 && !report.failed, || report.text());
        self.check(
            self.stage
                .object()
                .is_some_and(|object| object["has_private_key"] == false),
            || "not imported".to_owned(),
        );
        self.nothing_is_lost();
    }

    /// Runs a command, and counts the certificates that came of it.
    fn run(&mut self, command: &Command<'_>) -> (Report, usize) {
        self.commands += 1;
        let before = self.world.atlas.control().issued_count();
        let report = self.stage.run(command, &self.config);
        let issued = self.world.atlas.control().issued_count() - before;
        self.world.atlas.control().clear_faults();
        (report, issued)
    }

    /// Lets the next certificate request fail, now and then.
    fn arm(&mut self) -> Option<Failure> {
        let fault = Fault::on(Endpoint::IssueCertificate);
        let refusal = Answer::api_error(
            400,
            "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED",
            "the limit is reached",
        );
        let (failure, fault) = match self.random.below(40) {
            0..4 => (Failure::Refused, fault.refuse(refusal)),
            4 if self.losses > 0 => (Failure::CutBefore, fault.cut(When::Before)),
            5 if self.losses > 0 => (Failure::CutAfter, fault.cut(When::After)),
            _ => return None,
        };
        self.losses -= u32::from(failure != Failure::Refused);
        self.world.atlas.control().add_fault(fault);
        Some(failure)
    }

    /// Every certificate that authenticates is in state with its key or as a predecessor, or was named to the user.
    fn nothing_is_lost(&self) {
        let lost = self.world.lost(self.stage.object().as_ref());
        self.check(lost.is_empty(), || format!("lost: {lost:?}"));
    }

    #[track_caller]
    fn check(&self, holds: bool, problem: impl Fn() -> String) {
        assert!(
            holds,
            "{}\n{}\nstate: {:?}",
            problem(),
            self.trail,
            self.stage.object().map(without_key)
        );
    }
}

/// What happens to a certificate request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Atlas says no.
    Refused,
    /// The connection breaks before Atlas acts.
    CutBefore,
    /// Atlas issues, and the connection breaks before it answers.
    CutAfter,
}

/// The last steps of a walk.
struct Trail {
    seed: u64,
    steps: usize,
    last: VecDeque<String>,
}

impl Trail {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            steps: 0,
            last: VecDeque::new(),
        }
    }

    fn add(&mut self, step: impl Into<String>) {
        self.steps += 1;
        self.last
            .push_back(format!("{}: {}", self.steps, step.into()));
        if self.last.len() > 25 {
            self.last.pop_front();
        }
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        self.last
            .iter()
            .try_for_each(|step| writeln!(f, "  {step}"))
    }
}

fn without_key(mut object: Json) -> Json {
    let has_key = object["combined_pem"].is_string();
    object["combined_pem"] = Json::from(if has_key { "a key" } else { "no key" });
    object
}
