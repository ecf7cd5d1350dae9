//! What a worker does to its certificate all day long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use local_atlas::{Answer, Control, Endpoint, Fault, RetryAfter, Rewrite, When};
use serde_json::{Value as Json, json};
use tf_host::core::{Core, Error, ResourceInstance};

use super::PROJECT;
use crate::Failure;

const TYPE: &str = "atlas_user_certificate";

/// The user of a worker.
pub(super) fn user(worker: usize) -> String {
    format!("soak-{worker}")
}

/// What all workers together have done.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<[AtomicU64; 2]>);

impl Tally {
    pub(super) fn calls(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    pub(super) fn issued(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }

    fn count(&self, issued: u64) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
        self.0[1].fetch_add(issued, Ordering::Relaxed);
    }
}

/// A worker with its certificate.
pub(super) struct Day {
    number: usize,
    core: Core,
    control: Control,
    tally: Tally,
    instance: Option<ResourceInstance>,
    dice: Dice,
    round: u64,
}

impl Day {
    pub(super) fn new(number: usize, core: Core, control: Control, tally: Tally) -> Self {
        let dice = Dice(number as u64);
        Self {
            number,
            core,
            control,
            tally,
            instance: None,
            dice,
            round: 0,
        }
    }

    /// Does one thing after the other. Whatever Atlas answers, each call must be sound.
    pub(super) async fn work_until(mut self, end: Instant) -> Result<(), Failure> {
        while Instant::now() < end {
            self.round += 1;
            let before = self.control.issued_count();
            let done = self.act().await;
            done.map_err(|error| {
                Failure::Failed(format!(
                    "worker {}, round {}: {error}",
                    self.number, self.round
                ))
            })?;
            let issued = self.control.issued_count().saturating_sub(before);
            self.tally.count(u64::from(issued > 0));
        }
        Ok(())
    }

    async fn act(&mut self) -> Result<(), Error> {
        match self.dice.roll(100) {
            0..35 => self.refresh().await,
            35..55 => self.apply(self.round).await,
            55..65 => self.plan().await,
            65..75 => self.look_up().await,
            75..85 => self.meet_a_fault().await,
            85..92 => self.give_up().await,
            92..94 => self.core.stop().await,
            94..96 => self.start_anew().await,
            96..98 => {
                // Tokens expire, and certificates fall due.
                self.control.advance(Duration::from_secs(9 * 24 * 3600));
                Ok(())
            }
            _ => {
                self.control.clear_requests();
                self.control.close_connections();
                Ok(())
            }
        }
    }

    async fn refresh(&mut self) -> Result<(), Error> {
        self.core.refresh(TYPE, &mut self.instance).await.map(drop)
    }

    /// Issues at another trigger, or when the certificate is due.
    async fn apply(&mut self, trigger: u64) -> Result<(), Error> {
        let config = self.config(trigger);
        let mut instance = self.instance.take();
        let outcome = self.core.apply_config(TYPE, &mut instance, config).await;
        self.instance = instance;
        outcome.map(drop)
    }

    async fn plan(&mut self) -> Result<(), Error> {
        let config = self.config(0);
        self.core
            .plan_config(TYPE, self.instance.as_ref(), config)
            .await
            .map(drop)
    }

    async fn look_up(&mut self) -> Result<(), Error> {
        let config = json!({ "project_id": PROJECT, "username": user(self.number) });
        self.core
            .read_data("atlas_user_certificates", config)
            .await?;
        let pem = self
            .instance
            .as_ref()
            .and_then(|instance| instance.state["combined_pem"].as_str().map(str::to_owned));
        if let Some(pem) = pem {
            let parts = self.core.call("split_pem", vec![pem.into()]).await?;
            drop(parts);
        }
        Ok(())
    }

    async fn meet_a_fault(&mut self) -> Result<(), Error> {
        let endpoint = [
            Endpoint::IssueCertificate,
            Endpoint::ListCertificates,
            Endpoint::ReadUser,
        ][self.dice.roll(3)];
        let fault = Fault::on(endpoint).user(&user(self.number));
        let fault = match self.dice.roll(10) {
            0 => fault.cut(When::Before),
            1 => fault.cut(When::After),
            2 => fault.cut_body(700),
            3 => fault.refuse(Answer::server_error(503)),
            4 => fault.refuse(Answer::rate_limited(Some(RetryAfter::Seconds(0)))),
            5 => fault.rewrite(Rewrite::Garbage),
            6 => fault.rewrite(Rewrite::GzipBomb { mebibytes: 16 }),
            7 => fault.endless(),
            8 => fault.refuse(Answer::unauthorized(false)),
            _ => fault.refuse(Answer::redirect(302, "https://example.com/")),
        };
        let fault = self.control.add_fault(fault);
        let done = if endpoint == Endpoint::ListCertificates {
            self.refresh().await
        } else {
            self.apply(self.round).await
        };
        self.control.remove_fault(fault.id());
        done
    }

    /// The host gives a call up while Atlas holds it.
    async fn give_up(&mut self) -> Result<(), Error> {
        let fault = Fault::on(Endpoint::ListCertificates)
            .user(&user(self.number))
            .pause(When::Before);
        let pause = self.control.add_fault(fault);
        let (core, mut instance) = (self.core.clone(), self.instance.clone());
        let config = json!({ "project_id": PROJECT, "username": user(self.number) });
        let mut call = tokio::spawn(async move {
            let _ = core.refresh(TYPE, &mut instance).await;
            core.read_data("atlas_user_certificates", config)
                .await
                .map(drop)
        });
        tokio::select! {
            () = pause.reached() => call.abort(),
            // Another worker's stop has ended it first.
            _ = &mut call => {}
        }
        self.control.remove_fault(pause.id());
        Ok(())
    }

    async fn start_anew(&mut self) -> Result<(), Error> {
        self.core.destroy(TYPE, &mut self.instance).await?;
        self.instance = None;
        self.apply(0).await
    }

    fn config(&self, trigger: u64) -> Json {
        json!({
            "project_id": PROJECT,
            "username": user(self.number),
            "months_until_expiration": 1,
            "rotate_when_changed": { "trigger": (trigger / 4).to_string() },
        })
    }
}

/// Chance that comes out the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }
}
