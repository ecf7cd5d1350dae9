//! What one certificate costs the provider, as their number grows: through an mTLS client, ten in flight, as under Terraform.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    client::{Asked, Client, failed},
    server::Server,
    statistics::count as number,
};
use crate::Failure;

/// One process with so many resources.
pub(super) struct Point {
    pub(super) count: usize,
    pub(super) apply: Cost,
    pub(super) plan: Cost,
    /// The process' greatest memory, in KiB.
    pub(super) peak_kib: u64,
}

/// What a walk over all resources took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Wall time for each resource, the client's checks and the local Atlas included.
    pub(super) wall_each: Duration,
    /// Processor time of the provider for each resource.
    pub(super) cpu_each: Duration,
}

/// Creates all resources in one process, then refreshes and plans all of them.
pub(super) async fn grow(binary: &Path, asked: &Asked, count: usize) -> Result<Point, Failure> {
    let server = Server::start(count)?;
    let client = Arc::new(Client::start(binary, asked, &server).await?);
    let meter = Meter::start(&client);
    let creator = Arc::clone(&client);
    let create = move |index| {
        let client = Arc::clone(&creator);
        async move { client.create(index).await.map(|instance| (index, instance)) }
    };
    let mut instances = each(count, create).await?;
    let apply = meter.read(&client, count);
    instances.sort_unstable_by_key(|(index, _)| *index);
    let instances = Arc::new(instances);
    let meter = Meter::start(&client);
    let planner = Arc::clone(&client);
    let plan = move |index: usize| {
        let (client, instances) = (Arc::clone(&planner), Arc::clone(&instances));
        async move { client.plan(index, &instances[index].1).await }
    };
    each(count, plan).await?;
    let plan = meter.read(&client, count);
    let peak_kib = client.usage().peak_kib;
    client.end().await;
    Ok(Point {
        count,
        apply,
        plan,
        peak_kib,
    })
}

/// Does the work for every index below `count`.
async fn each<T, F, W>(count: usize, work: W) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send,
    W: Fn(usize) -> F + Clone + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (next, work) = (Arc::clone(&next), work.clone());
        lanes.spawn(async move {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return Ok::<_, Failure>(done);
                }
                done.push(work(index).await?);
            }
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(lane) = lanes.join_next().await {
        all.extend(lane.map_err(|error| failed("a lane broke off", &error))??);
    }
    Ok(all)
}

struct Meter {
    started: Instant,
    cpu: Duration,
}

impl Meter {
    fn start(client: &Client) -> Self {
        Self {
            started: Instant::now(),
            cpu: client.usage().cpu,
        }
    }

    fn read(self, client: &Client, count: usize) -> Cost {
        let each = |total: Duration| total.div_f64(number(count));
        Cost {
            wall_each: each(self.started.elapsed()),
            cpu_each: each(client.usage().cpu.saturating_sub(self.cpu)),
        }
    }
}

/// Terraform's own default.
const IN_FLIGHT: usize = 10;
