//! Workloads that ran and stand still: scaled to zero, or suspended, and nothing says why.
//!
//! Owns the question whether that is meant. Must never call it a fault where an owner, an autoscaler,
//! a GitOps system, a manifest or an annotation explains it, nor where it never ran. No IO.

use super::case::Case;
use super::cron::ran_until;
use super::earlier;
use super::node::by;
use super::text::quote;
use crate::action::Action;
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::{Pod, Thing, Workload, Writer};
use crate::object::Kind;

/// How what people work with calls itself, a browser's console included; nothing where a zero went through
/// the scale subresource. Anything else is a controller, ours too, and knows why.
const HANDS: [&str; 5] = ["", "kubectl", "oc", "k9s", "Mozilla"];
/// What of these writes whole manifests: who declares zero means zero.
const DECLARES: &str = "apply";

/// What stands still.
pub(crate) fn find(case: &Case<'_>) -> Option<Finding> {
    let (thing, workload) = (case.thing?, case.workload()?);
    if thing.head.owner.is_some() || thing.head.marks.gitops() || thing.head.marks.explained() {
        return None;
    }
    let kind = thing.head.kind;
    if matches!(kind, Kind::Deployment | Kind::StatefulSet) && workload.desired == 0 {
        scaled_to_zero(case, thing, workload)
    } else if kind == Kind::CronJob && workload.held {
        suspended(case, thing, workload)
    } else {
        None
    }
}

/// True where somebody changed it by hand after it was made.
fn by_hand(workload: &Workload) -> bool {
    workload.stopped.as_deref().is_some_and(is_hand)
}

pub(crate) fn is_hand(writer: &Writer) -> bool {
    let tool = writer.manager.split([' ', '-']).next().unwrap_or_default();
    HANDS.contains(&tool) && !writer.manager.contains(DECLARES)
}

fn scaled_to_zero(case: &Case<'_>, thing: &Thing, workload: &Workload) -> Option<Finding> {
    let namespace = &thing.head.namespace;
    let scaled = case.view.autoscaler_of(thing.head.kind, namespace, &thing.head.name).is_some();
    if scaled || thing.head.generation < 2 {
        return None;
    }
    let misses = |service: &crate::index::Service| {
        let selector = &service.selector;
        !selector.is_empty()
            && selector.iter().all(|(k, v)| workload.template_labels.get(k) == Some(v))
            && !case.view.pods_selected(namespace, selector).iter().any(Pod::ready)
    };
    let missed = case.view.services_in(namespace).find(|(_, service)| misses(service)).map(|(t, _)| t);
    let harm = missed.filter(|_| by_hand(workload));
    let severity = if harm.is_some() { Severity::Warning } else { Severity::Info };
    let tail = missed.map_or_else(String::new, |t| format!("; Service {} reaches nothing", quote(&t.head.name, 70)));
    let text = format!("was scaled to zero{}, and nothing says why{tail}", by(workload.stopped.as_deref()));
    let mut finding = case.draft(Cause::ScaledToZero, severity, &text);
    finding.since = workload.stopped.as_ref().and_then(|w| w.at).unwrap_or(finding.since);
    finding.evidence = case.own("spec.replicas", "0");
    let why = format!("it wanted {} pods until it was scaled to zero", workload.earlier);
    let change = |action| Candidate { action, target: case.subject.clone(), why };
    finding.candidates = earlier::replicas(workload).filter(|_| harm.is_some()).map(change).into_iter().collect();
    Some(finding)
}

fn suspended(case: &Case<'_>, thing: &Thing, workload: &Workload) -> Option<Finding> {
    let cron = workload.cron.as_deref()?;
    let last = cron.last?;
    if thing.head.generation < 2 {
        return None;
    }
    // What had not run for long when it was suspended is not missed.
    let at = workload.stopped.as_ref().and_then(|w| w.at);
    let missed = by_hand(workload) && at.is_some_and(|at| ran_until(cron, at));
    let severity = if missed { Severity::Warning } else { Severity::Info };
    let text = format!("is suspended{}, and nothing says why; it ran last at {last}", by(workload.stopped.as_deref()));
    let mut finding = case.draft(Cause::CronJobSuspended, severity, &text);
    finding.since = workload.stopped.as_ref().and_then(|w| w.at).unwrap_or(last);
    finding.evidence = case.own("spec.suspend", "true");
    let why = "its schedule stands, and only its suspension keeps it from running".to_owned();
    finding.candidates = vec![Candidate { action: Action::ResumeCronJob {}, target: case.subject.clone(), why }];
    Some(finding)
}

#[cfg(test)]
mod tests;
