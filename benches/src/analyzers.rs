//! Analyzers over an index of 20,000 pods: everything once, and one pod's news.
//!
//! Owns the figures of `core::index` and `core::analyze`. The peer reads the same bytes into whole
//! typed objects and walks them: no list is charged to it, and it groups and proposes nothing. No IO.

use crate::fixture::{self, Cluster, Fault, Workload};
use crate::record::Bounds;
use crate::typed::{self, Pages, Typed};
use crate::{Bench, Record, Setup, clock, ours, rounds};
use anyhow::{Context as _, Result, ensure};
use bailiwick_core::analyze::{analyze_all, examine};
use bailiwick_core::finding::Finding;
use bailiwick_core::index::Index;
use bailiwick_core::object::Kind;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::core::WatchEvent;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

const NAME: &str = "analyzers";
const WALK: &str = "k8sgpt-like walk of typed objects in memory";
const READ_AND_WALK: &str = "typed decode + k8sgpt-like walk";
const ONE: &str = "typed decode + kube reflector store + look at that pod";
const ROUNDS: usize = 7;
const HEAVY_ROUNDS: usize = 5;
/// Pods that break and mend in one round.
const NEWS: usize = 500;

/// The bench of the index and its analyzers.
pub(crate) struct Analyzers;

impl Bench for Analyzers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "find what is wrong among 20,000 pods, whole and by one event, against a walk of typed objects"
    }

    fn run(&self, _: &Setup) -> Result<Vec<Record>> {
        let cluster = Cluster::build()?;
        let pages = Pages::of(&cluster);
        let now = fixture::now()?;
        let mut index = ours::read(&pages)?;
        let peer = Typed::read(&pages)?;
        check(&cluster, &analyze_all(&index.view(), now), &peer)?;
        let mut records = vec![in_memory(&index, &peer, now)?, from_bytes(&pages, now)?];
        drop(peer);
        records.extend(one_event(&cluster, &mut index, now)?);
        Ok(records)
    }
}

/// A run whose findings are wrong has no figure.
fn check(cluster: &Cluster, findings: &[Finding], peer: &Typed) -> Result<()> {
    let mut causes: BTreeMap<_, usize> = BTreeMap::new();
    for finding in findings.iter().filter(|f| f.subject.kind == Kind::Deployment) {
        *causes.entry(finding.cause).or_default() += 1;
    }
    ensure!(causes == *cluster.broken(), "found {causes:?}, broken are {:?}", cluster.broken());
    let told = peer.walk();
    let broken = cluster.broken_pods();
    ensure!(told.len() >= broken, "the peer names {} faults of {broken} broken pods", told.len());
    ensure!(peer.pods.len() == cluster.pods(), "the peer read {} pods", peer.pods.len());
    Ok(())
}

fn in_memory(index: &Index, peer: &Typed, now: Timestamp) -> Result<Record> {
    let ours = || Ok(clock::cpu(|| black_box(analyze_all(&index.view(), now)).len()).0);
    let theirs = || Ok(clock::cpu(|| black_box(peer.walk()).len()).0);
    let costs = rounds::compare(ROUNDS, 1, ours, theirs)?;
    Ok(Record::alone(NAME, "full pass, objects in memory", "ms", 0.0).beside(WALK, costs, 1e3))
}

/// What `bailiwick diagnose` does once the API server has answered.
fn from_bytes(pages: &Pages, now: Timestamp) -> Result<Record> {
    let ours = || {
        let (time, read) = clock::cpu(|| ours::read(pages).map(|index| (analyze_all(&index.view(), now).len(), index)));
        read.map(|_| time)
    };
    let theirs = || {
        let (time, read) = clock::cpu(|| Typed::read(pages).map(|typed| (typed.walk().len(), typed)));
        read.map(|_| time)
    };
    let costs = rounds::compare(HEAVY_ROUNDS, 1, ours, theirs)?;
    let record = Record::alone(NAME, "full pass from the lists' bytes", "ms", 0.0);
    Ok(record.beside(READ_AND_WALK, costs, 1e3).bounded(Bounds { must: 4.0, aim: 6.6 }))
}

/// One pod's change as a line of a watch.
fn line(workload: &Workload, n: usize, fault: Option<Fault>, version: usize) -> String {
    let mut object = fixture::pod(workload, n, fault);
    object["apiVersion"] = "v1".into();
    object["kind"] = "Pod".into();
    object["metadata"]["resourceVersion"] = version.to_string().into();
    // The type stands first, as an API server writes it.
    format!(r#"{{"type":"MODIFIED","object":{object}}}"#)
}

/// Lines by which healthy pods break, and by which they mend.
fn news(cluster: &Cluster) -> (Vec<String>, Vec<String>) {
    let well: Vec<&Workload> =
        cluster.workloads().iter().filter(|w| w.kind != Kind::Job && w.fault.is_none()).collect();
    let step = (well.len() / NEWS).max(1);
    let chosen = || well.iter().step_by(step).take(NEWS).enumerate();
    // Scheduling and the image are decided before a pod is healthy, so those faults cannot befall one.
    let faults = [Fault::Crash, Fault::Memory, Fault::Readiness, Fault::Liveness];
    let breaks = chosen().map(|(i, w)| line(w, i % w.pods, Some(faults[i % faults.len()]), 5_000_000 + i));
    let mends = chosen().map(|(i, w)| line(w, i % w.pods, None, 6_000_000 + i));
    (breaks.collect(), mends.collect())
}

/// Reads a line, takes it in, and examines whoever it touches.
fn decide(index: &mut Index, lines: &[String], now: Timestamp) -> Result<usize> {
    let mut found = 0;
    for line in lines {
        let touched = ours::watch_pod(index, line)?;
        for subject in &touched.0 {
            found += examine(&index.view(), subject, now).findings.len();
        }
    }
    Ok(found)
}

/// The least that a controller with a typed store does for a pod's change.
fn typed_look(store: &mut Writer<Pod>, lines: &[String]) -> Result<usize> {
    let mut found = 0;
    for line in lines {
        let event: WatchEvent<Pod> = serde_json::from_str(line).context("read a typed line of a watch")?;
        let (WatchEvent::Added(mut pod) | WatchEvent::Modified(mut pod)) = event else {
            anyhow::bail!("the line is not about a pod that is there");
        };
        pod.metadata.managed_fields = None;
        let event = Event::Apply(pod);
        store.apply_watcher_event(&event);
        if let Event::Apply(pod) = &event {
            let mut told = Vec::new();
            typed::look(pod, &[], &mut told);
            found += told.len();
        }
    }
    Ok(found)
}

fn one_event(cluster: &Cluster, index: &mut Index, now: Timestamp) -> Result<Vec<Record>> {
    let (breaks, mends) = news(cluster);
    let operations = u32::try_from(breaks.len() + mends.len())?;
    let mut store: Writer<Pod> = Writer::default();
    let ours = || -> Result<Duration> {
        let (time, found) = clock::cpu(|| Ok((decide(index, &breaks, now)?, decide(index, &mends, now)?)));
        let (broken, mended): (usize, usize) = found.map_err(|e: anyhow::Error| e)?;
        ensure!(broken >= breaks.len() && mended == 0, "{broken} findings of {}, {mended} left", breaks.len());
        Ok(time)
    };
    let theirs = || -> Result<Duration> {
        let work = || -> Result<usize> { Ok(typed_look(&mut store, &breaks)? + typed_look(&mut store, &mends)?) };
        let (time, found) = clock::cpu(work);
        ensure!(found? > 0, "the peer found nothing");
        Ok(time)
    };
    let costs = rounds::compare(ROUNDS, operations, ours, theirs)?;
    let both = Record::alone(NAME, "one pod event: read, index, examine", "µs", 0.0);
    let alone = Record::alone(NAME, "one pod event to its decision", "µs", costs.ours * 1e6);
    Ok(vec![both.beside(ONE, costs, 1e6), alone.bounded(Bounds { must: 100.0, aim: 50.0 })])
}
