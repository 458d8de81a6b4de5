//! Recovery: judged from observations newer than the write, on the objects concerned.
//!
//! Owns the oracle of every Change type. Must never conclude health from an empty list, from a
//! stale status or from the absence of complaints. No IO.

mod autoscaler;
mod ingress;
mod node;
mod restored;

use crate::catalogue::{self, Oracle, Undo};
use crate::life::Execution;
use crate::object::Kind;
use crate::plan::object::{controller, has_condition, int_at, is_live, is_ready, label, text_at};
use crate::plan::{Baseline, Plan};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is read for an oracle, all of it after the write.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// The target as it is now.
    pub target: Option<Value>,
    /// The controller of a deleted pod: its workload.
    pub owner: Option<Value>,
    /// Pods of the workload concerned.
    pub pods: Vec<Value>,
    /// EndpointSlices of a Service, or of all Services of an Ingress's namespace.
    pub slices: Vec<Value>,
    /// Objects that the target names, by kind.
    pub around: BTreeMap<Kind, Vec<Value>>,
    /// Workloads of the namespace, with their own view of refused pods (for quotas).
    pub refused: Vec<String>,
    /// True if the namespace still exists.
    pub namespace: bool,
}

/// What an oracle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Healthy(String),
    /// Not yet.
    NotYet(String),
    /// What was written is in force, and its controller waits for a pod that somebody must delete.
    Blocked(String),
    /// Worse than before the write.
    Worse(String),
    /// The object concerned is gone.
    Vanished,
}

/// How many replicas a workload wants and has available, by its own status; of an Ingress the
/// addresses at which it is served.
pub fn baseline(workload: &Value) -> Baseline {
    let (desired, available) = match text_at(workload, "/kind").and_then(Kind::parse) {
        Some(Kind::DaemonSet) => {
            (int_at(workload, "/status/desiredNumberScheduled", 0), int_at(workload, "/status/numberAvailable", 0))
        }
        Some(Kind::Ingress) => {
            let served = i64::try_from(ingress::addresses(workload)).unwrap_or(i64::MAX);
            (served, served)
        }
        Some(Kind::Node) => (0, 0),
        Some(_) | None => (int_at(workload, "/spec/replicas", 1), int_at(workload, "/status/availableReplicas", 0)),
    };
    let narrow = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    Baseline { available: narrow(available), desired: narrow(desired) }
}

/// How far the operator's idea of the API server's time may be ahead of it, in seconds.
const SKEW: i64 = 2;

/// Judges the observation of an execution's plan.
pub fn judge(plan: &Plan, execution: &Execution, seen: &Observation) -> Health {
    let Some(applied) = execution.applied_at else {
        return Health::NotYet("nothing was written".to_owned());
    };
    if !seen.namespace {
        return Health::Vanished;
    }
    // The acknowledgement may come long after the write (a read-back after a crash), when the new
    // pods exist already: what is newer than the intent to write is newer than the write.
    let since = earliest(execution.started_at.unwrap_or(applied));
    let entry = catalogue::entry(plan.change_type);
    match entry.oracle {
        Oracle::RolloutComplete => workload(plan, execution, seen, Write { since, renews: entry.replaces_pods }),
        Oracle::ReplicasAvailable => workload(plan, execution, seen, Write { since, renews: false }),
        Oracle::OwnerComplete => owner(plan, seen, Write { since, renews: true }),
        Oracle::QuotaGone => quota(plan, seen),
        Oracle::ObjectRestored => restored::judge(plan, seen),
        Oracle::FieldsHold => as_set(plan, seen, |_| Health::Healthy("it is as it was set".to_owned())),
        Oracle::ServiceServes => as_set(plan, seen, |_| serves(plan, seen)),
        Oracle::IngressLeads => as_set(plan, seen, |ingress| ingress::leads(plan, ingress, seen)),
        Oracle::AutoscalerScales => as_set(plan, seen, |hpa| autoscaler::scales(plan, hpa)),
        Oracle::NodeFollows => as_set(plan, seen, node::follows),
    }
}

/// The first whole second (the API server writes creation times in whole ones) that can follow
/// the intent to write.
fn earliest(started: Timestamp) -> Timestamp {
    Timestamp::from_second(started.as_second().saturating_sub(SKEW)).unwrap_or(started)
}

/// The write whose effect is judged.
#[derive(Debug, Clone, Copy)]
struct Write {
    /// What is not older than this is newer than the write.
    since: Timestamp,
    /// True if it cannot leave a pod as it was. A way back to an earlier template keeps the pods
    /// that still run it: there the controller's own count of updated replicas tells.
    renews: bool,
}

impl Write {
    /// True for a pod that was made after the write.
    fn made(self, pod: &Value) -> bool {
        created(pod).is_some_and(|c| c >= self.since)
    }

    /// True for a container that failed after the write. What a pod that was there before did
    /// until then says nothing about it.
    fn broke(self, pod: &Value, container: &Value) -> bool {
        let restarted = int_at(container, "/restartCount", 0) > 0;
        if self.made(pod) {
            return restarted || is_stuck(container);
        }
        let ended = text_at(container, "/lastState/terminated/finishedAt");
        restarted && ended.and_then(|t| t.parse::<Timestamp>().ok()).is_some_and(|t| t >= self.since)
    }
}

fn workload(plan: &Plan, execution: &Execution, seen: &Observation, write: Write) -> Health {
    let Some(target) = &seen.target else {
        return Health::Vanished;
    };
    if plan.target.uid.as_ref().map(crate::names::Uid::as_str) != text_at(target, "/metadata/uid") {
        return Health::Vanished;
    }
    if let Some(pointer) = overwritten(plan, target) {
        return Health::NotYet(format!("{pointer} was changed again after the write"));
    }
    let observed = int_at(target, "/status/observedGeneration", 0);
    let written = execution.generation.unwrap_or(0);
    if observed < written || observed < int_at(target, "/metadata/generation", 0) {
        return Health::NotYet(format!(
            "the controller has observed generation {observed}, generation {written} was written"
        ));
    }
    let now = baseline(target);
    if now.desired == 0 {
        return Health::NotYet("the workload wants no replicas, which proves nothing".to_owned());
    }
    if let Err(why) = complete(target, &now) {
        if let Some(pod) = in_the_way(target, &seen.pods) {
            return Health::Blocked(format!("{why}; the controller waits for pod {pod}, which has to be deleted"));
        }
        // A pod of before that fails once more does what it was to be mended for.
        let broke = any_container(&seen.pods, |pod, c| write.made(pod) && write.broke(pod, c));
        return if broke && now.available < plan.baseline.available.min(now.desired) {
            Health::Worse(format!(
                "{why}; {} of {} were available before",
                plan.baseline.available, plan.baseline.desired
            ))
        } else {
            Health::NotYet(why)
        };
    }
    fresh(&seen.pods, &now, write)
}

/// A field that the plan set and that no longer has the planned value: whatever the workload does
/// now, it is not this change that did it.
fn overwritten<'a>(plan: &'a Plan, target: &Value) -> Option<&'a str> {
    if catalogue::entry(plan.change_type).undo != Undo::PreviousFields {
        return None;
    }
    let result = plan.result_object()?;
    let ours = plan.changed.iter().filter(|p| p.starts_with("/spec/"));
    ours.map(String::as_str).find(|p| target.pointer(p) != result.pointer(p))
}

/// All replicas updated and available, none left of the old revision.
fn complete(target: &Value, now: &Baseline) -> Result<(), String> {
    let desired = i64::from(now.desired);
    let updated_at = if text_at(target, "/kind") == Some(Kind::DaemonSet.as_str()) {
        "/status/updatedNumberScheduled"
    } else {
        "/status/updatedReplicas"
    };
    // A StatefulSet whose current revision is its update revision reports no updatedReplicas of an earlier rollout.
    let updated = int_at(target, updated_at, 0);
    let total = int_at(target, "/status/replicas", desired);
    if updated < desired {
        return Err(format!("{updated} of {desired} replicas are updated"));
    }
    if i64::from(now.available) < desired {
        return Err(format!("{} of {desired} replicas are available", now.available));
    }
    if total > desired {
        return Err(format!("{total} replicas exist, {desired} are wanted"));
    }
    Ok(())
}

/// The pod of an earlier revision that cannot start and that a StatefulSet's controller leaves as it
/// is: it replaces pods in order, each when the one before is ready, or it replaces none by itself.
fn in_the_way<'a>(target: &Value, pods: &'a [Value]) -> Option<&'a str> {
    let parallel = text_at(target, "/spec/podManagementPolicy") == Some("Parallel");
    let on_delete = text_at(target, "/spec/updateStrategy/type") == Some("OnDelete");
    if text_at(target, "/kind") != Some(Kind::StatefulSet.as_str()) || (parallel && !on_delete) {
        return None;
    }
    let wanted = text_at(target, "/status/updateRevision")?;
    let is_old = |p: &Value| label(p, "controller-revision-hash").is_some_and(|revision| revision != wanted);
    let stuck = |p: &Value| !is_scheduled(p) || any_container(std::slice::from_ref(p), |_, c| is_stuck(c));
    let pod = pods.iter().find(|p| is_live(p) && is_old(p) && !is_ready(p) && stuck(p))?;
    text_at(pod, "/metadata/name")
}

/// The pods themselves: as many ready ones, newer than the write where it renews them, none failing.
fn fresh(pods: &[Value], now: &Baseline, write: Write) -> Health {
    let counts = |p: &&Value| is_live(p) && is_ready(p) && (!write.renews || write.made(p));
    let ready = pods.iter().filter(counts).count();
    if ready < usize::try_from(now.desired).unwrap_or(usize::MAX) {
        let age = if write.renews { " and newer than the write" } else { "" };
        return Health::NotYet(format!("{ready} of {} pods are ready{age}", now.desired));
    }
    if any_container(pods, |pod, c| is_stuck(c) || write.broke(pod, c)) {
        return Health::NotYet("a container is failing".to_owned());
    }
    Health::Healthy(format!("{ready} of {} replicas are updated, available and ready", now.desired))
}

fn created(pod: &Value) -> Option<Timestamp> {
    text_at(pod, "/metadata/creationTimestamp")?.parse().ok()
}

/// False where the scheduler has found no node for it.
fn is_scheduled(pod: &Value) -> bool {
    !has_condition(pod, "PodScheduled", "False")
}

/// True if a container of a pod that is not on its way out is so.
fn any_container(pods: &[Value], is_so: impl Fn(&Value, &Value) -> bool) -> bool {
    pods.iter().filter(|p| is_live(p)).any(|pod| {
        ["/status/containerStatuses", "/status/initContainerStatuses"].iter().any(|list| {
            let statuses = pod.pointer(list).and_then(Value::as_array);
            statuses.is_some_and(|s| s.iter().any(|c| is_so(pod, c)))
        })
    })
}

/// True if a container cannot start.
fn is_stuck(container: &Value) -> bool {
    const BAD: &[&str] = &[
        "CrashLoopBackOff",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
    ];
    text_at(container, "/state/waiting/reason").is_some_and(|r| BAD.contains(&r))
}

fn owner(plan: &Plan, seen: &Observation, write: Write) -> Health {
    let gone = plan.target.uid.as_ref().map(crate::names::Uid::as_str);
    if seen.target.as_ref().is_some_and(|t| text_at(t, "/metadata/uid") == gone) {
        return Health::NotYet("the pod still exists".to_owned());
    }
    let Some(owner) = &seen.owner else {
        return Health::Vanished;
    };
    let now = baseline(owner);
    if now.desired == 0 {
        return Health::NotYet("the owner wants no replicas, which proves nothing".to_owned());
    }
    if now.available < now.desired {
        return Health::NotYet(format!("{} of {} replicas are available", now.available, now.desired));
    }
    // The owner's count may be older than the deletion; the pods are looked at themselves.
    let ready: Vec<&Value> =
        seen.pods.iter().filter(|p| is_live(p) && is_ready(p) && controller(p).is_some()).collect();
    if ready.len() < usize::try_from(now.desired).unwrap_or(usize::MAX) {
        return Health::NotYet(format!("{} of {} pods are ready", ready.len(), now.desired));
    }
    if !ready.iter().any(|p| write.made(p)) {
        return Health::NotYet("no ready pod is newer than the write".to_owned());
    }
    if any_container(&seen.pods, |pod, c| write.broke(pod, c)) {
        return Health::NotYet("a container of a new pod is failing".to_owned());
    }
    Health::Healthy(format!("{} of {} replicas are available, the pod was replaced", now.available, now.desired))
}

/// Judges an object that is the one that was written and still has what was written.
fn as_set(plan: &Plan, seen: &Observation, judge: impl FnOnce(&Value) -> Health) -> Health {
    let uid = plan.target.uid.as_ref().map(crate::names::Uid::as_str);
    let Some(target) = seen.target.as_ref().filter(|target| text_at(target, "/metadata/uid") == uid) else {
        return Health::Vanished;
    };
    match overwritten(plan, target) {
        Some(pointer) => Health::NotYet(format!("{pointer} was changed again after the write")),
        None => judge(target),
    }
}

/// Ready endpoints, each a pod that is selected now, at the ports that were set.
fn serves(plan: &Plan, seen: &Observation) -> Health {
    let selected: Vec<&str> = seen.pods.iter().filter_map(|p| text_at(p, "/metadata/uid")).collect();
    let is_ready = |e: &&Value| e.pointer("/conditions/ready").and_then(Value::as_bool) == Some(true);
    let is_selected = |e: &&Value| text_at(e, "/targetRef/uid").is_some_and(|uid| selected.contains(&uid));
    let endpoints = |slice: &Value| slice.get("endpoints").and_then(Value::as_array).cloned().unwrap_or_default();
    let all: Vec<Value> = seen.slices.iter().flat_map(endpoints).collect();
    let ready = all.iter().filter(is_ready).filter(is_selected).count();
    if ready == 0 {
        return Health::NotYet("no pod that it selects is ready behind it".to_owned());
    }
    let ports: Vec<&Value> = seen
        .slices
        .iter()
        .filter_map(|s| s.get("ports")?.as_array())
        .flatten()
        .filter(|p| p.get("port").is_some())
        .collect();
    let result = plan.result_object().unwrap_or_default();
    let mut wanted = result.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    // A port by name is resolved for each pod, and where no pod has it the slice has no such port; one by number is
    // the pods' own.
    let name = |port: &Value| text_at(port, "/name").unwrap_or_default().to_owned();
    let leads = |to: &Value| {
        let target = to.get("targetPort").filter(|t| t.is_number());
        ports.iter().any(|p| name(p) == name(to) && target.is_none_or(|t| p.get("port") == Some(t)))
    };
    match wanted.find(|to| !leads(to)).map(|to| to.get("targetPort").or(to.get("port")).unwrap_or(to).clone()) {
        Some(port) => Health::NotYet(format!("its endpoints do not lead to port {port} yet")),
        None => Health::Healthy(format!("{ready} ready endpoints stand behind it")),
    }
}

fn quota(plan: &Plan, seen: &Observation) -> Health {
    let gone = plan.target.uid.as_ref().map(crate::names::Uid::as_str);
    if seen.target.as_ref().is_some_and(|t| text_at(t, "/metadata/uid") == gone) {
        return Health::NotYet("the quota still exists".to_owned());
    }
    match seen.refused.first() {
        Some(workload) => Health::NotYet(format!("{workload} is still short of pods")),
        None => Health::Healthy("the quota is gone and no workload is short of pods".to_owned()),
    }
}

#[cfg(test)]
#[path = "oracle_tests.rs"]
mod tests;
