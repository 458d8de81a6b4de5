//! Repair on a real cluster: requests per incident by purpose, and the time from a fault's event to the write.
//!
//! Owns the figures of a running operator. Breaks Deployments one after another in a namespace of
//! its own inside the territory; what it made is deleted at the end. Has no peer: the API server's
//! audit log is the witness beside the operator's own count. Talks to the named cluster.

mod count;
mod drive;
mod images;

use crate::place::Place;
use crate::record::Bounds;
use crate::rounds::{median, spread};
use crate::{Bench, Record, Setup};
use anyhow::{Context as _, Result, ensure};
use bailiwick_core::life::Phase;
use count::{Calls, Writes};
use drive::Mended;
use images::Images;
use tokio::time::Instant;

const NAME: &str = "repair";
/// Requests per incident that a one-shot account would need without lists and with a status write
/// for each step that must be stored before it acts, and no other.
const AIM: f64 = 48.0;
/// Milliseconds from the event that shows a fault to the write, where nothing else happens.
const END_TO_END: Bounds = Bounds { must: 250.0, aim: 60.0 };

/// The bench of a repair from detection to recovery.
pub(crate) struct Repair;

impl Bench for Repair {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "requests per incident by purpose, and from the fault's event to the acknowledged write, on a real cluster"
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
    let images = Images::of(setup)?;
    let outcome = measure(&place, &images, setup.incidents).await;
    let cleaned = drive::clean(&place).await;
    let records = outcome?;
    cleaned?;
    Ok(records)
}

async fn measure(place: &Place, images: &Images, incidents: u16) -> Result<Vec<Record>> {
    drive::prepare(place, images, incidents).await?;
    let (before, offset) = (Calls::parse(&place.measures().await?)?, place.audit_end()?);
    let mut mended = Vec::new();
    for n in 0..incidents {
        mended.push(drive::incident(place, images, n).await?);
    }
    let after = Calls::parse(&place.measures().await?)?;
    let mut records = requests(&after.since(&before), incidents);
    if let Some(text) = place.audit_since(offset)? {
        records.extend(witnessed(&Writes::parse(&text, drive::NAMESPACE)?, incidents, &mended)?);
    }
    records.extend(times(&mended)?);
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
fn witnessed(writes: &Writes, incidents: u16, mended: &[Mended]) -> Result<Vec<Record>> {
    let names: Vec<String> = mended.iter().map(|m| m.change.spec.target.name.to_string()).collect();
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

/// Spans of a repair in milliseconds, each by one clock: what they are called, how long they are, and their bounds.
type Span = (&'static str, fn(&Mended) -> Result<f64>, Option<Bounds>);

const SPANS: [Span; 4] = [
    ("from the fault's event to the plan, as watches show both", |m| Ok(between(m.fault, m.plan)), None),
    ("from the fault's event to the write, as watches show both", |m| Ok(between(m.fault, m.write)), Some(END_TO_END)),
    ("from Proposed to the acknowledged write", |m| recorded(m, Phase::Proposed), None),
    ("from Granting to the acknowledged write", |m| recorded(m, Phase::Granting), None),
];

fn between(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

/// By the clock of the operator.
fn recorded(mended: &Mended, from: Phase) -> Result<f64> {
    let status = mended.change.status.as_ref().context("a Change has no status")?;
    let start = status.timeline.iter().find(|t| t.phase == from).with_context(|| format!("it was never {from}"))?;
    let end = status.executions.first().and_then(|e| e.applied_at).context("nothing was written")?;
    Ok(end.duration_since(start.at).as_secs_f64() * 1e3)
}

fn times(mended: &[Mended]) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for (name, span, bounds) in SPANS {
        let taken: Vec<f64> = mended.iter().map(span).collect::<Result<_>>()?;
        let middle = named(format!("{name}, median"), "ms", median(taken.clone()));
        let late = named(format!("{name}, 99th percentile of {}", taken.len()), "ms", nearest_rank(&taken, 0.99)?);
        records.push(Record { spread: Some(spread(taken)), ..middle });
        records.push(bounds.map_or(late.clone(), |bounds| late.bounded(bounds)));
    }
    Ok(records)
}

/// The least value that at least this share does not exceed; of fewer than 100 values the 99th percentile is the greatest.
fn nearest_rank(values: &[f64], share: f64) -> Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of incidents"
    )]
    let rank = (share * values.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().context("nothing was measured")
}

fn named(metric: String, unit: &'static str, ours: f64) -> Record {
    Record { metric: metric.into(), ..Record::alone(NAME, "", unit, ours) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests fit a float exactly")]
fn per(count: u64, incidents: u16) -> f64 {
    count as f64 / f64::from(incidents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!((nearest_rank(&hundred, 0.99).unwrap() - 99.0).abs() < f64::EPSILON);
        assert!((nearest_rank(&[3.0, 1.0, 2.0], 0.99).unwrap() - 3.0).abs() < f64::EPSILON);
        assert!(nearest_rank(&[], 0.99).is_err());
    }
}
