//! More patience for a program that is killed before it ever answered.
//!
//! Owns the choice of longer times. Must never give any to a program that was ready once, nor more than
//! the bounds of the change admit. No IO.

use crate::action::{Action, Origin, Param, ProbeName, ProbeSettings};
use crate::analyze::case::{Case, Sign};
use crate::finding::{Candidate, Cause};
use crate::index::{Now, Pod, Probe};
use crate::names::ContainerName;
use jiff::SignedDuration;

/// As much as the bounds admit: so many times what is there, so many failures, so many seconds in all.
const TIMES: i32 = 3;
const MOST_FAILURES: i32 = 60;
const LONGEST_UNNOTICED: i32 = 1800;
/// With less, in seconds, a program that takes long to start is not helped.
const A_START: i64 = 30;
/// Between the kubelet's kill and the end of a program that does not listen to it.
const TO_END: SignedDuration = SignedDuration::from_secs(45);
/// Between a pod's creation and the kubelet's first word of it.
const FIRST_SECONDS: SignedDuration = SignedDuration::from_secs(10);

/// A probe that waits longer, where every run of the container ended with the first verdict of this one.
pub(super) fn candidate(case: &Case<'_>, sign: &Sign<'_>, pods: &[Pod<'_>]) -> Option<Candidate> {
    let name = sign.container.as_deref()?;
    let container = case.workload().filter(|_| case.subject.kind.is_workload())?.template.container(name)?;
    let (probe, asked) = if sign.cause == Cause::LivenessProbeKills {
        (ProbeName::Liveness, container.liveness.as_deref()?)
    } else if sign.cause == Cause::StartupProbeKills {
        (ProbeName::Startup, container.startup.as_deref()?)
    } else {
        return None;
    };
    // Whoever passed a startup probe has started.
    let started = probe == ProbeName::Liveness && container.startup.is_some();
    let unready = |pod: &Pod<'_>| container.readiness.is_none() || was_never_ready(pod);
    if started || !pods.iter().all(|pod| unready(pod) && never_answered(pod, name, asked)) {
        return None;
    }
    let settings = longer(asked);
    Some(Candidate {
        action: Action::SetProbe {
            container: ContainerName::parse(name).ok()?,
            probe,
            settings: Param::new(settings?, Origin::CurrentValue {}),
        },
        target: case.subject.clone(),
        why: format!("it is killed before it ever answered, {} s after it begins", asked.verdict_after()),
    })
}

/// A pod is not ready from its first seconds on; what changes later was ready meanwhile.
fn was_never_ready(pod: &Pod<'_>) -> bool {
    let changed = pod.ready_since().zip(pod.created()).map(|(changed, made)| changed.duration_since(made));
    !pod.ready() && changed.is_some_and(|after| after <= FIRST_SECONDS)
}

/// True where the container's last run was no longer than one that never answers.
fn never_answered(pod: &Pod<'_>, name: &str, asked: &Probe) -> bool {
    let state = pod.odd().and_then(|odd| odd.containers.iter().find(|c| *c.name == *name));
    let exit = state.and_then(|state| match &state.now {
        Now::Ended(exit) => Some(exit),
        Now::Waiting { .. } | Now::Running { .. } => state.last.as_ref(),
    });
    let took = exit.and_then(|exit| Some(exit.finished?.duration_since(exit.started?)));
    took.is_some_and(|took| took <= SignedDuration::from_secs(asked.verdict_after()).saturating_add(TO_END))
}

/// More failures before it counts, where that makes enough for a start.
fn longer(asked: &Probe) -> Option<ProbeSettings> {
    let unnoticed = LONGEST_UNNOTICED / asked.period.max(1);
    let failures = asked.failures.saturating_mul(TIMES).min(MOST_FAILURES).min(unnoticed);
    let enough = Probe { failures, ..asked.clone() }.verdict_after() >= A_START;
    let settings = ProbeSettings { failure_threshold: Some(failures), ..ProbeSettings::default() };
    (enough && failures > asked.failures).then_some(settings)
}
