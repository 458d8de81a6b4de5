//! Rollouts that their own strategy keeps from going on.
//!
//! Owns the cases where new pods wait for what old pods hold, and old pods wait for new ones. Must
//! never blame the strategy where the new pods would fail by themselves. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::quote;
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::shape::Bound;
use crate::index::{Pod, Template, Workload};
use crate::object::Kind;

/// The default of a rolling update.
const QUARTER: Bound = Bound::Percent(25);

/// How many pods may be missing, rounded down as the Deployment's controller does.
fn may_miss(workload: &Workload) -> i32 {
    match workload.strategy.max_unavailable.unwrap_or(QUARTER) {
        Bound::Count(count) => count,
        Bound::Percent(share) => i32::try_from(i64::from(workload.desired) * i64::from(share) / 100).unwrap_or(0),
    }
}

/// The sign as it is, or, where the rollout waits for itself, a sign that says so.
pub(crate) fn weigh<'a>(case: &Case<'a>, history: &History<'a>, sign: Sign<'a>) -> Sign<'a> {
    let Some(workload) = case.workload() else { return sign };
    if case.subject.kind == Kind::Deployment {
        held_by_old_pods(case, history, workload, sign)
    } else if case.subject.kind == Kind::StatefulSet {
        held_by_a_broken_pod(history, workload, sign)
    } else {
        sign
    }
}

/// A new pod cannot have the port or volume that an old one holds, and no old pod may go before.
fn held_by_old_pods<'a>(case: &Case<'a>, history: &History<'a>, workload: &Workload, sign: Sign<'a>) -> Sign<'a> {
    let holds = matches!(sign.cause, Cause::HostPortConflict | Cause::VolumeMountFailed);
    let exclusive = sign.cause != Cause::VolumeMountFailed || sign.detail.contains("Multi-Attach");
    let wanted = sign.pod.template();
    let old = case.pods.iter().any(|pod| pod.ready() && !history.is_newest(pod) && holds_some(pod.template(), wanted));
    let waits = !workload.strategy.recreate && may_miss(workload) == 0;
    if !(holds && exclusive && old && waits && history.is_newest(&sign.pod)) {
        return sign;
    }
    let detail =
        format!("the rollout waits for itself: no old pod may go before a new one is ready, and {}", sign.detail);
    Sign { cause: Cause::RolloutStuckByStrategy, detail, mend: back, ..sign }
}

/// True where a template has a port of the node or a claim that the other wants.
fn holds_some(held: &Template, wanted: &Template) -> bool {
    let ports = |template: &Template| -> Vec<(u16, bool)> {
        let ports = template.containers.iter().flat_map(|c| &c.ports).filter(|p| p.host > 0);
        ports.map(|p| (p.host, p.other_protocol)).collect()
    };
    let held_ports = ports(held);
    ports(wanted).iter().any(|port| held_ports.contains(port)) || wanted.claims.iter().any(|c| held.claims.contains(c))
}

fn back<'a>(case: &Case<'a>, history: &History<'a>, _: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    history::undo_if_new(case, history, pods, |old, new| std::ptr::eq(old, new)).into_iter().collect()
}

/// An ordered StatefulSet replaces no pod while one of an earlier revision is not ready, though the
/// newest one may have mended it.
fn held_by_a_broken_pod<'a>(history: &History<'a>, workload: &Workload, sign: Sign<'a>) -> Sign<'a> {
    let moving = workload.update_revision.is_some() && workload.current_revision != workload.update_revision;
    let old = sign.pod.revision().is_some() && !history.is_newest(&sign.pod);
    if !(workload.strategy.waits_for_each() && moving && old && !sign.pod.ready()) {
        return sign;
    }
    let name = quote(&sign.pod.name(), 60);
    let detail = format!(
        "pod {name} of an earlier revision holds the rollout up, which goes on once it is ready or gone: {}",
        sign.detail
    );
    Sign { cause: Cause::RolloutStuckByStrategy, detail, ..sign }
}

/// A Deployment that is paused with a change held back.
pub(crate) fn paused(case: &Case<'_>, history: &History<'_>) -> Option<Finding> {
    let workload = case.workload().filter(|w| w.held && case.subject.kind == Kind::Deployment)?;
    let newest = history.newest()?;
    if workload.template.containers.is_empty() || *newest.template == workload.template {
        return None;
    }
    let text = format!("the rollout is paused with a change held back: revision {} is the newest made", newest.number);
    let evidence = case.own("spec.paused", "true");
    Some(Finding { evidence, ..case.draft(Cause::RolloutPaused, Severity::Info, &text) })
}

#[cfg(test)]
mod tests;
