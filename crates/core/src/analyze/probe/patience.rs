//! More patience for a program that is killed before it ever answered.
//!
//! Owns the choice of longer times. Must never give any to a program that was ready once, nor more than
//! the bounds of the change admit. No IO.

use crate::action::{Action, Origin, Param, ProbeName, ProbeSettings};
use crate::analyze::case::{Case, Sign};
use crate::analyze::text::has_any;
use crate::finding::{Candidate, Cause};
use crate::index::{Now, Pod, Probe};
use crate::names::ContainerName;
use crate::plan::probe::{A_START, MOST_TIMES};
use jiff::SignedDuration;

/// As much as the bounds admit: so many failures, so many seconds in all.
const MOST_FAILURES: i32 = 60;
const LONGEST_WAIT: i32 = 60;
const LONGEST_UNNOTICED: i32 = 1800;
/// Between the kubelet's kill and the end of a program that does not listen to it.
const TO_END: SignedDuration = SignedDuration::from_secs(45);
/// Between a pod's creation and the kubelet's first word of it.
const FIRST_SECONDS: SignedDuration = SignedDuration::from_secs(10);

/// A probe that waits longer, where every run of the container ended with the first verdict of this one, or
/// where the program answers, but later than it is given.
pub(super) fn candidate(case: &Case<'_>, sign: &Sign<'_>, pods: &[Pod<'_>]) -> Option<Candidate> {
    let name = sign.container.as_deref()?;
    let container = case.workload().filter(|_| case.subject.kind.is_workload())?.template.container(name)?;
    let (probe, asked) = [
        (Cause::LivenessProbeKills, ProbeName::Liveness, &container.liveness),
        (Cause::StartupProbeKills, ProbeName::Startup, &container.startup),
        (Cause::ReadinessProbeHides, ProbeName::Readiness, &container.readiness),
    ]
    .into_iter()
    .find_map(|(cause, probe, asked)| Some((probe, asked.as_deref()?)).filter(|_| cause == sign.cause))?;
    // Whoever passed a startup probe has started.
    let started = probe == ProbeName::Liveness && container.startup.is_some();
    let unready = |pod: &Pod<'_>| container.readiness.is_none() || was_never_ready(pod);
    let kills = probe != ProbeName::Readiness;
    let in_vain = |pod: &Pod<'_>| unready(pod) && (!kills || never_answered(pod, name, asked));
    let says = |words: &[&str]| pods.iter().any(|pod| is_told(case, pod, (name, probe), words));
    // Who refuses what is asked has started.
    if started || says(&["statuscode: 4"]) || !pods.iter().all(in_vain) {
        return None;
    }
    let late = says(&["context deadline exceeded", "client.timeout", "timed out after"]);
    let timeout_seconds = late.then(|| asked.timeout.max(1).saturating_mul(MOST_TIMES).min(LONGEST_WAIT));
    let settings =
        ProbeSettings { timeout_seconds, ..if kills { longer(probe, asked) } else { ProbeSettings::default() } };
    if settings == ProbeSettings::default() {
        return None;
    }
    let why = if kills {
        format!("it is killed before it ever answered, {} s after it begins", asked.verdict_after())
    } else {
        format!("it does not answer within {} s", asked.timeout)
    };
    let container = ContainerName::parse(name).ok()?;
    let settings = Param::new(settings, Origin::CurrentValue {});
    Some(Candidate { action: Action::SetProbe { container, probe, settings }, target: case.subject.clone(), why })
}

/// True where the kubelet last said one of these words of a probe that failed.
fn is_told(case: &Case<'_>, pod: &Pod<'_>, (name, probe): (&str, ProbeName), words: &[&str]) -> bool {
    let state = pod.odd().and_then(|odd| odd.containers.iter().find(|c| *c.name == *name));
    let failed = state.and_then(|state| super::failure(case, pod, state, probe.as_str()));
    failed.is_some_and(|event| has_any(&event.message, words))
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

/// Time for a start. Only the first verdict comes later where that is enough: what fails later is noticed
/// as soon as before.
fn longer(probe: ProbeName, asked: &Probe) -> ProbeSettings {
    let lacking = A_START - asked.verdict_after();
    if probe == ProbeName::Liveness && lacking > 0 {
        let delay = i32::try_from(lacking).unwrap_or(0).saturating_add(asked.initial_delay);
        return ProbeSettings { initial_delay_seconds: Some(delay), ..ProbeSettings::default() };
    }
    let period = asked.period.max(1);
    let needed = i32::try_from(A_START).unwrap_or(0) / period;
    let more = if lacking > 0 { needed } else { asked.failures.saturating_mul(MOST_TIMES) };
    let failures = more.min(MOST_FAILURES).min(LONGEST_UNNOTICED / period);
    let failure_threshold = (failures > asked.failures).then_some(failures);
    ProbeSettings { failure_threshold, ..ProbeSettings::default() }
}
