//! Probes that kill or hide a process that runs.
//!
//! Owns the difference between a process that ends and one that is ended. Must never blame a
//! probe while the container may still be starting. No IO.

mod patience;

use super::case::{Case, Sign};
use super::history::{self, History};
use super::text::{quote, root};
use crate::action::{Action, Origin, Param, ProbeName, ProbeSettings};
use crate::finding::{Candidate, Cause};
use crate::index::shape::Port;
use crate::index::{Container, ContainerState, Event, Exit, Now, Pod, Probe, Template};
use crate::names::{ContainerName, PortRef};
use jiff::SignedDuration;

/// How long after its last kill a probe is still held to be killing.
const STILL_KILLING: SignedDuration = SignedDuration::from_mins(15);
/// The longest between a kill and the end it brings about, beyond the usual 30 s to terminate.
const KILL_TO_END: SignedDuration = SignedDuration::from_secs(45);
/// How long a container may be unready beyond what its probe itself allows.
const READY_GRACE: SignedDuration = SignedDuration::from_secs(15);

/// A container that the kubelet restarts because a probe fails.
pub(crate) fn kills<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let container = pod.template().container(&state.name)?;
    let (cause, kind, probe) = [
        (Cause::StartupProbeKills, "startup", &container.startup),
        (Cause::LivenessProbeKills, "liveness", &container.liveness),
    ]
    .into_iter()
    .find_map(|(cause, kind, probe)| {
        let kill = kill(case, &pod, state, kind)?;
        Some((cause, kind, (probe.as_deref()?, kill)))
    })?;
    let (probe, kill) = probe;
    let failed = failure(case, &pod, state, kind);
    let mut evidence: Vec<_> = case.in_event(kill, pod.reference()).into_iter().collect();
    evidence.extend(failed.and_then(|e| case.in_event(e, pod.reference())));
    let said = failed.map_or_else(String::new, |e| format!(": {}", quote(answer(&e.message), 100)));
    Some(Sign {
        cause,
        container: Some(state.name.clone()),
        pod,
        since: kill.first.or(pod.created()),
        detail: format!("is restarted by its {kind} probe ({}){said}", describe(probe, container)),
        evidence,
        mend: candidates,
    })
}

/// The kubelet's own word that it ended this container over this probe, if that is how it ended.
fn kill<'a>(case: &Case<'a>, pod: &Pod<'a>, state: &ContainerState, kind: &str) -> Option<&'a Event> {
    let phrase = format!("failed {kind} probe");
    let event = case.event(pod, Some(&state.name), "Killing", |m| m.contains(&phrase))?;
    let last = event.last?;
    let ended_by_itself = |exit: &Exit| exit.finished.is_some_and(|at| at.duration_since(last) > KILL_TO_END);
    let exit = match &state.now {
        Now::Ended(exit) => Some(exit),
        Now::Waiting { .. } | Now::Running { .. } => state.last.as_ref(),
    };
    let recovered = matches!(state.now, Now::Running { .. }) && state.ready && case.age(last) > STILL_KILLING;
    (!recovered && state.restarts > 0 && !exit.is_some_and(ended_by_itself)).then_some(event)
}

/// A container that runs and is kept from serving.
pub(crate) fn hides<'a>(case: &Case<'a>, pod: Pod<'a>, state: &ContainerState) -> Option<Sign<'a>> {
    let Now::Running { since } = &state.now else {
        return None;
    };
    let container = pod.template().container(&state.name)?;
    let probe = container.readiness.as_deref().filter(|_| !state.ready)?;
    // Before the startup probe has passed, the readiness probe is not even asked.
    let starting = container.startup.as_deref().map_or(0, Probe::verdict_after);
    let allowed = SignedDuration::from_secs(starting + probe.verdict_after());
    let began = (*since).max(pod.ready_since());
    if !case.past(began, allowed.saturating_add(READY_GRACE)) {
        return None;
    }
    let failed = failure(case, &pod, state, "readiness");
    let path = format!("status.{}[{}].ready", super::statuses(state), state.name);
    let mut evidence: Vec<_> = case.in_pod(&pod, &path, "false while running").into_iter().collect();
    evidence.extend(failed.and_then(|e| case.in_event(e, pod.reference())));
    let said = failed.map_or_else(String::new, |e| format!(": {}", quote(answer(&e.message), 100)));
    Some(Sign {
        cause: Cause::ReadinessProbeHides,
        container: Some(state.name.clone()),
        pod,
        since: began.or(pod.created()),
        detail: format!("runs but its readiness probe fails ({}){said}", describe(probe, container)),
        evidence,
        mend: candidates,
    })
}

fn failure<'a>(case: &Case<'a>, pod: &Pod<'a>, state: &ContainerState, kind: &str) -> Option<&'a Event> {
    let starts = |m: &str| m.get(..kind.len()).is_some_and(|head| head.eq_ignore_ascii_case(kind));
    case.event(pod, Some(&state.name), "Unhealthy", starts)
}

/// What the process answered, without the addresses before it.
fn answer(message: &str) -> &str {
    let told = message.split_once("probe failed: ").or_else(|| message.split_once("probe errored: "));
    let told = told.map_or(message, |(_, told)| told);
    if told.contains("dial tcp") { root(told) } else { told }
}

fn describe(probe: &Probe, container: &Container) -> String {
    let asks = quote(&probe.asks, 60);
    let declared = |known: &dyn Fn(&crate::index::ContainerPort) -> bool| container.ports.iter().any(known);
    match &probe.port {
        None => asks,
        Some(Port::Number(port)) => {
            let odd = !container.ports.is_empty() && !declared(&|p| p.number == *port);
            format!("{asks} on port {port}{}", if odd { ", which the container does not declare" } else { "" })
        }
        Some(Port::Name(name)) => {
            let odd = !declared(&|p| p.name.as_deref() == Some(name));
            format!(
                "{asks} on port {}{}",
                quote(name, 40),
                if odd { ", which the container does not declare" } else { "" }
            )
        }
    }
}

/// Back to a revision whose container had other probes or was another program.
fn candidates<'a>(case: &Case<'a>, history: &History<'a>, sign: &Sign<'a>, pods: &[Pod<'a>]) -> Vec<Candidate> {
    let name = sign.container.as_deref().unwrap_or_default();
    let same =
        |old: &Template, new: &Template| history::both(old, new, Some(name)).is_some_and(|(old, new)| old == new);
    let undo = history::undo_if_new(case, history, pods, same);
    let right = declared_port(case, sign.cause, name);
    // A program that another revision or port shows to start in time needs no more of it.
    let longer = if undo.is_none() && right.is_none() { patience::candidate(case, sign, pods) } else { None };
    undo.into_iter().chain(right).chain(longer).collect()
}

/// The one port that the container declares, where its probe asks another.
fn declared_port(case: &Case<'_>, cause: Cause, name: &str) -> Option<Candidate> {
    let container = case.workload().filter(|_| case.subject.kind.is_workload())?.template.container(name)?;
    let (probe, asked) = [
        (ProbeName::Liveness, &container.liveness, Cause::LivenessProbeKills),
        (ProbeName::Startup, &container.startup, Cause::StartupProbeKills),
        (ProbeName::Readiness, &container.readiness, Cause::ReadinessProbeHides),
    ]
    .into_iter()
    .find_map(|(probe, asked, of)| Some((probe, asked.as_deref()?)).filter(|_| of == cause))?;
    let [only] = &*container.ports else { return None };
    let number = only.number;
    let right = match asked.port.as_ref()? {
        Port::Number(number) => *number == only.number,
        Port::Name(name) => only.name.as_deref() == Some(name),
    };
    let settings = ProbeSettings { port: Some(PortRef::parse(number.to_string()).ok()?), ..ProbeSettings::default() };
    let settings = Param::new(settings, Origin::CurrentValue {});
    let container = ContainerName::parse(name).ok()?;
    (!right && !only.other_protocol).then(|| Candidate {
        action: Action::SetProbe { container, probe, settings },
        target: case.subject.clone(),
        why: format!("{number} is the only port that the container declares"),
    })
}

#[cfg(test)]
mod tests;
