//! Nodes that do not answer, are short of something, or take no pods.
//!
//! Owns the reading of node conditions. Must never report a node that somebody, or an autoscaler,
//! takes out of service on purpose. No IO.

use super::case::Case;
use super::text::{has_any, quote};
use super::{schedule, stopped};
use crate::action::Action;
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::{Condition, Node, Pod, Thing, View, Writer};
use crate::object::Kind;
use jiff::SignedDuration;

/// A kubelet that is restarted is away for a moment.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// Taints of those who remove nodes themselves.
const REMOVERS: [&str; 5] =
    ["clusterautoscaler", "cluster-autoscaler", "autoscaler.kubernetes.io", "karpenter", "out-of-service"];

/// What is wrong with a node.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, node)) = case.thing.and_then(|t| Some((t, t.node()?))) else {
        return Vec::new();
    };
    let announced = node.cordoned && thing.head.marks.explained();
    if announced || thing.head.marks.deleting() || node.taints.iter().any(|taint| removes(taint)) {
        return Vec::new();
    }
    let lasting: Vec<&Condition> =
        node.troubles.iter().filter(|c| case.past(c.since.max(thing.head.created), GRACE)).collect();
    if let Some(silent) = lasting.iter().find(|c| &*c.kind == "Ready") {
        // What else a node last said of itself no longer counts.
        return vec![case.by_condition(Cause::NodeNotReady, silent, &not_ready(case.view, thing, silent))];
    }
    let mut out: Vec<Finding> =
        lasting.into_iter().map(|c| case.by_condition(Cause::NodeUnderPressure, c, &pressure(c))).collect();
    out.truncate(1);
    out.extend(cordoned(case, node));
    out
}

fn not_ready(view: View<'_>, thing: &Thing, condition: &Condition) -> String {
    let here = view.pods().filter(|pod| pod.node() == Some(&thing.head.name) && !pod.deleting()).count();
    let said = quote(&condition.message, 140);
    format!("the node is not ready ({}): {said}; {here} pods are on it", condition.reason)
}

fn pressure(condition: &Condition) -> String {
    let what = match &*condition.kind {
        "MemoryPressure" => "is short of memory",
        "DiskPressure" => "is short of disk space",
        "PIDPressure" => "is short of process numbers",
        _ => "has no network",
    };
    format!("the node {what}: {}", quote(&condition.message, 160))
}

fn cordoned(case: &Case<'_>, node: &Node) -> Option<Finding> {
    if !node.cordoned {
        return None;
    }
    let (severity, tail) = match waiting(case) {
        0 => (Severity::Info, String::new()),
        1 => (Severity::Warning, "; one pod waits for a node that takes it".to_owned()),
        count => (Severity::Warning, format!("; {count} pods wait for a node that takes them")),
    };
    let text = format!("the node is cordoned{}, and no annotation says why{tail}", by(node.cordoned_by.as_deref()));
    let mut finding = case.draft(Cause::NodeCordoned, severity, &text);
    finding.since = node.cordoned_by.as_ref().and_then(|w| w.at).unwrap_or(finding.since);
    finding.evidence = case.own("spec.unschedulable", "true");
    if severity > Severity::Info && node.cordoned_by.as_deref().is_some_and(by_hand) {
        finding.candidates = vec![Candidate {
            action: Action::Uncordon {},
            target: finding.subject.clone(),
            why: "pods wait for a node that takes them".to_owned(),
        }];
    }
    Some(finding)
}

/// How many pods have waited for a while for want of a node like this one. The scheduler names cordoned nodes
/// of every pod that waits, also of those that no cordon keeps away.
fn waiting(case: &Case<'_>) -> usize {
    if case.view.waiting_for_cordoned() == 0 {
        return 0;
    }
    let waits = |pod: &Pod<'_>| {
        let unscheduled = pod.odd().and_then(|odd| odd.unscheduled.as_ref()).filter(|_| pod.node().is_none());
        unscheduled.is_some_and(|u| {
            u.message.contains("unschedulable") && schedule::lacks_a_node(&u.message) && case.past(u.since, GRACE)
        })
    };
    case.view.pods().filter(waits).count()
}

/// A drain goes on; who only cordons may have forgotten it.
fn by_hand(writer: &Writer) -> bool {
    stopped::is_hand(writer) && !writer.manager.contains("drain")
}

/// True for a taint of those who remove nodes themselves.
pub(crate) fn removes(taint: &str) -> bool {
    has_any(taint, &REMOVERS)
}

/// ` by MANAGER at TIME`, as far as the API server remembers.
pub(crate) fn by(writer: Option<&Writer>) -> String {
    let Some(writer) = writer else { return String::new() };
    let at = writer.at.map_or_else(String::new, |at| format!(" at {at}"));
    if writer.manager.is_empty() {
        format!(" through its scale subresource{at}")
    } else {
        format!(" by {}{at}", quote(&writer.manager, 60))
    }
}

/// True where no node takes pods at all, so that nothing is the pods' own fault.
pub(crate) fn none_takes_pods(view: View<'_>) -> bool {
    let mut nodes = view.things(Kind::Node).filter_map(Thing::node).peekable();
    nodes.peek().is_some() && nodes.all(|node| node.cordoned || !node.ready)
}

/// True where that node is known not to answer.
pub(crate) fn is_down(view: View<'_>, name: &str) -> bool {
    view.named(Kind::Node, "", name).and_then(Thing::node).is_some_and(|node| !node.ready)
}

/// Who wrote the taint that keeps pods away, where one node has it.
pub(crate) fn tainted_by<'a>(view: View<'a>, key: &str) -> Option<(&'a Thing, &'a Writer)> {
    view.things(Kind::Node).find_map(|thing| {
        let node = thing.node().filter(|n| n.taints.iter().any(|t| t.split(['=', ':']).next() == Some(key)))?;
        Some((thing, node.tainted_by.as_deref()?))
    })
}

#[cfg(test)]
mod tests;
