//! Autoscalers that cannot do their work.
//!
//! Owns the reading of their conditions against the workload they name. Must never report one whose
//! workload has a finding of its own, nor propose a change of one that another controller makes; nor
//! take a limit that is reached, which may be meant, for a fault. No IO.

use super::case::Case;
use super::earlier;
use super::history::asks::{self, Amount, Part};
use super::near::near;
use super::text::{has_any, quote};
use crate::action::{Action, HpaSettings, Origin, Param, ResourceName};
use crate::finding::{Candidate, Cause, Finding, Severity};
use crate::index::{Container, Hpa, Role, Template, Thing};
use crate::names::ObjectName;
use crate::object::Kind;
use jiff::SignedDuration;

/// What is scaled is often made together with what scales it.
const GRACE: SignedDuration = SignedDuration::from_secs(30);
/// The first metrics of a pod come after a minute or two.
const FIRST_METRICS: SignedDuration = SignedDuration::from_mins(3);
/// Those of anything else are there at once, where somebody serves them.
const OTHER_METRICS: SignedDuration = SignedDuration::from_mins(1);
/// A load that passes is no reason to tell anybody.
const LASTING: SignedDuration = SignedDuration::from_mins(10);
/// Twice the load that is aimed at is no matter of taste; but it, too, may pass.
const PRESSING: SignedDuration = SignedDuration::from_mins(2);
/// The same where the limit is a lowered one. It is measured anew every fifteen seconds or so.
const LOWERED: SignedDuration = SignedDuration::from_secs(45);

/// What is wrong with an autoscaler.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, hpa)) = case.thing.and_then(|t| Some((t, t.hpa()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() {
        return Vec::new();
    }
    let finding = match target(case, thing, hpa) {
        Target::Missing => Some(missing(case, thing, hpa)).filter(|_| case.past(thing.head.created, GRACE)),
        Target::Unknown => inactive(case, thing, hpa, None),
        Target::Known(target) => {
            inactive(case, thing, hpa, Some(target)).or_else(|| at_limit(case, (thing, hpa), target))
        }
    };
    finding.into_iter().collect()
}

enum Target<'a> {
    Known(&'a Thing),
    Missing,
    /// Of a kind that is not read.
    Unknown,
}

fn target<'a>(case: &Case<'a>, thing: &Thing, hpa: &Hpa) -> Target<'a> {
    let kind = Kind::parse(&hpa.target_kind).filter(|kind| *kind.api_version() == *hpa.target_api);
    let Some(kind) = kind.filter(|kind| case.view.reads(*kind)) else {
        return Target::Unknown;
    };
    case.view.named(kind, &thing.head.namespace, &hpa.target_name).map_or(Target::Missing, Target::Known)
}

/// Who makes the autoscaler must be changed instead of it.
fn made_by(thing: &Thing) -> String {
    let owner = thing.head.owner.as_ref();
    owner.map_or_else(String::new, |o| {
        format!("; it is made by {} {}, which is to be changed instead", o.kind_text, o.name)
    })
}

fn missing(case: &Case<'_>, thing: &Thing, hpa: &Hpa) -> Finding {
    let others = Kind::parse(&hpa.target_kind).into_iter().flat_map(|k| case.view.things_in(k, &thing.head.namespace));
    let like = near(&hpa.target_name, others.map(|t| &*t.head.name));
    let hint = like.map_or_else(String::new, |like| format!("; there is {}", quote(like, 60)));
    let name = quote(&hpa.target_name, 80);
    let text =
        format!("the autoscaler scales nothing: {} {name} does not exist{hint}{}", hpa.target_kind, made_by(thing));
    let value = format!("{} {}", hpa.target_kind, hpa.target_name);
    let mut finding = case.draft(Cause::HpaTargetMissing, Severity::Warning, &text);
    finding.since = hpa.condition("AbleToScale").filter(|c| !c.holds).and_then(|c| c.since).unwrap_or(finding.since);
    finding.evidence = case.own("spec.scaleTargetRef", &value);
    finding.candidates = like.and_then(|like| meant(case, thing, hpa, like)).into_iter().collect();
    finding
}

/// The workload whose name is nearly that of the target, where nothing scales it yet.
fn meant(case: &Case<'_>, thing: &Thing, hpa: &Hpa, like: &str) -> Option<Candidate> {
    let kind = Kind::parse(&hpa.target_kind).filter(|kind| matches!(kind, Kind::Deployment | Kind::StatefulSet))?;
    let taken = case.view.autoscaler_of(kind, &thing.head.namespace, like).is_some();
    let target = Some(ObjectName::parse(like).ok()?);
    let why = format!("no {kind} is called as the autoscaler has it, and only {like} nearly so");
    (!taken).then(|| patch(case, thing, HpaSettings { target, ..HpaSettings::default() }, why)).flatten()
}

/// A change of the autoscaler itself; none where another controller would take it back.
fn patch(case: &Case<'_>, thing: &Thing, settings: HpaSettings, why: String) -> Option<Candidate> {
    let settings = Param::new(settings, Origin::CurrentValue {});
    let change = || Candidate { action: Action::PatchHPA { settings }, target: case.subject.clone(), why };
    thing.head.owner.is_none().then(change)
}

fn inactive(case: &Case<'_>, thing: &Thing, hpa: &Hpa, target: Option<&Thing>) -> Option<Finding> {
    let condition = hpa.condition("ScalingActive").filter(|c| !c.holds)?;
    // At zero replicas the autoscaler rests; the workload's own finding says who scaled it.
    let resting = &*condition.reason == "ScalingDisabled" || target.is_some_and(wants_nothing);
    if resting || target.is_some_and(|t| is_unwell(case, t)) {
        return None;
    }
    if &*condition.reason == "AmbiguousSelector" {
        let text = format!(
            "the autoscaler does nothing: another one is about the same pods: {}",
            quote(&condition.message, 160)
        );
        return Some(case.by_condition(Cause::HpaConflict, condition, &text));
    }
    if let Some((container, resource)) = target.and_then(|target| lacking(case, target, hpa)) {
        let text = format!(
            "the autoscaler cannot compute a share of {resource}: container {} requests none{}",
            quote(container, 60),
            made_by(thing)
        );
        let mut finding = case.by_condition(Cause::HpaMissingRequests, condition, &text);
        let amounts: Vec<Amount> = followed(hpa).map(|resource| (Part::Requests, resource)).collect();
        finding.candidates = target.map_or_else(Vec::new, |target| asks::back_in(case, target, &amounts));
        return Some(finding);
    }
    let of_pods = !matches!(&*condition.reason, "FailedGetExternalMetric" | "FailedGetObjectMetric");
    if !case.past(condition.since.max(thing.head.created), if of_pods { FIRST_METRICS } else { OTHER_METRICS }) {
        return None;
    }
    let server =
        has_any(&condition.message, &["could not find the requested resource", "unable to handle the request"]);
    let who = if server { "no metrics server answers" } else { "metrics are missing" };
    let text =
        format!("the autoscaler does nothing, because {who}: {}{}", quote(&condition.message, 150), made_by(thing));
    Some(case.by_condition(Cause::HpaWithoutMetrics, condition, &text))
}

fn wants_nothing(target: &Thing) -> bool {
    target.workload().is_some_and(|w| w.desired == 0)
}

fn is_unwell(case: &Case<'_>, target: &Thing) -> bool {
    let findings = case.view.reference(target).map(|subject| super::examine(&case.view, &subject, case.now).findings);
    findings.is_some_and(|found| found.iter().any(|f| f.severity > Severity::Info))
}

/// What the workload's containers request nothing of, and pods of it neither: admission may have given
/// them what the template does not name.
fn lacking<'t>(case: &Case<'t>, target: &'t Thing, hpa: &'t Hpa) -> Option<(&'t str, &'t str)> {
    let found = unrequested(&target.workload()?.template, hpa)?;
    let mut pods = case.view.pods_of(target.head.uid).filter(|pod| !pod.deleting());
    pods.any(|pod| unrequested(pod.template(), hpa).is_some()).then_some(found)
}

/// The main container that requests nothing of a resource of which the autoscaler follows a share. A
/// limit stands for a request that is not written.
fn unrequested<'t>(template: &'t Template, hpa: &'t Hpa) -> Option<(&'t str, &'t str)> {
    let asks = |container: &Container, resource: &str| match resource {
        "cpu" => container.requests.cpu.is_some() || container.limits.cpu.is_some(),
        "memory" => container.requests.memory.is_some() || container.limits.memory.is_some(),
        _ => true,
    };
    hpa.resources.iter().find_map(|resource| {
        let mut main = template.containers.iter().filter(|c| c.role != Role::Init);
        main.find(|c| !asks(c, resource)).map(|c| (&*c.name, &**resource))
    })
}

/// The resources of pods that it follows and a container may request.
fn followed(hpa: &Hpa) -> impl Iterator<Item = ResourceName> {
    hpa.resources.iter().filter_map(|resource| match &**resource {
        "cpu" => Some(ResourceName::Cpu),
        "memory" => Some(ResourceName::Memory),
        _ => None,
    })
}

/// A limit is often meant, so it is only worth telling; it is a fault where the pods have been at twice
/// the load that they are meant to have for a while, and are well otherwise.
fn at_limit(case: &Case<'_>, (thing, hpa): (&Thing, &Hpa), target: &Thing) -> Option<Finding> {
    let condition = hpa.condition("ScalingLimited").filter(|c| c.holds && &*c.reason == "TooManyReplicas")?;
    if hpa.current < hpa.max {
        return None;
    }
    let explained = thing.head.marks.explained() || thing.head.marks.gitops();
    let lowered = earlier::limit(hpa).filter(|_| !explained);
    let grace = if lowered.is_some() { LOWERED } else { PRESSING };
    let short = hpa.pressed && case.past(condition.since, grace) && !is_unwell(case, target);
    if !short && !case.past(condition.since, LASTING) {
        return None;
    }
    let load = if short { "; its pods carry at least twice the load that it aims at" } else { "" };
    let text = format!("the autoscaler is at its limit of {} replicas and wants more{load}{}", hpa.max, made_by(thing));
    let found = case.by_condition(Cause::HpaAtLimit, condition, &text);
    if !short {
        return Some(Finding { severity: Severity::Info, ..found });
    }
    let settings = HpaSettings { max_replicas: hpa.max.checked_mul(2), ..HpaSettings::default() };
    let why = "the load is at least twice of what so many pods are meant to carry".to_owned();
    let back = lowered.filter(|_| thing.head.owner.is_none()).map(|action| Candidate {
        action,
        target: case.subject.clone(),
        why: format!("its limit was {} until somebody lowered it", hpa.earlier_max),
    });
    let candidates = back.or_else(|| patch(case, thing, settings, why)).into_iter().collect();
    Some(Finding { candidates, ..found })
}

#[cfg(test)]
mod tests;
