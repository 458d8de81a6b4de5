//! Analyzers: from what the index holds to what is wrong, why, since when, and what would mend it.
//!
//! Owns the order of causes: for one container the most specific wins, and a consequence is not
//! reported beside its cause. Must never read the clock, list, or take a parameter of a change
//! from a log, an event or a status text. No IO.

mod admission;
mod autoscaler;
mod budget;
mod case;
pub mod catalogue;
mod certificate;
mod claim;
mod config;
mod crash;
mod cron;
mod drift;
pub mod earlier;
mod evicted;
mod exit;
mod gateway;
mod history;
mod image;
mod ingress;
mod job;
pub mod json;
mod leaving;
mod mount;
pub(crate) mod near;
pub(crate) mod node;
mod oom;
mod policy;
mod probe;
mod progress;
mod resolve;
mod restore;
mod schedule;
mod service;
mod stopped;
mod strategy;
pub mod text;
mod volume;
mod webhook;

use crate::finding::{Cause, Finding};
use crate::index::{ContainerState, Pod, Text, View};
use crate::names::ContainerName;
use crate::object::{Kind, ObjectRef};
use case::{Case, Sign};
use history::History;
use jiff::Timestamp;
use std::collections::BTreeMap;
use text::{SUMMARY_CAP, plain};

/// The pods of a finding whose evidence is kept; the rest are counted.
const SHOWN_PODS: usize = 3;

/// What was found about one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// When to look again though nothing changed: something is still within its grace.
    pub recheck: Option<Timestamp>,
}

/// What is wrong with one subject.
pub fn analyze(view: &View<'_>, subject: &ObjectRef, now: Timestamp) -> Vec<Finding> {
    examine(view, subject, now).findings
}

/// What is wrong with one subject, and when to look again.
pub fn examine(view: &View<'_>, subject: &ObjectRef, now: Timestamp) -> Analysis {
    let mut analysis = match subject.kind {
        Kind::Service => {
            let (findings, recheck) = service::find(*view, subject, now);
            Analysis { findings, recheck }
        }
        Kind::Ingress => object(*view, subject, now, ingress::find),
        Kind::GatewayClass | Kind::Gateway | Kind::HTTPRoute => object(*view, subject, now, gateway::find),
        Kind::Certificate => object(*view, subject, now, certificate::find),
        Kind::NetworkPolicy => object(*view, subject, now, policy::find),
        Kind::PersistentVolumeClaim => object(*view, subject, now, claim::find),
        Kind::PersistentVolume => object(*view, subject, now, volume::find),
        Kind::StorageClass => object(*view, subject, now, volume::defaults),
        Kind::Node => object(*view, subject, now, node::find),
        Kind::HorizontalPodAutoscaler => object(*view, subject, now, autoscaler::find),
        Kind::PodDisruptionBudget => object(*view, subject, now, budget::find),
        Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
            object(*view, subject, now, webhook::find)
        }
        Kind::Pod
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::Job
        | Kind::CronJob => workload(*view, subject, now),
        // Of the rest it is only told when they do not go.
        Kind::Namespace
        | Kind::ControllerRevision
        | Kind::EndpointSlice
        | Kind::IngressClass
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::ConfigMap
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Event => Analysis::default(),
    };
    let leaving = object(*view, subject, now, |case| leaving::find(case).into_iter().collect());
    analysis.findings.extend(leaving.findings);
    analysis.recheck = analysis.recheck.into_iter().chain(leaving.recheck).min();
    analysis
}

/// What one analyzer finds in one object by itself.
fn object(
    view: View<'_>,
    subject: &ObjectRef,
    now: Timestamp,
    find: impl FnOnce(&Case<'_>) -> Vec<Finding>,
) -> Analysis {
    let case = Case::of_object(view, subject, now);
    case.map_or_else(Analysis::default, |case| Analysis { findings: find(&case), recheck: case.recheck() })
}

/// What is wrong with anything there is, worst first.
pub fn analyze_all(view: &View<'_>, now: Timestamp) -> Vec<Finding> {
    let mut all: Vec<Finding> = view.subjects().iter().flat_map(|subject| analyze(view, subject, now)).collect();
    all.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.key().cmp(&b.key())));
    all
}

fn workload(view: View<'_>, subject: &ObjectRef, now: Timestamp) -> Analysis {
    let alone = object(view, subject, now, |case| standing(case, view));
    let Some(case) = Case::open(view, subject, now) else {
        return alone;
    };
    let history = History::of(&case);
    let mut groups: BTreeMap<(Cause, Option<Text>), Vec<Sign<'_>>> = BTreeMap::new();
    for pod in &case.pods {
        for sign in signs(&case, *pod) {
            let sign = strategy::weigh(&case, &history, sign);
            groups.entry((sign.cause, sign.container.clone())).or_default().push(sign);
        }
    }
    let kept: Vec<(Cause, Option<Text>)> = groups.keys().filter(|key| !is_outdone(key, &groups)).cloned().collect();
    let mut findings: Vec<Finding> =
        kept.iter().filter_map(|key| groups.get(key)).filter_map(|signs| finding(&case, &history, signs)).collect();
    findings.extend(admission::find(&case, &history));
    if findings.is_empty() {
        findings.extend(quiet(&case, &history));
    }
    findings.extend(alone.findings);
    Analysis { findings, recheck: case.recheck().into_iter().chain(alone.recheck).min() }
}

/// What is wrong whatever the pods that count show: there may be none.
fn standing(case: &Case<'_>, view: View<'_>) -> Vec<Finding> {
    let Some(thing) = case.thing else { return Vec::new() };
    let above = view.subject_of(thing.head.uid).is_some_and(|top| top != case.subject);
    if above || thing.head.marks.deleting() {
        return Vec::new();
    }
    let pods = || view.pods_of(thing.head.uid);
    let found = [stopped::find(case), evicted::find(case, pods()), leaving::pods(case, pods())];
    found.into_iter().flatten().collect()
}

/// What is only asked where no pod and no refusal says more.
fn quiet(case: &Case<'_>, history: &History<'_>) -> Vec<Finding> {
    let ended = job::find(case).or_else(|| cron::find(case));
    let late = || progress::find(case, history).filter(|_| !case.is_explained());
    let stuck = ended.or_else(late).or_else(|| strategy::paused(case, history));
    let alone = case.pods.first().filter(|_| case.subject.kind == Kind::Pod).copied();
    let stuck = stuck.or_else(|| evicted::find(case, alone.into_iter()));
    let mut out: Vec<Finding> = stuck.into_iter().collect();
    out.extend(drift::find(case));
    out
}

/// What one pod shows: at most one sign for each container, the most specific.
fn signs<'a>(case: &Case<'a>, pod: Pod<'a>) -> Vec<Sign<'a>> {
    let Some(odd) = pod.odd() else {
        return Vec::new();
    };
    let pending = schedule::sign(case, pod).or_else(|| config::mount(case, pod)).or_else(|| mount::sign(case, pod));
    let containers = odd.containers.iter().filter_map(|state| {
        image::sign(case, pod, state)
            .or_else(|| config::sign(case, pod, state))
            .or_else(|| oom::sign(case, pod, state))
            .or_else(|| probe::kills(case, pod, state))
            .or_else(|| crash::sign(case, pod, state))
            .or_else(|| probe::hides(case, pod, state))
            .or_else(|| mount::hangs(case, pod, state))
    });
    pending.into_iter().chain(containers).collect()
}

/// The list in a pod's status that a container is in.
fn statuses(state: &ContainerState) -> &'static str {
    if state.init { "initContainerStatuses" } else { "containerStatuses" }
}

/// Causes that are one fault seen at several moments, the most telling first.
const FAMILIES: [&[Cause]; 2] = [
    &[
        Cause::ImagePullSecretMissing,
        Cause::ImageNotFound,
        Cause::ImagePullRefused,
        Cause::ImageNameInvalid,
        Cause::RegistryUnreachable,
        Cause::ImagePullFailed,
    ],
    &[
        Cause::OomKilled,
        Cause::StartupProbeKills,
        Cause::LivenessProbeKills,
        Cause::WrongArchitecture,
        Cause::CommandNotFound,
        Cause::ContainerNotMade,
        Cause::ServiceMissing,
        Cause::NameNotResolved,
        Cause::AccessDenied,
        Cause::VolumeFull,
        Cause::CrashMissingConfig,
        Cause::PortConflict,
        Cause::JobBackoffLimitExceeded,
        Cause::CrashLoop,
        Cause::ReadinessProbeHides,
    ],
];

/// True where another pod of the workload shows a more telling cause for the same container.
fn is_outdone(key: &(Cause, Option<Text>), groups: &BTreeMap<(Cause, Option<Text>), Vec<Sign<'_>>>) -> bool {
    let family = FAMILIES.iter().find(|family| family.contains(&key.0));
    let better = family.into_iter().flat_map(|family| family.iter().take_while(|cause| **cause != key.0));
    better.into_iter().any(|cause| groups.contains_key(&(*cause, key.1.clone())))
}

fn finding<'a>(case: &Case<'a>, history: &History<'a>, signs: &[Sign<'a>]) -> Option<Finding> {
    let first = signs.iter().min_by_key(|sign| (sign.since, sign.pod.name()))?;
    let pods: Vec<Pod<'a>> = signs.iter().map(|sign| sign.pod).collect();
    let who = first.container.as_ref().map_or_else(String::new, |name| format!("container {name} "));
    let count =
        if case.pods.len() > 1 { format!("; {} of {} pods", pods.len(), case.pods.len()) } else { String::new() };
    let room = SUMMARY_CAP.saturating_sub(count.len());
    Some(Finding {
        cause: first.cause,
        severity: case.severity(),
        subject: case.subject.clone(),
        container: first.container.as_ref().and_then(|name| ContainerName::parse(&**name).ok()),
        summary: plain(&format!("{who}{}", first.detail), room) + &count,
        since: signs.iter().filter_map(|sign| sign.since).min().unwrap_or(case.now),
        evidence: evidence(signs),
        candidates: history::delete_leftover(case, &pods)
            .map_or_else(|| (first.mend)(case, history, first, &pods), |delete| vec![delete]),
    })
}

fn evidence(signs: &[Sign<'_>]) -> Vec<crate::finding::Evidence> {
    let mut newest: Vec<&Sign<'_>> = signs.iter().collect();
    newest.sort_by_key(|sign| (std::cmp::Reverse(sign.pod.created()), sign.pod.name()));
    newest.into_iter().take(SHOWN_PODS).flat_map(|sign| sign.evidence.iter().cloned()).collect()
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
