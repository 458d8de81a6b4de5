//! Pods that no node takes.
//!
//! Owns the reading of the scheduler's message. Must never blame one node's reason where another
//! node came closer to taking the pod. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::{has_any, quote};
use crate::finding::{Candidate, Cause};
use crate::index::{Pod, Template};
use jiff::SignedDuration;

/// A node may be just about to have room.
const GRACE: SignedDuration = SignedDuration::from_secs(5);
/// Another controller is expected to open a gate.
const GATE_GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What a pod without a node shows.
pub(crate) fn sign<'a>(case: &Case<'a>, pod: Pod<'a>) -> Option<Sign<'a>> {
    let why = pod.odd()?.unscheduled.as_ref()?;
    let since = why.since.or(pod.created());
    let gated = &*why.reason == "SchedulingGated";
    if !case.past(since, if gated { GATE_GRACE } else { GRACE }) || pod.node().is_some() {
        return None;
    }
    let (cause, detail) = if gated {
        (Cause::Unschedulable, "waits behind a scheduling gate that nobody opens".to_owned())
    } else {
        let reasons = reasons(&why.message);
        (cause(reasons), format!("no node takes the pod: {}", quote(reasons, 160)))
    };
    let path = "status.conditions[PodScheduled].message";
    let evidence = case.in_pod(&pod, path, &why.message).into_iter().collect();
    Some(Sign { cause, container: None, pod, since, detail, evidence, mend: candidates })
}

/// The part between `nodes are available:` and what the scheduler says of preemption.
fn reasons(message: &str) -> &str {
    let after = message.split_once("nodes are available: ").map_or(message, |(_, rest)| rest);
    let end = ["preemption:", "no new claims to deallocate"].iter().filter_map(|end| after.find(end)).min();
    let part = end.and_then(|end| after.get(..end)).unwrap_or(after);
    part.trim_end_matches([' ', '.', ','])
}

/// The scheduler names for each node the first filter that refused it. The filters run in a fixed
/// order, so the node refused by the latest of them came closest, and its reason is the one to mend.
fn cause(reasons: &str) -> Cause {
    let closest =
        reasons.split(", ").map(|reason| filter(&reason.to_ascii_lowercase())).max_by_key(|(order, _)| *order);
    closest.map_or(Cause::Unschedulable, |(_, cause)| cause)
}

fn filter(reason: &str) -> (u8, Cause) {
    let is = |parts: &[&str]| has_any(reason, parts);
    if is(&["anti-affinity", "pod affinity", "topology spread"]) {
        (7, Cause::PodAffinityUnsatisfied)
    } else if is(&["volume", "persistentvolumeclaim"]) {
        (6, Cause::Unschedulable)
    } else if is(&["insufficient ", "too many pods"]) {
        (5, Cause::InsufficientResources)
    } else if is(&["free ports", "host port"]) {
        (4, Cause::Unschedulable)
    } else if is(&["node affinity", "node selector", "affinity/selector", "requested node name"]) {
        (3, Cause::NodeSelectorMismatch)
    } else if is(&["taint"]) {
        (2, Cause::TaintNotTolerated)
    } else if is(&["were unschedulable"]) {
        (0, Cause::Unschedulable)
    } else {
        (1, Cause::Unschedulable)
    }
}

/// Back to a revision that asked for less, or, where not resources are short, for something else.
/// A taint is the node's matter: no revision is to blame.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let cause = sign.cause;
    if cause == Cause::TaintNotTolerated {
        return Vec::new();
    }
    let same = |old: &Template, new: &Template| {
        if cause == Cause::InsufficientResources { !history::asks_more(old, new) } else { std::ptr::eq(old, new) }
    };
    history::undo_if_new(case, history, pods, same).into_iter().collect()
}

#[cfg(test)]
mod tests;
