//! How long single calls take through mutual TLS, the calls to Atlas apart.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tf_host::{
    core::ResourceInstance, pb::tfplugin5 as pb, provider::Provider, schema::Schema, wire,
};
use tokio::task::JoinSet;

use super::{
    client::{Client, failed},
    statistics::{count as number, percentile},
    usage::Cpu,
};
use crate::Failure;

/// The latency of one method with so many calls in flight.
pub(super) struct Latency {
    pub(super) method: &'static str,
    pub(super) in_flight: usize,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// Processor time of the provider for each call.
    pub(super) provider_cpu: Duration,
    /// Processor time of this client for each call.
    pub(super) client_cpu: Duration,
}

/// Measures every method in which the provider asks nobody, at 1 and 10 in flight.
pub(super) async fn latencies(client: &Client, calls: usize) -> Result<Vec<Latency>, Failure> {
    let instance = client.create(0).await?;
    let requests = Arc::new(Requests::new(client, &instance)?);
    let mut latencies = Vec::new();
    for in_flight in [1, 10] {
        for method in METHODS {
            let (before, own) = (client.usage().cpu, Cpu::now());
            let durations = measure(&client.provider, &requests, method, in_flight, calls).await?;
            let made = WARM_UP * in_flight + durations.len();
            let (cpu, own) = (client.usage().cpu.saturating_sub(before), own.since().own);
            let of = |percent| percentile(durations.iter().copied(), percent);
            latencies.push(Latency {
                method: method.name(),
                in_flight,
                p50: of(50),
                p99: of(99),
                provider_cpu: cpu.div_f64(number(made)),
                client_cpu: own.div_f64(number(made)),
            });
        }
    }
    Ok(latencies)
}

async fn measure(
    provider: &Provider,
    requests: &Arc<Requests>,
    method: Method,
    in_flight: usize,
    calls: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut lanes = JoinSet::new();
    for _ in 0..in_flight {
        let (provider, requests) = (provider.clone(), Arc::clone(requests));
        lanes.spawn(async move {
            let mut durations = Vec::with_capacity(calls / in_flight);
            for call in 0..WARM_UP + calls / in_flight {
                let started = Instant::now();
                requests.send(&provider, method).await?;
                if call >= WARM_UP {
                    durations.push(started.elapsed());
                }
            }
            Ok::<_, Failure>(durations)
        });
    }
    let mut all = Vec::with_capacity(calls);
    while let Some(lane) = lanes.join_next().await {
        all.extend(lane.map_err(|error| failed("a call did not end", &error))??);
    }
    Ok(all)
}

#[derive(Clone, Copy)]
enum Method {
    Validate,
    Upgrade,
    Plan,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Validate => "ValidateResourceTypeConfig",
            Self::Upgrade => "UpgradeResourceState",
            Self::Plan => "PlanResourceChange",
        }
    }
}

/// The requests, encoded once.
struct Requests {
    validate: pb::validate_resource_type_config::Request,
    upgrade: pb::upgrade_resource_state::Request,
    /// Of an object for which there is nothing to do.
    plan: pb::plan_resource_change::Request,
}

impl Requests {
    fn new(client: &Client, instance: &ResourceInstance) -> Result<Self, Failure> {
        let kind = &client.asked.kind;
        let Some(Schema { version, block }) = client.core.schema().resources.get(kind) else {
            return Err(Failure::Failed(format!(
                "the provider has no resource {kind}"
            )));
        };
        let ty = block.ty();
        let config = tf_host::convert::block(client.asked.resource(0).into(), block)
            .map_err(|error| failed("the configuration does not fit the schema", &error))?;
        let (config, state) = (
            Some(wire::encode(&config, &ty)),
            Some(wire::encode(&instance.state, &ty)),
        );
        let capabilities = client.core.settings().in_walk(tf_host::core::Walk::Plan);
        Ok(Self {
            validate: pb::validate_resource_type_config::Request {
                type_name: kind.clone(),
                config: config.clone(),
                client_capabilities: capabilities,
            },
            upgrade: pb::upgrade_resource_state::Request {
                type_name: kind.clone(),
                version: *version,
                raw_state: Some(pb::RawState {
                    json: instance.state.to_json().to_string().into_bytes(),
                    ..pb::RawState::default()
                }),
            },
            plan: pb::plan_resource_change::Request {
                type_name: kind.clone(),
                prior_state: state.clone(),
                proposed_new_state: state,
                config,
                prior_private: instance.private.clone(),
                client_capabilities: capabilities,
                ..pb::plan_resource_change::Request::default()
            },
        })
    }

    async fn send(&self, provider: &Provider, method: Method) -> Result<(), Failure> {
        let told = match method {
            Method::Validate => provider
                .validate_resource_type_config(self.validate.clone())
                .await
                .map(|answer| answer.diagnostics),
            Method::Upgrade => provider
                .upgrade_resource_state(self.upgrade.clone())
                .await
                .map(|answer| answer.diagnostics),
            Method::Plan => provider
                .plan_resource_change(self.plan.clone())
                .await
                .map(|answer| answer.diagnostics),
        };
        let told = told.map_err(|error| failed("a call failed", &error))?;
        match told.first() {
            None => Ok(()),
            Some(diagnostic) => Err(Failure::Failed(format!(
                "{}: {}",
                method.name(),
                diagnostic.summary
            ))),
        }
    }
}

const METHODS: [Method; 3] = [Method::Validate, Method::Upgrade, Method::Plan];
const WARM_UP: usize = 20;
