//! Rollouts that made no progress within their deadline.
//!
//! Owns the last resort among the causes: it is only asked where no other was found. No IO.

use super::case::Case;
use super::history::{self, History};
use super::text::{SUMMARY_CAP, plain, quote};
use crate::finding::Cause;
use crate::finding::Finding;

/// The deadline's finding.
pub(crate) fn find<'a>(case: &Case<'a>, history: &History<'a>) -> Option<Finding> {
    let (thing, workload) = (case.thing?, case.workload()?);
    let condition =
        workload.condition("Progressing").filter(|c| !c.holds && &*c.reason == "ProgressDeadlineExceeded")?;
    // The condition may still speak of the generation before, or of a rollout that got there late.
    let current = workload.observed_generation >= thing.head.generation && !workload.held;
    let complete = workload.available >= workload.desired && workload.updated >= workload.desired;
    if !current || complete {
        return None;
    }
    let (updated, available) = (workload.updated, workload.available);
    let counts = format!("{updated} of {} pods are of the newest revision, {available} available", workload.desired);
    Some(Finding {
        cause: Cause::ProgressDeadlineExceeded,
        severity: case.severity(),
        subject: case.subject.clone(),
        container: None,
        summary: plain(
            &format!("the rollout made no progress: {counts}: {}", quote(&condition.message, 160)),
            SUMMARY_CAP,
        ),
        since: condition.since.unwrap_or(case.now),
        evidence: case
            .in_thing(thing, "status.conditions[Progressing].message", &condition.message)
            .into_iter()
            .collect(),
        candidates: history::undo_newest(case, history, |old, new| std::ptr::eq(old, new)).into_iter().collect(),
    })
}

#[cfg(test)]
mod tests;
