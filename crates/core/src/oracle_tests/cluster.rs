//! Small builders of what an oracle sees: a workload, its pods, the plan and its execution.
//!
//! Owns the builders. Time is seconds of one minute; the write was begun at second 10.

use crate::action::ChangeType;
use crate::catalogue;
use crate::life::{Execution, Grant, Purpose};
use crate::names::{Namespace, ObjectName, Uid};
use crate::object::{Kind, ObjectRef};
use crate::oracle::{Health, Observation, judge};
use crate::plan::{Baseline, DryRun, Plan};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const BEGUN: i64 = 10;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_323_040 + second).unwrap()
}

/// A workload of two replicas that is as it should be after the write of generation 2.
pub(super) fn workload(kind: Kind) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind.as_str(),
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "app", "image": "r/web:good"}]}}},
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    });
    if kind == Kind::DaemonSet {
        object["spec"].as_object_mut().unwrap().remove("replicas");
        object["status"] = json!({"observedGeneration": 2, "desiredNumberScheduled": 2,
            "updatedNumberScheduled": 2, "numberReady": 2, "numberAvailable": 2});
    }
    object
}

/// A ready pod created at that second.
pub(super) fn pod(created: i64) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": format!("web-{created}"), "uid": format!("p-{created}"), "creationTimestamp": at(created).to_string(),
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "uid": "rs-1", "controller": true}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "restartCount": 0, "state": {"running": {}}}]
        }
    })
}

/// The pod's container waits for that reason and the pod is not ready.
pub(super) fn waiting(mut pod: Value, reason: &str) -> Value {
    pod["status"]["conditions"][0]["status"] = json!("False");
    pod["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": reason}});
    pod
}

/// The pod's container restarted; it last ended at that second.
pub(super) fn restarted(mut pod: Value, ended: i64) -> Value {
    pod["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    pod["status"]["containerStatuses"][0]["lastState"] =
        json!({"terminated": {"exitCode": 1, "finishedAt": at(ended).to_string()}});
    pod
}

/// The stage: a plan that was applied and what is seen of the world.
pub(super) struct Case {
    pub(super) plan: Plan,
    pub(super) execution: Execution,
    pub(super) seen: Observation,
}

/// A change whose write is done and whose workload is healthy.
pub(super) fn done(change_type: ChangeType, kind: Kind) -> Case {
    let object = workload(kind);
    Case {
        plan: plan(change_type, kind, &object),
        execution: execution(),
        seen: Observation {
            target: Some(object),
            owner: None,
            pods: vec![pod(BEGUN + 1), pod(BEGUN + 2)],
            slices: Vec::new(),
            around: Default::default(),
            refused: Vec::new(),
            namespace: true,
        },
    }
}

fn plan(change_type: ChangeType, kind: Kind, result: &Value) -> Plan {
    let entry = catalogue::entry(change_type);
    let changed = match change_type {
        ChangeType::Scale => vec!["/spec/replicas".to_owned()],
        ChangeType::SetImage => vec!["/spec/template/spec/containers/0/image".to_owned()],
        _ => Vec::new(),
    };
    let name = ObjectName::parse("web").unwrap();
    let (namespace, uid) = (Namespace::parse("shop").unwrap(), Uid::parse("u-1").unwrap());
    Plan {
        change_type,
        operation: entry.operation,
        target: ObjectRef::namespaced(kind, namespace, name, Some(uid)),
        dry_run: DryRun::Server,
        patch: String::new(),
        changed,
        before: String::new(),
        result: result.to_string(),
        free: Vec::new(),
        live: Default::default(),
        fingerprint: String::new(),
        baseline: Baseline { available: 2, desired: 2 },
        undoable: true,
        digest: String::new(),
    }
    .sealed()
}

fn execution() -> Execution {
    Execution {
        key: "c-1/0".into(),
        purpose: Purpose::Apply,
        digest: String::new(),
        grant: Grant {
            account: "bwk-c-1-a0".into(),
            purpose: Purpose::Apply,
            granted_at: at(BEGUN - 1),
            proved_at: None,
            proof: None,
            revoked_at: None,
        },
        started_at: Some(at(BEGUN)),
        applied_at: Some(at(BEGUN)),
        attempts: 1,
        resource_version: None,
        generation: Some(2),
        outcome: None,
    }
}

impl Case {
    pub(super) fn judge(&self) -> Health {
        judge(&self.plan, &self.execution, &self.seen)
    }

    pub(super) fn target(&mut self) -> &mut Value {
        self.seen.target.as_mut().unwrap()
    }

    /// Sets a field of the target.
    pub(super) fn set(mut self, pointer: &str, value: Value) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        self.target().pointer_mut(parent).unwrap()[key] = value;
        self
    }

    pub(super) fn pods(mut self, pods: Vec<Value>) -> Self {
        self.seen.pods = pods;
        self
    }
}

#[track_caller]
pub(super) fn healthy(case: &Case) {
    let health = case.judge();
    assert!(matches!(health, Health::Healthy(_)), "{health:?}");
}

/// Not yet, and the sentence says why.
#[track_caller]
pub(super) fn not_yet(case: &Case, why: &str) {
    let health = case.judge();
    assert!(matches!(&health, Health::NotYet(text) if text.contains(why)), "{health:?}");
}
