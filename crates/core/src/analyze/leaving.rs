//! Deletions that do not end: finalizers that nobody removes, namespaces that stay.
//!
//! Owns the patience with deletions. Must never propose to remove a finalizer: whoever put it there
//! has something left to do. No IO.

use super::case::Case;
use super::claim::claims_of;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::{Condition, Pod, Thing};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};

/// Most deletions take seconds, some minutes.
const GRACE: SignedDuration = SignedDuration::from_mins(5);
/// What a claim or volume waits with while it is used.
const PROTECTION: [&str; 2] = ["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"];
/// What an owner waits with until what it made is gone.
const FOREGROUND: &str = "foregroundDeletion";
/// What a namespace's deletion waits for, the most telling first.
const WHY: [&str; 5] = [
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
];

/// What keeps an object, of whatever kind, from going.
pub(crate) fn find(case: &Case<'_>) -> Option<Finding> {
    let thing = case.thing?;
    let leaving = thing.head.leaving.as_ref()?;
    if !case.past(Some(leaving.since), GRACE) {
        return None;
    }
    if let Some(namespace) = thing.namespace() {
        return namespace_stuck(case, &namespace.conditions, leaving.since);
    }
    // Of what is left in a namespace that goes, the namespace tells.
    let home = case.view.namespace(&thing.head.namespace);
    if leaving.finalizers.is_empty() || home.is_some_and(|ns| ns.head.marks.deleting()) {
        return None;
    }
    if leaving.finalizers.iter().any(|f| &**f == FOREGROUND) && has_dependents(case, thing) {
        // They may take their time; of what is stuck itself, a pod's finalizers are told here.
        let stuck = pods(case, case.view.pods_of(thing.head.uid));
        if stuck.is_none() {
            case.look_again(case.now.checked_add(GRACE).unwrap_or(case.now));
        }
        return stuck;
    }
    let names = leaving.finalizers.join(", ");
    let used = used_by(case, thing).filter(|_| leaving.finalizers.iter().all(|f| PROTECTION.contains(&&**f)));
    let (severity, why) = match used {
        Some(user) => (Severity::Info, format!("it is still used by {user}")),
        None => (Severity::Warning, format!("nobody removes its finalizer {}", quote(&names, 140))),
    };
    let text = format!("the {} is to be deleted since {} and stays: {why}", thing.head.kind, leaving.since);
    let mut finding = case.draft(Cause::FinalizerStuck, severity, &text);
    finding.since = leaving.since;
    finding.evidence = case.own("metadata.finalizers", &names);
    Some(finding)
}

fn has_dependents(case: &Case<'_>, thing: &Thing) -> bool {
    case.view.children(thing.head.uid).next().is_some() || case.view.own_pods(thing.head.uid).next().is_some()
}

fn used_by(case: &Case<'_>, thing: &Thing) -> Option<String> {
    if thing.head.kind == Kind::PersistentVolumeClaim {
        let mut pods = case.view.pods_in(&thing.head.namespace);
        let user = pods.find(|pod| claims_of(pod).any(|claim| claim == *thing.head.name))?;
        return Some(format!("pod {}", quote(&user.name(), 80)));
    }
    let (namespace, name, _) = thing.volume()?.claim.as_ref()?;
    case.view.named(Kind::PersistentVolumeClaim, namespace, name)?;
    Some(format!("claim {}", quote(&format!("{namespace}/{name}"), 100)))
}

fn namespace_stuck(case: &Case<'_>, conditions: &[Condition], since: Timestamp) -> Option<Finding> {
    let holding = |kind: &&str| conditions.iter().find(|c| &*c.kind == *kind && c.holds);
    let told = WHY.iter().find_map(holding);
    let why = told.map_or_else(|| "nothing says why".to_owned(), |c| quote(&c.message, 180));
    let text = format!("the namespace is to be deleted since {since} and stays: {why}");
    let mut finding = case.draft(Cause::NamespaceStuck, Severity::Warning, &text);
    finding.since = since;
    finding.evidence = match told {
        Some(c) => case.own(&format!("status.conditions[{}]", c.kind), &format!("{}: {}", c.reason, c.message)),
        None => case.own("status.phase", "Terminating"),
    };
    Some(finding)
}

/// Pods of a workload that finalizers keep.
pub(crate) fn pods<'a>(case: &Case<'a>, all: impl Iterator<Item = Pod<'a>>) -> Option<Finding> {
    let mut kept: Vec<(Timestamp, Pod<'a>)> = Vec::new();
    for pod in all {
        let since = pod.odd().filter(|odd| !odd.finalizers.is_empty()).and_then(|odd| odd.deleting);
        kept.extend(since.filter(|since| case.past(Some(*since), GRACE)).map(|since| (since, pod)));
    }
    let (since, first) = kept.iter().min_by_key(|(since, pod)| (*since, pod.name()))?;
    let names = first.odd()?.finalizers.join(", ");
    let count = kept.len();
    let who = if count == 1 { format!("pod {}", quote(&first.name(), 80)) } else { format!("{count} pods") };
    let text =
        format!("{who} to be deleted since {since} and still there: nobody removes finalizer {}", quote(&names, 120));
    let mut finding = case.draft(Cause::FinalizerStuck, Severity::Warning, &text);
    finding.since = *since;
    finding.evidence = case.in_pod(first, "metadata.finalizers", &names).into_iter().collect();
    Some(finding)
}

#[cfg(test)]
mod tests;
