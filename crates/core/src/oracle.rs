//! Recovery: judged from observations newer than the write, on the objects concerned.
//!
//! Owns the oracle of every Change type. Must never conclude health from an empty list, from a
//! stale status or from the absence of complaints. No IO.

use crate::catalogue::{self, Oracle};
use crate::life::Execution;
use crate::object::Kind;
use crate::plan::object::{controller, int_at, shows, text_at};
use crate::plan::{Baseline, Plan};
use jiff::Timestamp;
use serde_json::Value;

/// What is read for an oracle, all of it after the write.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// The target as it is now.
    pub target: Option<Value>,
    /// The controller of a deleted pod: its workload.
    pub owner: Option<Value>,
    /// Pods of the workload concerned.
    pub pods: Vec<Value>,
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
    /// Worse than before the write.
    Worse(String),
    /// The object concerned is gone.
    Vanished,
}

/// How many replicas a workload wants and has available, by its own status.
pub fn baseline(workload: &Value) -> Baseline {
    let (desired, available) = if text_at(workload, "/kind") == Some(Kind::DaemonSet.as_str()) {
        (
            int_at(workload, "/status/desiredNumberScheduled", 0),
            int_at(workload, "/status/numberAvailable", 0),
        )
    } else {
        (
            int_at(workload, "/spec/replicas", 1),
            int_at(workload, "/status/availableReplicas", 0),
        )
    };
    let narrow = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    Baseline {
        available: narrow(available),
        desired: narrow(desired),
    }
}

/// Judges the observation of an execution's plan.
pub fn judge(plan: &Plan, execution: &Execution, seen: &Observation) -> Health {
    let Some(applied) = execution.applied_at else {
        return Health::NotYet("nothing was written".to_owned());
    };
    if !seen.namespace {
        return Health::Vanished;
    }
    let entry = catalogue::entry(plan.change_type);
    match entry.oracle {
        Oracle::RolloutComplete => workload(plan, seen, execution, Write { applied, renews: entry.replaces_pods }),
        Oracle::ReplicasAvailable => workload(plan, seen, execution, Write { applied, renews: false }),
        Oracle::OwnerComplete => owner(plan, seen, applied),
        Oracle::QuotaGone => quota(plan, seen),
        Oracle::ObjectRestored => restored(plan, seen),
    }
}

/// The write whose effect is judged.
#[derive(Debug, Clone, Copy)]
struct Write {
    /// When it was acknowledged.
    applied: Timestamp,
    /// True if it cannot leave a pod as it was. A way back to an earlier template keeps the pods
    /// that still run it: there the controller's own count of updated replicas tells.
    renews: bool,
}

impl Write {
    /// True for a pod that was made after the write. The API server writes whole seconds.
    fn made(self, pod: &Value) -> bool {
        created(pod).is_some_and(|c| c >= whole_second(self.applied))
    }
}

fn workload(plan: &Plan, seen: &Observation, execution: &Execution, write: Write) -> Health {
    let pods: &[Value] = &seen.pods;
    let target = seen.target.as_ref();
    let Some(target) = target else {
        return Health::Vanished;
    };
    if plan.target.uid.as_ref().map(crate::names::Uid::as_str) != text_at(target, "/metadata/uid") {
        return Health::Vanished;
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
    let count = complete(target, &now);
    if let Err(why) = count {
        return if now.available < plan.baseline.available.min(now.desired)
            && failing(pods, write)
        {
            Health::Worse(format!(
                "{why}; {} of {} were available before",
                plan.baseline.available, plan.baseline.desired
            ))
        } else {
            Health::NotYet(why)
        };
    }
    fresh(pods, &now, write)
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
        return Err(format!(
            "{} of {desired} replicas are available",
            now.available
        ));
    }
    if total > desired {
        return Err(format!("{total} replicas exist, {desired} are wanted"));
    }
    Ok(())
}

/// The pods themselves: as many ready ones, newer than the write where it renews them, none failing.
fn fresh(pods: &[Value], now: &Baseline, write: Write) -> Health {
    let counts = |p: &&Value| is_ready(p) && !is_going(p) && (!write.renews || write.made(p));
    let ready = pods.iter().filter(counts).count();
    if ready < usize::try_from(now.desired).unwrap_or(usize::MAX) {
        let which = if write.renews { "newer than the write" } else { "ready" };
        return Health::NotYet(format!("{ready} of {} pods are {which}", now.desired));
    }
    if failing(pods, write) {
        return Health::NotYet("a container is failing".to_owned());
    }
    Health::Healthy(format!("{ready} of {} replicas are updated, available and ready", now.desired))
}

fn is_going(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some()
}

/// The API server writes creation times in whole seconds.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn created(pod: &Value) -> Option<Timestamp> {
    text_at(pod, "/metadata/creationTimestamp")?.parse().ok()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|c| {
        c.iter()
            .any(|c| text_at(c, "/type") == Some("Ready") && text_at(c, "/status") == Some("True"))
    })
}

/// True if a container waits in an error, or was restarted in a pod made after the write.
fn failing(pods: &[Value], write: Write) -> bool {
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
    let statuses = |pod: &Value| -> Vec<Value> {
        let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
        lists.iter().filter_map(|list| pod.pointer(list)?.as_array()).flatten().cloned().collect()
    };
    pods.iter().filter(|pod| !is_going(pod)).any(|pod| {
        statuses(pod).iter().any(|c| {
            text_at(c, "/state/waiting/reason").is_some_and(|r| BAD.contains(&r))
                || (write.made(pod) && int_at(c, "/restartCount", 0) > 0)
        })
    })
}

fn owner(plan: &Plan, seen: &Observation, applied: Timestamp) -> Health {
    let gone = plan.target.uid.as_ref().map(crate::names::Uid::as_str);
    if seen
        .target
        .as_ref()
        .is_some_and(|t| text_at(t, "/metadata/uid") == gone)
    {
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
        return Health::NotYet(format!(
            "{} of {} replicas are available",
            now.available, now.desired
        ));
    }
    let newer = seen.pods.iter().any(|p| {
        is_ready(p)
            && created(p).is_some_and(|c| c >= whole_second(applied))
            && controller(p).is_some()
    });
    if !newer {
        return Health::NotYet("no ready pod is newer than the write".to_owned());
    }
    Health::Healthy(format!(
        "{} of {} replicas are available, the pod was replaced",
        now.available, now.desired
    ))
}

fn quota(plan: &Plan, seen: &Observation) -> Health {
    let gone = plan.target.uid.as_ref().map(crate::names::Uid::as_str);
    if seen
        .target
        .as_ref()
        .is_some_and(|t| text_at(t, "/metadata/uid") == gone)
    {
        return Health::NotYet("the quota still exists".to_owned());
    }
    match seen.refused.first() {
        Some(workload) => Health::NotYet(format!("{workload} is still short of pods")),
        None => Health::Healthy("the quota is gone and no workload is short of pods".to_owned()),
    }
}

fn restored(plan: &Plan, seen: &Observation) -> Health {
    let (Some(live), Some(result)) = (&seen.target, plan.result_object()) else {
        return Health::Vanished;
    };
    if shows(live, &result, &plan.free) {
        Health::Healthy("the object exists as it was kept".to_owned())
    } else {
        Health::NotYet("the object exists with other content".to_owned())
    }
}

#[cfg(test)]
#[path = "oracle_tests.rs"]
mod tests;
