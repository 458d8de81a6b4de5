//! What bounds are checked against, as the caller may read it.
//!
//! Owns reading it live; the operator reads the same from its index. Must never guess: what cannot
//! be read makes the values unjudged. Reads from the API server.

use crate::cluster::Cluster;
use crate::exit::Outcomes;
use crate::objects::{dynamic, get_value};
use bailiwick_api::Change;
use bailiwick_core::action::{Action, Origin, ResourceName, ServiceSettings};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::Proposal;
use bailiwick_core::plan::bounds::{Facts, kinds_around};
use bailiwick_core::plan::build::Sources;
use bailiwick_core::plan::object::{controller, has_condition, name_of, selector_of, selector_text, text_at};
use bailiwick_core::quantity::Quantity;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;
use std::collections::BTreeMap;

type Amounts = BTreeMap<ResourceName, Quantity>;

/// Reads the facts beside a proposal.
///
/// # Errors
/// Where one of them cannot be read.
pub(super) async fn gather(cluster: &Cluster, proposal: &Proposal) -> Outcomes<Facts> {
    let target = &proposal.target;
    let live = get_value(cluster, target.kind, target.namespace_str(), target.name.as_str()).await?;
    let owner_alive = match (&proposal.action, &live) {
        (Action::DeletePod {}, Some(pod)) => owner_alive(cluster, pod, proposal).await?,
        _ => false,
    };
    let (selected, selected_now) = match &proposal.action {
        Action::PatchService { settings } => selected(cluster, proposal, &settings.value, live.as_ref()).await?,
        _ => (Vec::new(), Vec::new()),
    };
    let largest_free = match proposal.action {
        Action::SetResources { .. } => largest_free(cluster, target).await?,
        _ => Amounts::new(),
    };
    let autoscaled = target.kind.is_workload() && autoscaled(cluster, target).await?;
    let sources = Sources {
        target: live,
        revision: revision(cluster, proposal).await?,
        kept: kept(cluster, proposal).await?,
        autoscaled,
    };
    let takers = match proposal.action {
        Action::Cordon {} => takers(cluster, target).await?,
        _ => 0,
    };
    let around = around(cluster, proposal).await?;
    // Only the operator, which watches, remembers what was there before.
    let earlier = Vec::new();
    Ok(Facts { sources, owner_alive, selected, selected_now, largest_free, takers, around, earlier })
}

/// What the values of the action may name.
async fn around(cluster: &Cluster, proposal: &Proposal) -> Outcomes<BTreeMap<Kind, Vec<Value>>> {
    let mut all = BTreeMap::new();
    for kind in kinds_around(&proposal.action) {
        all.insert(kind, listed(cluster, kind, proposal.namespace.as_str(), &ListParams::default()).await?);
    }
    Ok(all)
}

async fn listed(cluster: &Cluster, kind: Kind, namespace: &str, which: &ListParams) -> Outcomes<Vec<Value>> {
    let list = dynamic(cluster, kind, namespace).list(which).await;
    let list =
        list.map_err(|e| cluster.fault(&format!("list {} in namespace {namespace}", kind.served().resource), &e))?;
    Ok(list.items.into_iter().filter_map(|object| serde_json::to_value(object).ok()).collect())
}

/// Pods that the Service would select with the settings, and those that it selects now.
async fn selected(
    cluster: &Cluster,
    proposal: &Proposal,
    settings: &ServiceSettings,
    service: Option<&Value>,
) -> Outcomes<(Vec<Value>, Vec<Value>)> {
    let namespace = proposal.namespace.as_str();
    let now = match service.and_then(selector_of) {
        Some(labels) => listed(cluster, Kind::Pod, namespace, &ListParams::default().labels(&labels)).await?,
        None => Vec::new(),
    };
    match selector_text(&settings.selector) {
        Some(labels) => {
            let then = listed(cluster, Kind::Pod, namespace, &ListParams::default().labels(&labels)).await?;
            Ok((then, now))
        }
        None => Ok((now.clone(), now)),
    }
}

async fn revision(cluster: &Cluster, proposal: &Proposal) -> Outcomes<Option<Value>> {
    let source = proposal.action.origins().into_iter().find_map(|(_, origin)| match origin {
        Origin::RevisionHistory { source, .. } => Some(source.clone()),
        _ => None,
    });
    let Some(source) = source else { return Ok(None) };
    let kind = if proposal.target.kind == Kind::Deployment { Kind::ReplicaSet } else { Kind::ControllerRevision };
    get_value(cluster, kind, proposal.namespace.as_str(), source.as_str()).await
}

async fn kept(cluster: &Cluster, proposal: &Proposal) -> Outcomes<Option<Value>> {
    let Action::RestoreObject { copy } = &proposal.action else { return Ok(None) };
    let found = cluster.within::<Change>(proposal.namespace.as_str()).get_opt(copy.value.as_str()).await;
    let found = found.map_err(|e| cluster.fault("read the change that keeps the copy", &e))?;
    let record = found.and_then(|c| c.status).filter(|r| r.executions.iter().any(|e| e.is_applied()));
    Ok(record.and_then(|r| r.plan).filter(|p| p.is_intact()).and_then(|p| p.before_object()))
}

async fn owner_alive(cluster: &Cluster, pod: &Value, proposal: &Proposal) -> Outcomes<bool> {
    let Some((kind, name, uid)) = controller(pod) else { return Ok(false) };
    let Some(kind) = Kind::parse(kind) else { return Ok(false) };
    let owner = get_value(cluster, kind, proposal.namespace.as_str(), name).await?;
    Ok(owner.is_some_and(|o| {
        text_at(&o, "/metadata/uid") == Some(uid) && o.pointer("/metadata/deletionTimestamp").is_none()
    }))
}

async fn autoscaled(cluster: &Cluster, target: &ObjectRef) -> Outcomes<bool> {
    let listed =
        dynamic(cluster, Kind::HorizontalPodAutoscaler, target.namespace_str()).list(&ListParams::default()).await;
    let listed = listed.map_err(|e| cluster.fault("list horizontalpodautoscalers", &e))?;
    Ok(listed.items.iter().any(|hpa| {
        text_at(&hpa.data, "/spec/scaleTargetRef/kind") == Some(target.kind.as_str())
            && text_at(&hpa.data, "/spec/scaleTargetRef/name") == Some(target.name.as_str())
    }))
}

/// How many nodes beside the target are ready and take pods, any pods: a taint keeps most of them away.
async fn takers(cluster: &Cluster, target: &ObjectRef) -> Outcomes<usize> {
    let nodes = listed(cluster, Kind::Node, "", &ListParams::default()).await?;
    let takes = |node: &&Value| {
        name_of(node) != target.name.as_str()
            && has_condition(node, "Ready", "True")
            && node.pointer("/spec/unschedulable").and_then(Value::as_bool) != Some(true)
            && !is_tainted(node)
    };
    Ok(nodes.iter().filter(takes).count())
}

fn is_tainted(node: &Value) -> bool {
    let taints = node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten();
    taints.filter_map(|taint| text_at(taint, "/effect")).any(|effect| effect != "PreferNoSchedule")
}

/// The most that one schedulable node has left, the workload's own pods not counted.
async fn largest_free(cluster: &Cluster, target: &ObjectRef) -> Outcomes<Amounts> {
    let nodes = Api::<Node>::all(cluster.client.clone()).list(&ListParams::default()).await;
    let nodes = nodes.map_err(|e| cluster.fault("list nodes", &e))?;
    let pods = Api::<Pod>::all(cluster.client.clone()).list(&ListParams::default()).await;
    let pods = pods.map_err(|e| cluster.fault("list pods in all namespaces", &e))?;
    let mut largest = Amounts::new();
    for node in nodes.items.iter().filter(|n| n.spec.as_ref().is_none_or(|s| s.unschedulable != Some(true))) {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let whole = node.status.as_ref().and_then(|s| s.allocatable.as_ref());
        for resource in [ResourceName::Cpu, ResourceName::Memory] {
            let text = whole.and_then(|w| w.get(resource.as_str()));
            let Some(mut free) = text.and_then(|q| Quantity::parse(&q.0).ok()) else { continue };
            for pod in pods.items.iter().filter(|p| on(p, name) && !owned(p, target)) {
                free = requested(pod, resource).into_iter().try_fold(free, |f, q| f.checked_sub(q)).unwrap_or(free);
            }
            if largest.get(&resource).is_none_or(|most| free > *most) {
                largest.insert(resource, free);
            }
        }
    }
    Ok(largest)
}

fn on(pod: &Pod, node: &str) -> bool {
    let ended = pod.status.as_ref().and_then(|s| s.phase.as_deref()).is_some_and(|p| p == "Succeeded" || p == "Failed");
    !ended && pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) == Some(node)
}

/// A pod of the workload itself is replaced, so what it holds is free. ReplicaSets carry their
/// Deployment's name as a prefix; being wrong here only makes the estimate stricter or laxer by
/// one workload, and the operator checks again from the owners themselves.
fn owned(pod: &Pod, target: &ObjectRef) -> bool {
    let here = pod.metadata.namespace.as_deref() == Some(target.namespace_str());
    let head = format!("{}-", target.name);
    here && pod.metadata.owner_references.iter().flatten().any(|o| {
        o.controller == Some(true)
            && (o.name == target.name.as_str() || (o.kind == "ReplicaSet" && o.name.starts_with(&head)))
    })
}

fn requested(pod: &Pod, resource: ResourceName) -> Vec<Quantity> {
    let containers = pod.spec.iter().flat_map(|s| &s.containers);
    let requests = containers.filter_map(|c| c.resources.as_ref()?.requests.as_ref()?.get(resource.as_str()));
    requests.filter_map(|q| Quantity::parse(&q.0).ok()).collect()
}
