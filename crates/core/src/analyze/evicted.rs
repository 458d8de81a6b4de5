//! Pods that nodes put out.
//!
//! Owns the count of evictions. Must never report one that was made good: a controller makes another
//! pod, and only many in a row say something. No IO.

use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Phase, Pod};
use crate::object::Kind;
use jiff::SignedDuration;

/// Evictions longer ago are over.
const RECENT: SignedDuration = SignedDuration::from_mins(60);
/// So many of one workload are no accident.
const MANY: usize = 3;

/// Evictions of a subject's pods.
pub(crate) fn find<'a>(case: &Case<'a>, all: impl Iterator<Item = Pod<'a>>) -> Option<Finding> {
    let put_out = |pod: &Pod<'_>| pod.phase() == Phase::Failed && reason(pod) == Some("Evicted");
    let alone = case.subject.kind == Kind::Pod;
    let recent = |pod: &Pod<'_>| alone || pod.ready_since().or(pod.created()).is_none_or(|at| case.age(at) < RECENT);
    let gone: Vec<Pod<'a>> = all.filter(|pod| put_out(pod) && recent(pod)).collect();
    let last = gone.iter().max_by_key(|pod| (pod.ready_since(), pod.created()))?;
    if gone.len() < MANY && !alone {
        return None;
    }
    let said = last.odd().and_then(|odd| odd.message.as_deref()).unwrap_or("");
    let who = if alone {
        "the pod was evicted, and nobody makes it anew".to_owned()
    } else {
        format!("nodes evicted {} pods within an hour", gone.len())
    };
    let text = format!("{who}: {}", quote(said, 180));
    let mut finding = case.draft(Cause::PodsEvicted, Severity::Warning, &text);
    let times = gone.iter().filter_map(|pod| pod.ready_since().or(pod.created()));
    finding.since = times.min().unwrap_or(finding.since);
    finding.evidence = case.in_pod(last, "status.message", said).into_iter().collect();
    Some(finding)
}

fn reason<'p>(pod: &Pod<'p>) -> Option<&'p str> {
    pod.odd().and_then(|odd| odd.reason.as_deref())
}

#[cfg(test)]
mod tests;
