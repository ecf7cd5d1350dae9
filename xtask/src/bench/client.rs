//! A provider process under an mTLS client, which plays Terraform and costs little itself.

use std::{fs, path::Path, time::Instant};

use serde_json::{Value as Json, json};
use tf_host::{
    core::{Core, ResourceInstance, Settings},
    process::{ClientCertificate, ClientIdentity, SpawnOptions},
    provider::Provider,
};

use super::{
    server::{PROJECT, Server},
    usage::{Cpu, Process},
};
use crate::Failure;

/// What to ask a provider for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The resource type.
    pub(super) kind: String,
    provider: Json,
    resource: String,
}

impl Asked {
    /// Ours.
    pub(super) fn ours() -> Self {
        Self {
            kind: "atlas_user_certificate".to_owned(),
            provider: json!({}),
            resource: json!({ "project_id": PROJECT, "username": "bench-{index}" }).to_string(),
        }
    }

    /// What `bench.json` in the folder says; nothing where there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join("bench.json");
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(None);
        };
        let json: Json = serde_json::from_str(&text)
            .map_err(|error| Failure::Failed(format!("{} is not JSON: {error}", path.display())))?;
        let Some(kind) = json["type"].as_str() else {
            return Err(Failure::Failed(format!(
                "{} names no \"type\"",
                path.display()
            )));
        };
        let provider = if json["provider"].is_null() {
            json!({})
        } else {
            json["provider"].clone()
        };
        Ok(Some(Self {
            kind: kind.to_owned(),
            provider,
            resource: json["resource"].to_string(),
        }))
    }

    /// The configuration of one of them.
    pub(super) fn resource(&self, index: usize) -> Json {
        serde_json::from_str(&self.resource.replace("{index}", &index.to_string()))
            .unwrap_or_default()
    }
}

/// A configured provider.
pub(super) struct Client {
    pub(super) provider: Provider,
    pub(super) core: Core,
    pub(super) asked: Asked,
    pub(super) started: Started,
}

/// How a process came up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    /// From exec to the handshake line.
    pub(super) handshake: std::time::Duration,
    /// From there to the schema, the TLS handshake included.
    pub(super) first_answer: std::time::Duration,
}

impl Client {
    /// Starts the binary with a login to the server, asks for its schema and configures it.
    pub(super) async fn start(
        binary: &Path,
        asked: &Asked,
        server: &Server,
    ) -> Result<Self, Failure> {
        // Making the client's key is none of the provider's time.
        let identity = ClientIdentity::generate()
            .map_err(|error| failed("a client certificate cannot be made", &error))?;
        let options = SpawnOptions::new(binary)
            .client_certificate(ClientCertificate::Given(Box::new(identity)))
            .envs(server.login());
        let begun = Instant::now();
        let provider = Provider::spawn(options)
            .await
            .map_err(|error| failed("the provider does not start", &error))?;
        let core = Core::new(provider.clone(), Settings::default())
            .await
            .map_err(|error| failed("no schema came", &error))?;
        let handshake = provider.startup();
        let first_answer = begun.elapsed().saturating_sub(handshake);
        let told = core
            .configure(asked.provider.clone())
            .await
            .map_err(|error| failed("Configure failed", &error))?;
        told.ok()
            .map_err(|error| failed("the provider refuses its configuration", &error))?;
        Ok(Self {
            provider,
            core,
            asked: asked.clone(),
            started: Started {
                handshake,
                first_answer,
            },
        })
    }

    /// Creates one resource, as an apply does: plan, plan again, apply.
    pub(super) async fn create(&self, index: usize) -> Result<ResourceInstance, Failure> {
        let mut instance = None;
        let outcome = self
            .core
            .apply_config(&self.asked.kind, &mut instance, self.asked.resource(index))
            .await;
        let outcome = outcome.map_err(|error| failed("a resource cannot be created", &error))?;
        outcome
            .ok()
            .map_err(|error| failed("the provider refuses to create a resource", &error))?;
        instance.ok_or_else(|| Failure::Failed("nothing came of a create".to_owned()))
    }

    /// Refreshes and plans one resource for which there is nothing to do.
    pub(super) async fn plan(
        &self,
        index: usize,
        instance: &ResourceInstance,
    ) -> Result<(), Failure> {
        let plan = self
            .core
            .plan_config(&self.asked.kind, Some(instance), self.asked.resource(index))
            .await;
        plan.map(drop)
            .map_err(|error| failed("a resource cannot be planned", &error))
    }

    /// What the process has taken so far.
    pub(super) fn usage(&self) -> Process {
        self.provider
            .process()
            .map(|process| Process::read(process.pid))
            .unwrap_or_default()
    }

    /// Ends the process.
    pub(super) async fn end(&self) {
        self.provider.shutdown().await;
    }
}

/// Starts and ends a provider many times; tells how each came up, and the processor time of each, from exec to exit.
pub(super) async fn starts(
    binary: &Path,
    asked: &Asked,
    server: &Server,
    times: usize,
) -> Result<(Vec<Started>, std::time::Duration), Failure> {
    let mut starts = Vec::new();
    let cpu = Cpu::now();
    for _ in 0..times {
        let client = Client::start(binary, asked, server).await?;
        starts.push(client.started);
        client.end().await;
    }
    let each = cpu.since().children / u32::try_from(times.max(1)).unwrap_or(u32::MAX);
    Ok((starts, each))
}

pub(super) fn failed(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::Failed(format!("{what}: {error}"))
}
