//! The provider's own time and memory, through a client with mutual TLS instead of Terraform.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Core, Phase, ResourceInstance, Settings},
    pb::tfplugin5 as pb,
    plugin::{Provider, SpawnOptions},
    value::encode,
};
use tokio::runtime::{Builder, Runtime};

use super::{
    report::Figures,
    usage::{self, milliseconds, number, percentile},
    workload::{PROJECT, start_atlas},
};
use crate::terraform::credentials;

const TYPE: &str = "atlas_user_certificate";
/// Terraform's default parallelism.
const IN_FLIGHT: usize = 10;

/// Measures start-up, one call, and many resources in one process.
pub(super) fn measure(
    provider: &Path,
    starts: u32,
    calls: usize,
    counts: &[usize],
    figures: &mut Figures,
) -> Result<()> {
    // One thread: moving calls between threads of the client would count as latency of the provider.
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let atlas = start_atlas(1)?;
        start_up(provider, &atlas, starts, figures).await?;
        plan_latency(provider, &atlas, calls, figures).await
    })?;
    let runtime = Runtime::new()?;
    for count in counts {
        runtime.block_on(many(provider, *count, figures))?;
    }
    Ok(())
}

/// Starts and configures a provider process.
pub(crate) async fn start(provider: &Path, atlas: &LocalAtlas) -> Result<Core> {
    let provider = Provider::spawn(SpawnOptions::new(provider).envs(credentials(atlas))).await?;
    let core = Core::new(provider, Settings::default()).await?;
    core.configure(json!({})).await?.ok()?;
    Ok(core)
}

async fn start_up(
    provider: &Path,
    atlas: &LocalAtlas,
    starts: u32,
    figures: &mut Figures,
) -> Result<()> {
    let cpu = usage::children();
    let mut handshakes = Vec::new();
    for _ in 0..starts {
        let core = start(provider, atlas).await?;
        let startup = core.provider.process().map(|process| process.startup);
        handshakes.push(milliseconds(startup.unwrap_or_default()));
        core.provider.shutdown().await;
    }
    let cpu = usage::children().saturating_sub(cpu) / starts;
    figures.insert("handshake_ms", percentile(handshakes, 50));
    figures.insert("cpu_per_start_ms", milliseconds(cpu));
    Ok(())
}

/// The time of `PlanResourceChange`, the most expensive call without a request to Atlas, for an object without changes.
async fn plan_latency(
    provider: &Path,
    atlas: &LocalAtlas,
    calls: usize,
    figures: &mut Figures,
) -> Result<()> {
    let core = start(provider, atlas).await?;
    let instance = create(&core, 0).await?;
    let block = &core.schema.resources[TYPE].block;
    let config = block.conform(configuration(0))?;
    let state = Some(encode(&instance.state, &block.ty()));
    let request = pb::plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: state.clone(),
        proposed_new_state: state,
        config: Some(encode(&config, &block.ty())),
        prior_private: instance.private.clone(),
        client_capabilities: core.settings.capabilities(Phase::Plan),
        ..pb::plan_resource_change::Request::default()
    };
    let call = async |_| {
        let started = Instant::now();
        let response = core.provider.client().plan_resource_change(request.clone()).await?;
        let time = milliseconds(started.elapsed());
        match response.into_inner().diagnostics.first() {
            Some(diagnostic) => bail!("PlanResourceChange: {}", diagnostic.summary),
            None => Ok(time),
        }
    };
    let times: Vec<f64> =
        stream::iter(0..calls).map(call).buffer_unordered(IN_FLIGHT).try_collect().await?;
    core.provider.shutdown().await;
    figures.insert("plan_p50_ms", percentile(times.clone(), 50));
    figures.insert("plan_p99_ms", percentile(times, 99));
    Ok(())
}

/// Creates resources in one process, ten at a time, then refreshes and plans them.
async fn many(provider: &Path, count: usize, figures: &mut Figures) -> Result<()> {
    let atlas = start_atlas(count)?;
    let core = start(provider, &atlas).await?;
    let pid = core.provider.process().context("the provider has no process")?.pid;
    let cpu = || usage::of_process(pid).0;
    let before = cpu();
    let creates =
        stream::iter(0..count).map(async |index| anyhow::Ok((index, create(&core, index).await?)));
    let instances: Vec<_> = creates.buffer_unordered(IN_FLIGHT).try_collect().await?;
    let apply = cpu().saturating_sub(before);
    let before = cpu();
    let plans = stream::iter(&instances).map(async |(index, instance)| {
        core.resource(TYPE).plan(Some(instance), configuration(*index)).await.map(drop)
    });
    plans.buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
    let plan = cpu().saturating_sub(before);
    let peak = number(usage::of_process(pid).1) / 1024.0;
    core.provider.shutdown().await;
    let each = |total: Duration| milliseconds(total) / number(count as u64);
    figures.extend(match count {
        1 => vec![("memory_1_mib", peak)],
        100 => vec![("cpu_per_apply_ms", each(apply)), ("cpu_per_plan_ms", each(plan))],
        1000 => vec![("cpu_per_apply_1000_ms", each(apply)), ("memory_1000_mib", peak)],
        _ => Vec::new(),
    });
    Ok(())
}

async fn create(core: &Core, index: usize) -> Result<ResourceInstance> {
    let mut instance = None;
    core.resource(TYPE).apply_config(&mut instance, configuration(index)).await?.ok()?;
    instance.context("an apply returned no object")
}

fn configuration(index: usize) -> Json {
    json!({ "project_id": PROJECT, "username": format!("bench-{index}") })
}
