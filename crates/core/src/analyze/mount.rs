//! Pods that have a node and do not start there: volumes that cannot be mounted, sandboxes that
//! cannot be made, init containers that do not end.
//!
//! Owns the reading of the kubelet's complaints before any container runs. Must never report what the
//! next attempt overcame. No IO.

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::{has_any, quote, restarts};
use super::{resolve, restore};
use crate::finding::{Candidate, Cause};
use crate::index::{ContainerState, Event, Now, Phase, Pod};
use jiff::{SignedDuration, Timestamp};

/// A volume that another node gives back takes this long and more.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// The kubelet complains at least this often.
const STILL_TOLD: SignedDuration = SignedDuration::from_mins(10);
/// What the controller that attaches volumes says a single time, however long it holds.
const SAID_ONCE: &str = "Multi-Attach";
/// What an init container may take to wait for a Service that is being made.
const WAITING: SignedDuration = SignedDuration::from_mins(2);
/// What it may take for whatever else it does.
const WORKING: SignedDuration = SignedDuration::from_mins(15);

/// What keeps a pod from starting on its node.
pub(crate) fn sign<'a>(case: &Case<'a>, pod: Pod<'a>) -> Option<Sign<'a>> {
    if pod.phase() != Phase::Pending || pod.node().is_none() {
        return None;
    }
    let attach = complaint(case, &pod, "FailedAttachVolume").or_else(|| complaint(case, &pod, "FailedMount"));
    let (cause, (event, since), what) = match attach {
        Some(told) => (Cause::VolumeMountFailed, told, "a volume cannot be mounted"),
        None => (
            Cause::PodSandboxFailed,
            complaint(case, &pod, "FailedCreatePodSandBox")?,
            "the pod's sandbox cannot be made",
        ),
    };
    let detail = format!("{what}: {}", quote(telling(&event.message), 180));
    let evidence = case.in_event(event, pod.reference()).into_iter().collect();
    Some(Sign { cause, container: None, pod, since, detail, evidence, mend: back })
}

/// The newest complaint of a kind, and since when there are such; none where they came within a moment
/// only: what follows may be nothing but a slow image.
fn complaint<'a>(case: &Case<'a>, pod: &Pod<'a>, reason: &str) -> Option<(&'a Event, Option<Timestamp>)> {
    let wanted = |m: &str| !has_any(m, &["object has been modified", "not registered"]);
    let event = case.event(pod, None, reason, wanted)?;
    // A container that began to run proves that the mounts are there.
    let started = pod.odd().is_some_and(|odd| odd.containers.iter().any(|c| !matches!(c.now, Now::Waiting { .. })));
    if started || event.last.is_some_and(|at| case.age(at) >= STILL_TOLD) {
        return None;
    }
    // Each sandbox has an id, so that each attempt is an event of its own.
    let all = case.view.events_of(pod.key()).iter().filter(|e| &*e.reason == reason && wanted(&e.message));
    let first = all.filter_map(|e| e.first).min();
    let lasted = first.zip(event.last).is_none_or(|(first, last)| last.duration_since(first) >= GRACE);
    let since = first.or(pod.created());
    ((lasted || event.message.contains(SAID_ONCE)) && case.past(since, GRACE)).then_some((event, since))
}

/// Without the plugin's name before the reason.
fn telling(message: &str) -> &str {
    let steps = ["rpc error: code = ", "MountVolume.SetUp failed for volume ", "plugin type="];
    steps.iter().find_map(|step| message.find(step).and_then(|at| message.get(at..))).unwrap_or(message)
}

fn back<'a>(case: &Case<'a>, history: &History<'a>, _: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    history::undo_if_new(case, history, pods, |old, new| {
        old.claims == new.claims && old.mounts == new.mounts && old.node_selector == new.node_selector
    })
    .into_iter()
    .collect()
}

/// An init container that runs and runs.
pub(crate) fn hangs<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let Now::Running { since } = &state.now else { return None };
    let container = pod.template().container(&state.name).filter(|c| c.role == crate::index::Role::Init)?;
    if pod.phase() != Phase::Pending || !case.past(*since, WAITING) {
        return None;
    }
    let absent = container.hosts.iter().find(|host| resolve::absent_service(case, &pod, host).is_some());
    let (cause, what) = match absent {
        Some(host) => (Cause::ServiceMissing, format!("waits for Service {}, which does not exist", quote(host, 80))),
        None if container.hosts.iter().any(|host| resolve::is_unserved(case, &pod, host)) => return None,
        None if !case.past(*since, WORKING) => return None,
        None => (
            Cause::InitContainerHangs,
            format!("has been running since {}{}", since.unwrap_or(case.now), restarts(state.restarts)),
        ),
    };
    let path = format!("status.initContainerStatuses[{}].state.running", state.name);
    let evidence = case.in_pod(&pod, &path, &format!("since {}", since.unwrap_or(case.now))).into_iter().collect();
    let detail = format!("of the pod's start {what}");
    Some(Sign { cause, container: Some(state.name.clone()), pod, since: *since, detail, evidence, mend: other_program })
}

/// The Service that is waited for, or back to a revision whose init containers were others.
fn other_program<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let name = sign.container.as_deref();
    let gone = Some(name).filter(|_| sign.cause == Cause::ServiceMissing);
    let restored = gone.and_then(|name| restore::service(case, &sign.pod, name));
    let undo = history::undo_if_new(case, history, pods, |old, new| {
        history::both(old, new, name).is_some_and(|(old, new)| old == new)
    });
    restored.into_iter().chain(undo).collect()
}

#[cfg(test)]
mod tests;
