//! Pods that no node takes.
//!
//! Owns the reading of the scheduler's message. Must never blame one node's reason where another
//! node came closer to taking the pod. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::{has_any, quote};
use super::{claim, node};
use crate::action::{Action, Param, SchedulingPart};
use crate::finding::{Candidate, Cause};
use crate::index::{Pod, Template};
use crate::object::Kind;
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
        (
            Cause::SchedulingGateLeft,
            format!("waits behind scheduling gate {}, which nobody opens", quote(&why.message, 120)),
        )
    } else {
        ungated(case, &pod, &why.message)?
    };
    let path = "status.conditions[PodScheduled].message";
    let evidence = case.in_pod(&pod, path, &why.message).into_iter().collect();
    Some(Sign { cause, container: None, pod, since, detail, evidence, mend: candidates })
}

/// Why no node takes the pod; `None` where that is a node's or a claim's own finding.
fn ungated(case: &Case<'_>, pod: &Pod<'_>, message: &str) -> Option<(Cause, String)> {
    if node::none_takes_pods(case.view) || (is_about_claims(message) && claim::explains(case, pod)) {
        case.leave_to_another();
        return None;
    }
    let reasons = reasons(message);
    let missing = reasons.contains("persistentvolumeclaim \"") && reasons.contains("not found");
    let cause = if missing { Cause::ClaimMissing } else { cause(reasons) };
    let tail = if cause == Cause::TaintNotTolerated {
        tainter(case, reasons)
    } else if cause == Cause::VolumeNodeConflict {
        volumes(case, pod)
    } else {
        String::new()
    };
    Some((cause, format!("no node takes the pod: {}{tail}", quote(reasons, 160))))
}

fn is_about_claims(message: &str) -> bool {
    has_any(message, &["unbound immediate persistentvolumeclaims", "bound to non-existent persistentvolume"])
}

/// Who set the taint that the scheduler names.
fn tainter(case: &Case<'_>, reasons: &str) -> String {
    let key = reasons.split_once("taint {").and_then(|(_, rest)| rest.split([':', '}', '=', ' ']).next());
    let found = key.and_then(|key| node::tainted_by(case.view, key));
    found.map_or_else(String::new, |(thing, writer)| {
        format!("; node {} was tainted{}", quote(&thing.head.name, 60), node::by(Some(writer)))
    })
}

/// Where the pod's volumes can be used.
fn volumes(case: &Case<'_>, pod: &Pod<'_>) -> String {
    let volume_of = |name: String| {
        let claim = case.view.named(Kind::PersistentVolumeClaim, pod.namespace(), &name)?.claim()?;
        let thing = case.view.named(Kind::PersistentVolume, "", claim.volume.as_deref()?)?;
        Some((&*thing.head.name, thing.volume()?))
    };
    let tied = claim::claims_of(pod).filter_map(volume_of).find(|(_, volume)| !volume.nodes.is_empty());
    tied.map_or_else(String::new, |(name, volume)| {
        let places: Vec<String> = volume.nodes.iter().map(|nodes| nodes.text()).collect();
        let nowhere =
            !case.view.things(Kind::Node).any(|node| volume.nodes.iter().any(|n| n.matches(&node.head.labels)));
        let tail = if nowhere { ", which no node is" } else { "" };
        format!("; volume {} is only for {}{tail}", quote(name, 50), quote(&places.join(" or "), 80))
    })
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

/// True where one more node like the others would do.
pub(crate) fn lacks_a_node(message: &str) -> bool {
    let closest = cause(reasons(message));
    matches!(closest, Cause::Unschedulable | Cause::InsufficientResources) && !is_about_claims(message)
}

fn filter(reason: &str) -> (u8, Cause) {
    let is = |parts: &[&str]| has_any(reason, parts);
    if is(&["anti-affinity", "pod affinity", "topology spread"]) {
        (7, Cause::PodAffinityUnsatisfied)
    } else if is(&["volume node affinity conflict", "persistentvolume's node affinity"]) {
        (6, Cause::VolumeNodeConflict)
    } else if is(&["volume", "persistentvolumeclaim"]) {
        (6, Cause::Unschedulable)
    } else if is(&["insufficient ", "too many pods"]) {
        (5, Cause::InsufficientResources)
    } else if is(&["free ports", "host port"]) {
        (4, Cause::HostPortConflict)
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
/// A taint is the node's matter, a gate another controller's, a volume's place that of its data: no
/// revision is to blame.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let cause = sign.cause;
    if matches!(cause, Cause::TaintNotTolerated | Cause::SchedulingGateLeft | Cause::VolumeNodeConflict) {
        return Vec::new();
    }
    let same = |old: &Template, new: &Template| {
        if cause == Cause::InsufficientResources { !history::asks_more(old, new) } else { std::ptr::eq(old, new) }
    };
    let undo = history::undo_if_new(case, history, pods, same);
    let narrower = undo.as_ref().filter(|_| cause == Cause::NodeSelectorMismatch).and_then(|_| selector(case, history));
    undo.into_iter().chain(narrower).collect()
}

/// Only the node selector, as the newest revision that served had it.
fn selector<'a>(case: &Case<'a>, history: &History<'a>) -> Option<Candidate> {
    let newest = &history.newest()?.template.node_selector;
    let good = history.good(case, |template| template.node_selector != *newest)?;
    let revision = Param::new(good.number, good.origin()?);
    Some(Candidate {
        action: Action::SetScheduling { part: SchedulingPart::NodeSelector, revision },
        target: case.subject.clone(),
        why: format!("pods of revision {} found a node with its node selector", good.number),
    })
}

#[cfg(test)]
mod tests;
