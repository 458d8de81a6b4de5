//! Bytes per indexed pod, beside `kube`'s typed reflector store and client-go's informer fed with the same JSON.
//!
//! Owns the figures of memory: live bytes asked of the allocator, counted, not sampled. What the
//! allocator itself adds is in neither figure, and weighs more where allocations are many. No IO but the peer in Go.

use crate::fixture::Cluster;
use crate::record::Bounds;
use crate::typed::Pages;
use crate::{Bench, Record, Setup, clock, informer, ours, rounds};
use allocation_counter::{AllocationInfo, measure};
use anyhow::{Context as _, Result, ensure};
use bailiwick_core::index::Index;
use bailiwick_core::object::Kind;
use k8s_openapi::api::core::v1::Pod;
use kube::core::WatchEvent;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use std::time::Duration;

const NAME: &str = "memory";
const STRIPPED: &str = "kube reflector store of typed Pods, managedFields dropped";
const WHOLE: &str = "kube reflector store of typed Pods, as received";
const ROUNDS: usize = 5;
/// Pods that are read in one round of the decoding figure.
const DECODED: usize = 2_000;

/// The bench of the index's size.
pub(crate) struct Memory;

impl Bench for Memory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "bytes per indexed pod, against kube's typed reflector store and client-go's informer"
    }

    fn run(&self, _: &Setup) -> Result<Vec<Record>> {
        let cluster = Cluster::build()?;
        let lines = lines(&cluster);
        let mut records = sizes(&lines)?;
        let ours = records[0].ours;
        records.extend(informer::beside(NAME, &lines, ours)?);
        records.push(whole_index(&cluster)?);
        records.extend(decoding(&lines[..DECODED.min(lines.len())])?);
        Ok(records)
    }
}

/// Every pod as a line of a watch.
fn lines(cluster: &Cluster) -> Vec<String> {
    cluster.of(Kind::Pod).iter().map(|text| format!(r#"{{"type":"ADDED","object":{text}}}"#)).collect()
}

/// What is left after `fill` filled its store, with the store.
fn live<T>(fill: impl FnOnce() -> Result<T>) -> Result<(AllocationInfo, T)> {
    let mut result = None;
    let info = measure(|| result = Some(fill()));
    let store = result.context("the store was not filled")??;
    Ok((info, store))
}

fn index_of(lines: &[String]) -> Result<Index> {
    let mut index = Index::new();
    for line in lines {
        ours::watch_pod(&mut index, line)?;
    }
    Ok(index)
}

fn store_of(lines: &[String], strip: bool) -> Result<Writer<Pod>> {
    let mut writer: Writer<Pod> = Writer::default();
    for line in lines {
        let event: WatchEvent<Pod> = serde_json::from_str(line).context("read a typed line of a watch")?;
        let WatchEvent::Added(mut pod) = event else { anyhow::bail!("the line is not about a new pod") };
        if strip {
            pod.metadata.managed_fields = None;
        }
        writer.apply_watcher_event(&Event::Apply(pod));
    }
    Ok(writer)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one process fit a float exactly")]
fn per(bytes: i64, count: usize) -> f64 {
    bytes as f64 / count as f64
}

fn sizes(lines: &[String]) -> Result<Vec<Record>> {
    let count = lines.len();
    let (index, held) = live(|| index_of(lines))?;
    ensure!(held.pod_count() == count, "{} pods in the index", held.pod_count());
    drop(held);
    let ours = per(index.bytes_current, count);
    let mut records = vec![
        Record::alone(NAME, "bytes per indexed pod", "bytes", ours).bounded(Bounds { must: 600.0, aim: 200.0 }),
        Record::alone(NAME, "live allocations per indexed pod", "count", per(index.count_current, count)),
    ];
    let variants =
        [(true, STRIPPED, Bounds { must: 60.0, aim: 120.0 }), (false, WHOLE, Bounds { must: 87.0, aim: 175.0 })];
    for (strip, name, bounds) in variants {
        let (info, held) = live(|| store_of(lines, strip))?;
        let stored = held.as_reader().len();
        ensure!(stored == count, "{stored} pods in the peer's store");
        drop(held);
        let peer = per(info.bytes_current, count);
        let metric = if strip { "bytes per pod, managedFields dropped" } else { "bytes per pod, as received" };
        let record = Record::alone(NAME, metric, "bytes", ours).bounded(bounds);
        records.push(Record { peer: Some(peer), peer_name: Some(name), ratio: Some(peer / ours), ..record });
    }
    Ok(records)
}

/// Workloads, revisions, Services, endpoints, nodes and telling events, too.
fn whole_index(cluster: &Cluster) -> Result<Record> {
    let pages = Pages::of(cluster);
    let (info, index) = live(|| ours::read(&pages))?;
    ensure!(index.pod_count() == cluster.pods(), "{} pods in the index", index.pod_count());
    let bytes = per(info.bytes_current, cluster.pods());
    Ok(Record::alone(NAME, "bytes of the whole index, all kinds, per pod", "bytes", bytes))
}

fn decoding(lines: &[String]) -> Result<Vec<Record>> {
    let operations = u32::try_from(lines.len())?;
    let ours = || -> Result<Duration> {
        let (time, index) = clock::cpu(|| index_of(lines));
        ensure!(index?.pod_count() == lines.len(), "pods are missing in the index");
        Ok(time)
    };
    let peer = || -> Result<Duration> {
        let (time, store) = clock::cpu(|| store_of(lines, true));
        ensure!(store?.as_reader().len() == lines.len(), "pods are missing in the peer's store");
        Ok(time)
    };
    let costs = rounds::compare(ROUNDS, operations, ours, peer)?;
    let one = Record::alone(NAME, "read one pod off a watch and keep it", "µs", 0.0);
    let all = Record::alone(NAME, "initial read of 100,000 pods, scaled", "s", costs.ours * 1e5);
    Ok(vec![
        one.beside(STRIPPED, costs, 1e6).bounded(Bounds { must: 4.0, aim: 6.6 }),
        all.bounded(Bounds { must: 2.0, aim: 1.2 }),
    ])
}
