//! For tests: one good case of every Change type, from which a test takes away what it is about.
//!
//! Owns the cases. The match over the types has no wildcard, so a new type has its case here or
//! does not compile.

use super::Proposal;
use super::bounds::Facts;
use super::build::Sources;
use crate::action::{
    Action, ChangeType, HpaSettings, IngressSettings, Origin, Param, ProbeName, ProbeSettings, ResourceName, Resources,
    SchedulingPart, ServiceSettings, Strategy,
};
use crate::mandate::Bounds;
use crate::names::{Amount, ContainerName, Namespace, ObjectName, Uid, VariableName, VolumeName};
use crate::object::{Kind, ObjectRef};
use crate::quantity::Quantity;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A proposal, what the cluster says of it, and the bounds that hold.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) proposal: Proposal,
    pub(crate) facts: Facts,
    pub(crate) bounds: Bounds,
}

pub(crate) const OPERATOR: &str = "operator";

pub(crate) fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

pub(crate) fn app() -> ContainerName {
    ContainerName::parse("app").unwrap()
}

pub(crate) fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// From revision 1, which `revision` is.
pub(crate) fn history() -> Origin {
    Origin::RevisionHistory { source: name("web-1"), revision: 1 }
}

/// The kept copy of the Change `drop-quota`.
pub(crate) fn copy() -> Origin {
    Origin::KeptCopy { change: name("drop-quota"), uid: uid("c-0") }
}

/// A Deployment whose image is bad.
pub(crate) fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2, "resourceVersion": "77"},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
            "initContainers": [{"name": "migrate", "image": "r/migrate:1"}],
            "containers": [{"name": "app", "image": "r/web:bad", "resources": {
                "requests": {"memory": "32Mi"}, "limits": {"memory": "64Mi", "cpu": "1"}}}]}}},
        "status": {"replicas": 2}
    })
}

/// Its revision 1, whose image was good and whose memory limit was 48Mi.
pub(crate) fn revision() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "rs-1",
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u-1", "controller": true}]},
        "spec": {"template": {"metadata": {"labels": {"app": "web", "pod-template-hash": "1"}}, "spec": {
            "initContainers": [{"name": "migrate", "image": "r/migrate:1"}],
            "containers": [{"name": "app", "image": "r/web:good", "resources": {"limits": {"memory": "48Mi", "cpu": "1"}}}]}}}
    })
}

/// The Deployment and its revision 1 with a bad and a good value of everything that a change puts back.
fn with_parts() -> (Value, Value) {
    let (mut live, mut old) = (deployment(), revision());
    let side = |at: &mut Value, values: [Value; 5]| {
        let [path, mode, disk, claim, port] = values;
        let pod = &mut at["spec"]["template"]["spec"];
        pod["nodeSelector"] = json!({"disk": disk});
        pod["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]);
        let app = &mut pod["containers"][0];
        app["env"] = json!([{"name": "FIRST", "value": "1"}, {"name": "MODE", "value": mode}]);
        app["ports"] = json!([{"name": "http", "containerPort": 8080}]);
        app["readinessProbe"] =
            json!({"httpGet": {"path": path, "port": port}, "timeoutSeconds": 1, "periodSeconds": 10});
    };
    side(&mut live, ["/wrong", "odd", "none", "typo", "9999"].map(|v| json!(v)));
    side(&mut old, [json!("/healthz"), json!("fast"), json!("ssd"), json!("data"), json!(8080)]);
    live["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    (live, old)
}

/// A Service that selects nothing.
pub(crate) fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
        "spec": {"selector": {"app": "wbe"}, "type": "ClusterIP", "internalTrafficPolicy": "Local",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 9999}]}
    })
}

/// An Ingress whose class is not there, and one of whose paths leads to a Service that is not there.
fn ingress() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2},
        "spec": {"ingressClassName": "ngnix", "rules": [{"host": "shop.example", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
            {"path": "/orders", "pathType": "Prefix", "backend": {"service": {"name": "ordrs", "port": {"number": 80}}}}]}}]}
    })
}

/// An autoscaler of two to four replicas whose target is not there, and which wants more than it may have.
fn autoscaler() -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
        "spec": {"minReplicas": 2, "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ordrs"}},
        "status": {"currentReplicas": 4, "desiredReplicas": 4, "conditions": [
            {"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"},
            {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}]}
    })
}

/// What there is beside the target: a class, Services and workloads, and the autoscaler itself.
fn around() -> BTreeMap<Kind, Vec<Value>> {
    let of = |name: &str| json!({"metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": 80}]}});
    BTreeMap::from([
        (Kind::IngressClass, vec![of("nginx")]),
        (Kind::Service, vec![of("web"), of("orders")]),
        (Kind::Deployment, vec![of("web"), of("orders")]),
        (Kind::StatefulSet, vec![of("data")]),
        (Kind::HorizontalPodAutoscaler, vec![autoscaler()]),
    ])
}

/// A CronJob that starts Jobs, or does not.
fn cron_job(suspend: bool) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2},
        "spec": {"schedule": "* * * * *", "suspend": suspend, "jobTemplate": {"spec": {}}}
    })
}

/// A node of the territory that is ready, and cordoned or not.
pub(crate) fn node(cordoned: bool) -> Value {
    let taint = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
    let spec = if cordoned { json!({"unschedulable": true, "taints": taint}) } else { json!({}) };
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "web", "uid": "u-1", "labels": {"autofix": "true"}},
        "spec": spec, "status": {"conditions": [{"type": "Ready", "status": "True"}]}
    })
}

/// A pod that is ready.
pub(crate) fn serving() -> Value {
    let mut pod = pod();
    pod["spec"]["containers"][0]["ports"] = json!([{"name": "http", "containerPort": 8080}]);
    pod["status"] = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    pod
}

/// A pod of that Deployment.
pub(crate) fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "rs-1", "controller": true}]},
        "spec": {"containers": [{"name": "app", "image": "r/web:bad"}]}
    })
}

/// A quota that is too small.
pub(crate) fn quota() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
        "spec": {"hard": {"pods": "1"}}
    })
}

/// What a copy of a ConfigMap or Service holds.
fn kept_of(kind: Kind) -> Value {
    let mut kept = quota();
    kept["kind"] = json!(kind.as_str());
    kept.as_object_mut().unwrap().remove("spec");
    if kind == Kind::ConfigMap {
        kept["data"] = json!({"mode": "fast"});
    } else {
        kept["spec"] = json!({"type": "NodePort", "selector": {"app": "web"}, "clusterIP": "10.0.0.7", "externalIPs": [],
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30007}]});
    }
    kept
}

/// The action of a type, with values that a good case allows.
pub(crate) fn action(change_type: ChangeType) -> Action {
    match change_type {
        ChangeType::RolloutUndo => Action::RolloutUndo { revision: Param::new(1, history()) },
        ChangeType::SetImage => {
            Action::SetImage { container: app(), image: Param::new("r/web:good".into(), history()) }
        }
        ChangeType::RolloutRestart => Action::RolloutRestart {},
        ChangeType::DeletePod => Action::DeletePod {},
        ChangeType::Scale => Action::Scale { replicas: Param::new(3, Origin::Human {}) },
        ChangeType::SetResources => {
            let limits = BTreeMap::from([(ResourceName::Memory, "128Mi".to_owned())]);
            let resources = Resources { limits, ..Resources::default() };
            Action::SetResources { container: app(), resources: Param::new(resources, Origin::CurrentValue {}) }
        }
        ChangeType::DeleteResourceQuota => Action::DeleteResourceQuota {},
        ChangeType::RestoreObject => Action::RestoreObject { copy: Param::new(name("drop-quota"), copy()) },
        ChangeType::PatchService => {
            let selector = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
            let settings = ServiceSettings { selector, ..ServiceSettings::default() };
            Action::PatchService { settings: Param::new(settings, Origin::CurrentValue {}) }
        }
        ChangeType::SetProbe => {
            let settings = ProbeSettings { path: Some("/healthz".into()), ..ProbeSettings::default() };
            Action::SetProbe {
                container: app(),
                probe: ProbeName::Readiness,
                settings: Param::new(settings, history()),
            }
        }
        ChangeType::SetEnv => Action::SetEnv {
            container: app(),
            variable: VariableName::parse("MODE").unwrap(),
            revision: Param::new(1, history()),
        },
        ChangeType::SetScheduling => {
            Action::SetScheduling { part: SchedulingPart::NodeSelector, revision: Param::new(1, history()) }
        }
        ChangeType::SetVolumeRef => {
            Action::SetVolumeRef { volume: VolumeName::parse("data").unwrap(), revision: Param::new(1, history()) }
        }
        ChangeType::SetStrategy => {
            let strategy = Strategy { max_surge: Amount::parse("1").ok(), max_unavailable: None };
            Action::SetStrategy { strategy: Param::new(strategy, Origin::Human {}) }
        }
        ChangeType::SuspendCronJob => Action::SuspendCronJob {},
        ChangeType::ResumeCronJob => Action::ResumeCronJob {},
        ChangeType::PatchIngress => {
            let settings = IngressSettings { class: Some(name("nginx")), backend: None };
            Action::PatchIngress { settings: Param::new(settings, Origin::CurrentValue {}) }
        }
        ChangeType::Cordon => Action::Cordon {},
        ChangeType::Uncordon => Action::Uncordon {},
        ChangeType::PatchHPA => {
            let settings = HpaSettings { max_replicas: Some(8), ..HpaSettings::default() };
            Action::PatchHPA { settings: Param::new(settings, Origin::CurrentValue {}) }
        }
    }
}

/// What a type is tried on: the target's kind, the live target, and a kept copy where there is one.
fn subject(change_type: ChangeType) -> (Kind, Option<Value>, Option<Value>) {
    match change_type {
        ChangeType::RolloutUndo
        | ChangeType::SetImage
        | ChangeType::RolloutRestart
        | ChangeType::Scale
        | ChangeType::SetResources => (Kind::Deployment, Some(deployment()), None),
        ChangeType::SetProbe
        | ChangeType::SetEnv
        | ChangeType::SetScheduling
        | ChangeType::SetVolumeRef
        | ChangeType::SetStrategy => (Kind::Deployment, Some(with_parts().0), None),
        ChangeType::PatchService => (Kind::Service, Some(service()), None),
        ChangeType::PatchIngress => (Kind::Ingress, Some(ingress()), None),
        ChangeType::PatchHPA => (Kind::HorizontalPodAutoscaler, Some(autoscaler()), None),
        ChangeType::SuspendCronJob => (Kind::CronJob, Some(cron_job(false)), None),
        ChangeType::ResumeCronJob => (Kind::CronJob, Some(cron_job(true)), None),
        ChangeType::Cordon => (Kind::Node, Some(node(false)), None),
        ChangeType::Uncordon => (Kind::Node, Some(node(true)), None),
        ChangeType::DeletePod => (Kind::Pod, Some(pod()), None),
        ChangeType::DeleteResourceQuota => (Kind::ResourceQuota, Some(quota()), None),
        ChangeType::RestoreObject => (Kind::ResourceQuota, None, Some(quota())),
    }
}

/// A case in which nothing is wrong.
pub(crate) fn case(change_type: ChangeType) -> Case {
    let (kind, target, kept) = subject(change_type);
    let of_target = target.is_some().then(|| uid("u-1"));
    let target_ref = match kind.served().namespaced {
        true => ObjectRef::namespaced(kind, Namespace::parse("shop").unwrap(), name("web"), of_target),
        false => ObjectRef::cluster(kind, name("web"), of_target),
    };
    let proposal = Proposal {
        namespace: Namespace::parse(target_ref.home()).unwrap(),
        name: name("fix-web"),
        uid: uid("c-1"),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        proposer: OPERATOR.into(),
        action: action(change_type),
        target: target_ref,
    };
    let has_parts = target.as_ref().is_some_and(|t| t.pointer("/spec/template/spec/volumes").is_some());
    let kept_revision = if has_parts { with_parts().1 } else { revision() };
    let free = [(ResourceName::Cpu, "2"), (ResourceName::Memory, "1Gi")];
    let facts = Facts {
        sources: Sources { target, revision: Some(kept_revision), kept, autoscaled: false },
        owner_alive: true,
        selected: vec![serving()],
        selected_now: Vec::new(),
        largest_free: free.into_iter().map(|(name, text)| (name, Quantity::parse(text).unwrap())).collect(),
        takers: 1,
        around: around(),
        earlier: Vec::new(),
    };
    Case { proposal, facts, bounds: Bounds::default() }
}

/// The same case on another kind of workload; its revision is then a ControllerRevision.
pub(crate) fn case_on(change_type: ChangeType, kind: Kind) -> Case {
    let mut case = case(change_type);
    if case.proposal.target.kind == kind {
        return case;
    }
    let namespace = case.proposal.namespace.clone();
    case.proposal.target = ObjectRef::namespaced(kind, namespace, name("web"), case.proposal.target.uid);
    if let Some(target) = &mut case.facts.sources.target {
        target["kind"] = json!(kind.as_str());
    }
    if let Some(kept) = &mut case.facts.sources.kept {
        *kept = kept_of(kind);
    }
    let mut history = case.facts.sources.revision.take().unwrap();
    let template = history["spec"]["template"].clone();
    history["kind"] = json!("ControllerRevision");
    history["revision"] = json!(1);
    history["data"] = json!({"spec": {"template": template}});
    history.as_object_mut().unwrap().remove("spec");
    history["metadata"]["ownerReferences"][0]["kind"] = json!(kind.as_str());
    case.facts.sources.revision = Some(history);
    case
}
