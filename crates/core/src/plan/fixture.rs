//! For tests: one good case of every Change type, from which a test takes away what it is about.
//!
//! Owns the cases. The match over the types has no wildcard, so a new type has its case here or
//! does not compile.

use super::Proposal;
use super::bounds::Facts;
use super::build::Sources;
use crate::action::{Action, ChangeType, Origin, Param, ResourceName, Resources};
use crate::mandate::Bounds;
use crate::names::{ContainerName, Namespace, ObjectName, Uid};
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
        ChangeType::DeletePod => (Kind::Pod, Some(pod()), None),
        ChangeType::DeleteResourceQuota => (Kind::ResourceQuota, Some(quota()), None),
        ChangeType::RestoreObject => (Kind::ResourceQuota, None, Some(quota())),
    }
}

/// A case in which nothing is wrong.
pub(crate) fn case(change_type: ChangeType) -> Case {
    let (kind, target, kept) = subject(change_type);
    let namespace = Namespace::parse("shop").unwrap();
    let of_target = target.is_some().then(|| uid("u-1"));
    let proposal = Proposal {
        namespace: namespace.clone(),
        name: name("fix-web"),
        uid: uid("c-1"),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        proposer: OPERATOR.into(),
        action: action(change_type),
        target: ObjectRef::namespaced(kind, namespace, name("web"), of_target),
    };
    let free = [(ResourceName::Cpu, "2"), (ResourceName::Memory, "1Gi")];
    let facts = Facts {
        sources: Sources { target, revision: Some(revision()), kept, autoscaled: false },
        owner_alive: true,
        largest_free: free.into_iter().map(|(name, text)| (name, Quantity::parse(text).unwrap())).collect(),
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
    let template = revision()["spec"]["template"].clone();
    let mut history = revision();
    history["kind"] = json!("ControllerRevision");
    history["revision"] = json!(1);
    history["data"] = json!({"spec": {"template": template}});
    history.as_object_mut().unwrap().remove("spec");
    history["metadata"]["ownerReferences"][0]["kind"] = json!(kind.as_str());
    case.facts.sources.revision = Some(history);
    case
}
