//! Repair on a real cluster: requests per incident by purpose, and the time from a grant to the write.
//!
//! Owns the figures of a running operator. Breaks Deployments one after another in a namespace of
//! its own inside the territory; what it made is deleted at the end. Has no peer: the API server's
//! audit log is the witness beside the operator's own count. Talks to the named cluster.

mod count;
mod drive;
mod place;

use crate::rounds::{median, spread};
use crate::{Bench, Record, Setup};
use anyhow::{Context as _, Result, ensure};
use bailiwick_api::Change;
use bailiwick_core::life::Phase;
use count::{Calls, Writes};
use place::Place;

const NAME: &str = "repair";
/// Requests per incident that a one-shot account would need without lists and with a status write
/// for each step that must be stored before it acts, and no other.
const AIM: f64 = 48.0;

/// The bench of a repair from detection to recovery.
pub(crate) struct Repair;

impl Bench for Repair {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "requests per incident by purpose, and from grant to acknowledged write, on a real cluster"
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
    ensure!(setup.incidents > 0, "--incidents must be at least 1");
    let outcome = measure(&place, setup.incidents).await;
    let cleaned = drive::clean(&place).await;
    let records = outcome?;
    cleaned?;
    Ok(records)
}

async fn measure(place: &Place, incidents: u16) -> Result<Vec<Record>> {
    drive::prepare(place, incidents).await?;
    let (before, offset) = (place.calls().await?, place.audit_end()?);
    let mut changes = Vec::new();
    for n in 0..incidents {
        changes.push(drive::incident(place, n).await?);
    }
    let after = place.calls().await?;
    let mut records = requests(&after.since(&before), incidents);
    if let Some(writes) = place.writes_since(offset)? {
        records.extend(witnessed(&writes, incidents, &changes)?);
    }
    records.extend(times(&changes)?);
    Ok(records)
}

fn requests(calls: &Calls, incidents: u16) -> Vec<Record> {
    let each = |count: u64| per(count, incidents);
    let by = calls.by_purpose().map(|(purpose, count)| (format!("requests per incident: {purpose}"), count));
    let mut records: Vec<Record> = by.map(|(metric, count)| named(metric, "requests", each(count))).collect();
    let total = Record::alone(NAME, "requests per incident, all purposes", "requests", each(calls.total()));
    let lists = Record::alone(NAME, "lists per incident", "requests", each(calls.lists()));
    // No bound that must hold: what an incident needs follows from how a change is made, not from a rule of thumb.
    records.extend([Record { aim: Some(AIM), ..total }, Record { aim: Some(0.0), ..lists }]);
    records
}

/// What the audit log says. One write of the target for each incident, or there is no figure.
fn witnessed(writes: &Writes, incidents: u16, changes: &[Change]) -> Result<Vec<Record>> {
    let names: Vec<String> = changes.iter().map(|c| c.spec.target.name.to_string()).collect();
    for name in &names {
        let count = writes.of_target(name);
        ensure!(count == 1, "the audit log shows {count} writes of deployment {name} by one-shot accounts");
    }
    let each = |count: u64| per(count, incidents);
    Ok(vec![
        Record::alone(NAME, "audit log: stored writes per incident", "requests", each(writes.stored)),
        Record::alone(NAME, "audit log: dry runs per incident", "requests", each(writes.dry)),
        Record::alone(NAME, "audit log: refused requests per incident", "requests", each(writes.refused)),
    ])
}

fn times(changes: &[Change]) -> Result<Vec<Record>> {
    let between = |from: Phase, of: &Change| -> Result<f64> {
        let status = of.status.as_ref().context("a Change has no status")?;
        let start = status.timeline.iter().find(|t| t.phase == from).with_context(|| format!("it was never {from}"))?;
        let end = status.executions.first().and_then(|e| e.applied_at).context("nothing was written")?;
        Ok(end.duration_since(start.at).as_secs_f64() * 1e3)
    };
    let mut records = Vec::new();
    let spans = [
        (Phase::Granting, "from Granting to the acknowledged write, median"),
        (Phase::Proposed, "from Proposed to the acknowledged write, median"),
    ];
    for (phase, metric) in spans {
        let taken: Vec<f64> = changes.iter().map(|change| between(phase, change)).collect::<Result<_>>()?;
        let worst = taken.iter().copied().fold(0.0, f64::max);
        let record = Record::alone(NAME, metric, "ms", median(taken.clone()));
        records.push(Record { spread: Some(spread(taken)), ..record });
        records.push(named(metric.replace("median", "longest"), "ms", worst));
    }
    Ok(records)
}

fn named(metric: String, unit: &'static str, ours: f64) -> Record {
    Record { metric: metric.into(), ..Record::alone(NAME, "", unit, ours) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests fit a float exactly")]
fn per(count: u64, incidents: u16) -> f64 {
    count as f64 / f64::from(incidents)
}
