//! The provider's own time and memory, through a client with mutual TLS instead of Terraform.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Core, Phase, ResourceInstance, Settings},
    pb::tfplugin5 as pb,
    plugin::{Provider, SpawnOptions},
    value::encode,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use super::{
    cli::{PROJECT, credentials, start_atlas},
    usage::{self, milliseconds, number, percentile},
};

const TYPE: &str = "atlas_user_certificate";
/// Terraform's default parallelism.
const IN_FLIGHT: usize = 10;

/// Measures start-up, one call, and many resources in one process.
pub(super) fn measure(
    provider: &Path,
    starts: u32,
    calls: usize,
    counts: &[usize],
) -> Result<Vec<(&'static str, f64)>> {
    // One thread: moving calls between threads of the client would count as latency of the provider.
    let mut figures = Builder::new_current_thread().enable_all().build()?.block_on(async {
        let atlas = start_atlas(1)?;
        let mut figures = start_up(provider, &atlas, starts).await?;
        figures.extend(plan_latency(provider, &atlas, calls).await?);
        Ok::<_, anyhow::Error>(figures)
    })?;
    let runtime = Runtime::new()?;
    for count in counts {
        figures.extend(runtime.block_on(many(provider, *count))?);
    }
    Ok(figures)
}

async fn start(provider: &Path, atlas: &LocalAtlas) -> Result<Core> {
    let provider = Provider::spawn(SpawnOptions::new(provider).envs(credentials(atlas))).await?;
    let core = Core::new(provider, Settings::default()).await?;
    core.configure(json!({})).await?.ok()?;
    Ok(core)
}

async fn start_up(
    provider: &Path,
    atlas: &LocalAtlas,
    starts: u32,
) -> Result<Vec<(&'static str, f64)>> {
    let cpu = usage::children();
    let mut handshakes = Vec::new();
    for _ in 0..starts {
        let core = start(provider, atlas).await?;
        handshakes.push(milliseconds(core.provider().startup()));
        core.provider().shutdown().await;
    }
    Ok(vec![
        ("handshake_ms", percentile(handshakes, 50)),
        ("cpu_per_start_ms", milliseconds(usage::children().saturating_sub(cpu) / starts)),
    ])
}

/// The time of `PlanResourceChange`, the most expensive call without a request to Atlas, for an object without changes.
async fn plan_latency(
    provider: &Path,
    atlas: &LocalAtlas,
    calls: usize,
) -> Result<Vec<(&'static str, f64)>> {
    let core = start(provider, atlas).await?;
    let instance = create(&core, 0).await?;
    let block = &core.schema().resources.get(TYPE).context(TYPE)?.block;
    let config = block.conform(configuration(0))?;
    let state = Some(encode(&instance.state, &block.ty()));
    let request = pb::plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: state.clone(),
        proposed_new_state: state,
        config: Some(encode(&config, &block.ty())),
        prior_private: instance.private.clone(),
        client_capabilities: core.settings().capabilities(Phase::Plan),
        ..pb::plan_resource_change::Request::default()
    };
    let mut lanes = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (provider, request) = (core.provider().clone(), request.clone());
        lanes.spawn(async move {
            let mut times = Vec::new();
            for _ in 0..calls / IN_FLIGHT {
                let started = Instant::now();
                let response = provider.client().plan_resource_change(request.clone()).await?;
                let response = response.into_inner();
                times.push(milliseconds(started.elapsed()));
                if let Some(diagnostic) = response.diagnostics.first() {
                    bail!("PlanResourceChange: {}", diagnostic.summary);
                }
            }
            Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        times.extend(lane??);
    }
    core.provider().shutdown().await;
    Ok(vec![("plan_p50_ms", percentile(times.clone(), 50)), ("plan_p99_ms", percentile(times, 99))])
}

/// Creates resources in one process, ten at a time, then refreshes and plans them.
async fn many(provider: &Path, count: usize) -> Result<Vec<(&'static str, f64)>> {
    let atlas = start_atlas(count)?;
    let core = Arc::new(start(provider, &atlas).await?);
    let pid = core.provider().process().context("the provider has no process")?.pid;
    let cpu = || usage::of_process(pid).0;
    let before = cpu();
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..IN_FLIGHT.min(count) {
        let (core, next) = (Arc::clone(&core), Arc::clone(&next));
        lanes.spawn(async move {
            let mut created = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return anyhow::Ok(created);
                }
                created.push((index, create(&core, index).await?));
            }
        });
    }
    let mut instances = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        instances.push(lane??);
    }
    let apply = cpu().saturating_sub(before);
    let before = cpu();
    let mut lanes = JoinSet::new();
    for instances in instances {
        let core = Arc::clone(&core);
        lanes.spawn(async move {
            for (index, instance) in &instances {
                core.plan_config(TYPE, Some(instance), configuration(*index)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    let plan = cpu().saturating_sub(before);
    let peak = number(usize::try_from(usage::of_process(pid).1)?) / 1024.0;
    core.provider().shutdown().await;
    let each = |total: Duration| milliseconds(total) / number(count);
    Ok(match count {
        1 => vec![("memory_1_mib", peak)],
        100 => vec![("cpu_per_apply_ms", each(apply)), ("cpu_per_plan_ms", each(plan))],
        1000 => vec![("cpu_per_apply_1000_ms", each(apply)), ("memory_1000_mib", peak)],
        _ => Vec::new(),
    })
}

async fn create(core: &Core, index: usize) -> Result<ResourceInstance> {
    let mut instance = None;
    core.apply_config(TYPE, &mut instance, configuration(index)).await?.ok()?;
    instance.context("an apply returned no object")
}

fn configuration(index: usize) -> Json {
    json!({ "project_id": PROJECT, "username": format!("bench-{index}") })
}
