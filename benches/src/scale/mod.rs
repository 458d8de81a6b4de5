//! The operator and `diagnose` beside a large cluster: memory, processor time at rest, time to look at all of it.
//!
//! Owns the figures. The cluster is a real API server with real controllers; its nodes are objects alone. What was made
//! is deleted at the end. Talks to the named cluster, in which the operator runs.

mod fill;
mod lists;

use crate::ask::poll;
use crate::place::Place;
use crate::record::Bounds;
use crate::{Bench, Record, Setup};
use anyhow::{Context as _, Result, ensure};
use bailiwick_api::{Incident, IncidentPhase};
use fill::Large;
use kube::Api;
use kube::api::ListParams;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const NAME: &str = "scale";
const MIB: f64 = 1_048_576.0;
/// Until the last Incident.
const FOUND_WITHIN: Duration = Duration::from_mins(10);
/// After which nothing is left to do, and for how long the operator is looked at then.
const SETTLED: Duration = Duration::from_secs(60);
const AT_REST: Duration = Duration::from_secs(120);

/// The bench of a large cluster.
pub(crate) struct Scale;

impl Bench for Scale {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "memory and idle processor time of the operator beside many pods, and `diagnose` over them"
    }

    fn needs_cluster(&self) -> bool {
        true
    }

    fn run(&self, setup: &Setup) -> Result<Vec<Record>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.context("start a runtime")?.block_on(run(setup))
    }
}

async fn run(setup: &Setup) -> Result<Vec<Record>> {
    let place = Place::open(setup).await?;
    let large = Large::new(place.client.clone(), setup.pods);
    ensure!(large.pods() > 0, "--pods must be at least {}", fill::REPLICAS);
    // Of their own, so that nodes stay alive while `diagnose` is waited for.
    let mut beats = JoinSet::new();
    beats.spawn(large.clone().keep_alive());
    let outcome = tokio::select! {
        outcome = measure(setup, &place, &large) => outcome,
        Some(ended) = beats.join_next() => ended?.and_then(|()| anyhow::bail!("the heartbeats ended")),
    };
    let alive = beats.try_join_next().is_none();
    let cleaned = large.clean().await;
    let records = outcome?;
    cleaned?;
    ensure!(alive, "the heartbeats ended, and the nodes were lost");
    Ok(records)
}

async fn measure(setup: &Setup, place: &Place, large: &Large) -> Result<Vec<Record>> {
    let empty = Cost::of(place).await?;
    large.make().await?;
    open_incidents(place, large.broken()).await?;
    sleep(SETTLED).await;
    let (before, begin) = (Cost::of(place).await?, Instant::now());
    sleep(AT_REST).await;
    let (after, span) = (Cost::of(place).await?, begin.elapsed());
    let named = |what: &str| format!("{what}, {} pods, {} open incidents", large.pods(), large.broken());
    let idle = (after.seconds - before.seconds) / span.as_secs_f64();
    let diagnose = tokio::task::block_in_place(|| lists::compare(setup, place, large.broken()))?;
    let record = |metric: String, unit, ours| Record { metric: metric.into(), ..Record::alone(NAME, "", unit, ours) };
    Ok(vec![
        record("operator's resident memory before".to_owned(), "MiB", empty.bytes / MIB),
        record(named("operator's resident memory"), "MiB", after.bytes / MIB)
            .bounded(Bounds { must: 300.0, aim: 80.0 }),
        record(named("operator's processor time at rest"), "cores", idle).bounded(Bounds { must: 0.02, aim: 0.02 }),
        Record {
            aim: Some(1.0 / 1.2),
            ..record(named("diagnose, wall time"), "s", 0.0).beside(lists::PEER, diagnose, 1.0)
        },
    ])
}

async fn open_incidents(place: &Place, wanted: usize) -> Result<()> {
    let incidents: Api<Incident> = Api::namespaced(place.client.clone(), fill::NAMESPACE);
    poll("an Incident for each broken Deployment", FOUND_WITHIN, async || {
        let found = incidents.list(&ListParams::default()).await?.items;
        let open = |i: &&Incident| i.status.as_ref().is_none_or(|s| s.phase == IncidentPhase::Open);
        let open = found.iter().filter(open).count();
        ensure!(open <= wanted, "{open} open Incidents for {wanted} faults");
        Ok((open == wanted).then_some(()))
    })
    .await
}

/// What the operator has cost, as it says itself; of several replicas the greatest.
struct Cost {
    seconds: f64,
    bytes: f64,
}

impl Cost {
    async fn of(place: &Place) -> Result<Self> {
        let text = place.measures().await?;
        let most = |name: &str| {
            let values = text.lines().filter_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            values.reduce(f64::max).with_context(|| format!("the operator does not tell {}", name.trim()))
        };
        Ok(Self { seconds: most("process_cpu_seconds_total ")?, bytes: most("process_resident_memory_bytes ")? })
    }
}
