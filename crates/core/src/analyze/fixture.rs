//! A small cluster for tests, built object by object as the API server would show it.

use super::{Analysis, examine};
use crate::action::{Action, Origin};
use crate::finding::Finding;
use crate::index::{Index, Observed};
use crate::object::Kind;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// When everything in a fixture was made, if nothing else is said.
const START: &str = "2026-01-01T00:00:00Z";

/// A cluster with one namespace, `shop`, ten minutes old.
pub(crate) struct World {
    pub(crate) index: Index,
    pub(crate) now: Timestamp,
    rv: u64,
}

/// The time so many seconds after the start.
pub(crate) fn at(seconds: i64) -> String {
    (START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)).to_string()
}

/// A pod spec with one container, `web`.
pub(crate) fn spec(container: Value) -> Value {
    let mut web = json!({"name": "web", "image": "shop/web:1"});
    merge(&mut web, container);
    json!({"containers": [web], "restartPolicy": "Always"})
}

/// Overwrites and adds fields, deeply.
pub(crate) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// The status of a pod whose container `web` waits.
pub(crate) fn waiting(reason: &str, message: &str) -> Value {
    json!({"phase": "Pending", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}}]})
}

/// The status of a pod whose container `web` waits to be restarted after ending.
pub(crate) fn backing_off(restarts: u32, exit: Value) -> Value {
    let mut ended = json!({"exitCode": 1, "reason": "Error", "startedAt": at(580), "finishedAt": at(581)});
    merge(&mut ended, exit);
    json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": restarts, "lastState": {"terminated": ended},
         "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=web"}}}]})
}

impl World {
    pub(crate) fn new() -> Self {
        Self { index: Index::new(), now: at(600).parse().unwrap(), rv: 100 }
    }

    pub(crate) fn put(&mut self, kind: Kind, mut object: Value) -> &mut Self {
        self.rv += 1;
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let mut all = json!({"metadata": {
            "namespace": if kind.served().namespaced { "shop" } else { "" },
            "uid": format!("{kind}-{name}"), "resourceVersion": self.rv.to_string(), "creationTimestamp": START,
        }});
        merge(&mut all, std::mem::take(&mut object));
        self.index.apply(Observed::from_json(kind, all).unwrap().unwrap());
        self
    }

    /// A Deployment that wants `desired` pods, with one ReplicaSet for each spec; revision 1 first.
    pub(crate) fn deployment(&mut self, desired: i32, revisions: &[Value]) -> &mut Self {
        let newest = revisions.last().unwrap();
        self.put(
            Kind::Deployment,
            json!({
                "metadata": {"name": "web"},
                "spec": {"replicas": desired, "template": {"metadata": {"labels": {"app": "web"}}, "spec": newest}},
            }),
        );
        for (i, spec) in revisions.iter().enumerate() {
            let wanted = if i + 1 == revisions.len() { desired } else { 0 };
            self.replica_set(i + 1, spec, json!({"spec": {"replicas": wanted}, "status": {"replicas": wanted}}));
        }
        self
    }

    /// A ReplicaSet of the Deployment `web`.
    pub(crate) fn replica_set(&mut self, revision: usize, spec: &Value, more: Value) -> &mut Self {
        let mut object = json!({
            "metadata": {"name": format!("web-r{revision}"), "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
                "ownerReferences": [owner(Kind::Deployment, "web")]},
            "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}},
        });
        merge(&mut object, more);
        self.put(Kind::ReplicaSet, object)
    }

    /// A pod of a revision of the Deployment `web`.
    pub(crate) fn pod(&mut self, revision: usize, name: &str, status: Value) -> &mut Self {
        let set = format!("web-r{revision}");
        let template = self.index.view().named(Kind::ReplicaSet, "shop", &set).unwrap().workload().unwrap();
        let image = template.template.containers.iter().find(|c| &*c.name == "web").unwrap().image.to_string();
        self.pod_of((Kind::ReplicaSet, &set), name, spec(json!({"image": image})), status)
    }

    /// A pod of any owner.
    pub(crate) fn pod_of(&mut self, owner: (Kind, &str), name: &str, spec: Value, status: Value) -> &mut Self {
        let (kind, of) = owner;
        let mut object = json!({
            "metadata": {"name": format!("{of}-{name}"), "labels": {"app": "web", "pod-template-hash": of.trim_start_matches("web-")},
                "ownerReferences": [super::fixture::owner(kind, of)]},
            "spec": spec, "status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": START}]},
        });
        merge(&mut object["spec"], json!({"nodeName": "n1"}));
        merge(&mut object["status"], status);
        if object["status"]["conditions"].as_array().unwrap().iter().any(|c| c["type"] == "PodScheduled") {
            object["spec"]["nodeName"] = json!("");
        }
        self.put(Kind::Pod, object)
    }

    /// A pod of a revision that is well since the start.
    pub(crate) fn well(&mut self, revision: usize, name: &str) -> &mut Self {
        self.pod(revision, name, well())
    }

    /// A warning (or, for `Killing` and `BackOff`, normal) event, so many seconds after the start.
    pub(crate) fn event(&mut self, object: &str, reason: &str, message: &str, seconds: i64) -> &mut Self {
        let normal = matches!(reason, "Killing" | "BackOff");
        let path = if object.starts_with("Pod-") { "spec.containers{web}" } else { "" };
        self.put(Kind::Event, json!({
            "metadata": {"name": format!("{object}.{reason}.{seconds}")},
            "type": if normal { "Normal" } else { "Warning" }, "reason": reason, "message": message,
            "firstTimestamp": at(seconds), "lastTimestamp": at(seconds), "involvedObject": {"uid": object, "fieldPath": path},
        }))
    }

    pub(crate) fn examine(&self, kind: Kind, name: &str) -> Analysis {
        let mut subjects = self.index.view().subjects();
        subjects.retain(|s| s.kind == kind && s.name.as_str() == name);
        let subject = subjects.pop().unwrap_or_else(|| panic!("no subject {kind} {name}"));
        examine(&self.index.view(), &subject, self.now)
    }

    /// The findings about the Deployment `web`, one line each.
    pub(crate) fn web(&self) -> Vec<String> {
        self.findings(Kind::Deployment, "web")
    }

    pub(crate) fn findings(&self, kind: Kind, name: &str) -> Vec<String> {
        let findings = self.examine(kind, name).findings;
        assert!(findings.iter().all(|f| !f.evidence.is_empty()), "a finding without evidence: {findings:#?}");
        assert!(findings.iter().all(|f| f.summary.chars().count() <= super::text::SUMMARY_CAP));
        findings.iter().map(line).collect()
    }
}

pub(crate) fn well() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": START}],
        "containerStatuses": [{"name": "web", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": START}}}]})
}

pub(crate) fn owner(kind: Kind, name: &str) -> Value {
    json!({"apiVersion": kind.api_version(), "kind": kind, "name": name, "uid": format!("{kind}-{name}"), "controller": true})
}

/// `Cause Severity [container]: summary -> candidates`. What is proposed must be what the catalogue promises.
pub(crate) fn line(finding: &Finding) -> String {
    let promised = super::catalogue::about(finding.cause).candidates;
    let kept = |c: &crate::finding::Candidate| promised.contains(&c.action.change_type());
    assert!(finding.candidates.iter().all(kept), "{} proposes what no table says: {finding:#?}", finding.cause);
    let trusted = |o: &Origin| {
        matches!(
            o,
            Origin::RevisionHistory { .. }
                | Origin::CurrentValue {}
                | Origin::Earlier {}
                | Origin::LastKnownGood { .. }
        )
    };
    let proved = |c: &crate::finding::Candidate| c.action.origins().into_iter().all(|(_, origin)| trusted(origin));
    assert!(finding.candidates.iter().all(proved), "a value from nowhere: {finding:#?}");
    let container = finding.container.as_ref().map_or_else(String::new, |c| format!(" [{c}]"));
    let candidates: Vec<String> = finding.candidates.iter().map(|c| brief(&c.action)).collect();
    let then = if candidates.is_empty() { String::new() } else { format!(" -> {}", candidates.join(", ")) };
    format!("{} {:?}{container}: {}{then}", finding.cause, finding.severity, finding.summary)
}

fn brief(action: &Action) -> String {
    match action {
        Action::RolloutUndo { revision } => format!("RolloutUndo({})", revision.value),
        Action::SetImage { container, image } => format!("SetImage({container}={})", image.value),
        Action::SetResources { container, resources } => {
            let memory = |m: &std::collections::BTreeMap<_, String>| m.values().cloned().collect::<Vec<_>>().join("+");
            format!("SetResources({container} {})", memory(&resources.value.limits))
        }
        other => other.change_type().to_string(),
    }
}
