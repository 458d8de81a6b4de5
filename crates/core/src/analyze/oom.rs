//! Containers that the kernel killed at their memory limit.
//!
//! Owns the reading of that in every form it comes in. Must never propose more than twice the
//! live limit, or a limit where there is none. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::{has_any, restarts};
use crate::action::{Action, Origin, Param, ResourceName, Resources};
use crate::finding::{Candidate, Cause};
use crate::index::{Container, ContainerState, Exit, Now, Pod, Template};
use crate::names::ContainerName;
use crate::quantity::Quantity;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A container that has run for this long since the kill is over it.
const OVER_IT: SignedDuration = SignedDuration::from_mins(10);

/// What a killed container shows, now or the last time it ran.
pub(crate) fn sign<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let (exit, path) = match &state.now {
        Now::Ended(exit) if is_oom(exit) => (exit, "state.terminated"),
        // A start that fails by itself is another fault than the kill before it.
        Now::Ended(exit) if exit.code != 0 => return None,
        Now::Waiting { .. } | Now::Running { .. } | Now::Ended(_) => {
            (state.last.as_ref().filter(|exit| is_oom(exit))?, "lastState.terminated")
        }
    };
    let running = matches!(state.now, Now::Running { .. }) && state.ready;
    if running && exit.finished.is_some_and(|at| case.age(at) > OVER_IT) {
        return None;
    }
    let limit = pod.template().container(&state.name).and_then(|c| c.limits.memory.clone());
    let at =
        limit.map_or_else(|| "without a memory limit of its own".to_owned(), |l| format!("at its memory limit of {l}"));
    let restarts = restarts(state.restarts);
    let path = format!("status.{}[{}].{path}", super::statuses(state), state.name);
    let evidence = case.in_pod(&pod, &path, &format!("reason {}, exit code {}", exit.reason, exit.code));
    Some(Sign {
        cause: Cause::OomKilled,
        container: Some(state.name.clone()),
        pod,
        since: first_kill(case, &pod, state, exit),
        detail: format!("was killed {at} (exit code {}{restarts})", exit.code),
        evidence: evidence.into_iter().collect(),
        mend: candidates,
    })
}

/// A later kill overwrites the earlier one; the kubelet's back-off began with the first.
fn first_kill(case: &Case<'_>, pod: &Pod<'_>, state: &ContainerState, exit: &Exit) -> Option<Timestamp> {
    let backed_off = case.event(pod, Some(&state.name), "BackOff", |_| true).and_then(|e| e.first);
    [backed_off, exit.finished, exit.started].into_iter().flatten().min().or(pod.created())
}

/// The exit code decides nothing: a shell may catch it (0), the init process of a container whose
/// tmpfs is full may be killed before it starts (`StartError` 128).
pub(crate) fn is_oom(exit: &Exit) -> bool {
    &*exit.reason == "OOMKilled" || (&*exit.reason == "StartError" && has_any(&exit.message, &["oom-killed"]))
}

/// Twice the limit; first of all back to the revision whose limit was higher, if there is one.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let name = sign.container.as_deref().unwrap_or_default();
    let mut out: Vec<Candidate> = Vec::new();
    let lowered = |old: &Template, new: &Template| {
        let limits = history::both(old, new, Some(name)).map(|(old, new)| (memory_limit(old), memory_limit(new)));
        matches!(limits, Some((None, Some(_)))) || matches!(limits, Some((Some(old), Some(new))) if old > new)
    };
    out.extend(history::undo_if_new(case, history, pods, |old, new| !lowered(old, new)));
    out.extend(double(case, name));
    out
}

fn memory_limit(container: &Container) -> Option<Quantity> {
    Quantity::parse(container.limits.memory.as_deref()?).ok()
}

fn double(case: &Case<'_>, name: &str) -> Option<Candidate> {
    let container = case.workload().filter(|_| case.subject.kind.is_workload())?.template.container(name)?;
    let now = memory_limit(container)?;
    let wanted = now.double()?;
    let resources =
        Resources { requests: BTreeMap::new(), limits: BTreeMap::from([(ResourceName::Memory, wanted.to_string())]) };
    Some(Candidate {
        action: Action::SetResources {
            container: ContainerName::parse(name).ok()?,
            resources: Param::new(resources, Origin::CurrentValue {}),
        },
        target: case.subject.clone(),
        why: format!("twice the present memory limit of {now}, the request stays"),
    })
}

#[cfg(test)]
mod tests;
