//! A worker with a certificate of its own, and its random operations.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use local_atlas::{Answer, Control, Endpoint, Fault, RetryAfter, Rewrite, When, X509Type};
use serde_json::json;
use tf_harness::core::{Core, Error, ResourceInstance};

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
const TYPE: &str = "atlas_user_certificate";

/// The calls of all workers.
pub(super) static CALLS: AtomicU64 = AtomicU64::new(0);

pub(super) struct Worker {
    core: Core,
    control: Control,
    /// The database user of this worker.
    user: String,
    instance: Option<ResourceInstance>,
    rng: fastrand::Rng,
}

impl Worker {
    pub(super) fn new(number: u64, core: &Core, control: &Control) -> Self {
        let user = format!("soak-{number}");
        control.add_user(PROJECT, &user, X509Type::Managed);
        Self {
            core: core.clone(),
            control: control.clone(),
            user,
            instance: None,
            rng: fastrand::Rng::with_seed(number),
        }
    }

    /// Runs operations. A call may fail, but its response must be sound.
    pub(super) async fn run_until(mut self, end: Instant) -> Result<()> {
        while Instant::now() < end {
            self.operation().await.with_context(|| self.user.clone())?;
            CALLS.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn operation(&mut self) -> Result<(), Error> {
        match self.rng.u32(0..100) {
            0..35 => self.refresh().await?,
            35..65 => self.apply().await?,
            65..75 => read(&self.core, &self.user).await?,
            75..85 => self.apply_with_fault().await?,
            85..92 => self.cancel_call().await,
            92..94 => self.core.stop().await?,
            94..96 => {
                self.core.resource(TYPE).destroy(&mut self.instance).await?;
                self.instance = None;
                self.apply().await?;
            }
            // Tokens expire, and certificates become due.
            96..98 => self.control.advance(Duration::from_secs(9 * 24 * 3600)),
            _ => {
                self.control.clear_requests();
                self.control.close_connections();
            }
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), Error> {
        self.core.resource(TYPE).refresh(&mut self.instance).await.map(drop)
    }

    /// Issues if the trigger has changed or the certificate is due.
    async fn apply(&mut self) -> Result<(), Error> {
        let config = json!({
            "project_id": PROJECT,
            "username": self.user,
            "months_until_expiration": 1,
            "rotate_when_changed": { "trigger": self.rng.u8(0..4).to_string() },
        });
        let mut instance = self.instance.take();
        let outcome = self.core.resource(TYPE).apply_config(&mut instance, config).await;
        self.instance = instance;
        outcome.map(drop)
    }

    async fn apply_with_fault(&mut self) -> Result<(), Error> {
        let endpoints =
            [Endpoint::IssueCertificate, Endpoint::ListCertificates, Endpoint::ReadUser];
        let endpoint = endpoints[self.rng.usize(0..3)];
        let fault = Fault::on(endpoint).user(&self.user);
        let fault = match self.rng.u32(0..10) {
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
        let result = match endpoint {
            Endpoint::ListCertificates => self.refresh().await,
            _ => self.apply().await,
        };
        self.control.remove_fault(fault.id());
        result
    }

    /// Cancels a call while Atlas holds its request.
    async fn cancel_call(&self) {
        let fault = Fault::on(Endpoint::ListCertificates).user(&self.user).pause(When::Before);
        let pause = self.control.add_fault(fault);
        let (core, user) = (self.core.clone(), self.user.clone());
        let mut call = tokio::spawn(async move { read(&core, &user).await });
        tokio::select! {
            () = pause.reached() => call.abort(),
            // The Stop of another worker ended the call first.
            _ = &mut call => {}
        }
        self.control.remove_fault(pause.id());
    }
}

async fn read(core: &Core, user: &str) -> Result<(), Error> {
    let config = json!({ "project_id": PROJECT, "username": user });
    core.read_data("atlas_user_certificates", config).await.map(drop)
}
