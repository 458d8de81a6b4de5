//! The peer: typed API objects, and one pass over them in the manner of k8sgpt's analyzers.
//!
//! Owns what a tool without an index does: whole `k8s-openapi` objects, read field by field, with
//! events looked up by uid. It names what is wrong; it groups nothing, knows no history, and
//! proposes nothing. No IO.

use crate::fixture::Cluster;
use anyhow::{Context as _, Result};
use bailiwick_core::object::Kind;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, ContainerStatus, Event, Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::ObjectList;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};

/// Reasons of waiting that are failures.
const FAILURES: [&str; 8] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "InvalidImageName",
    "RunContainerError",
    "PreCreateHookError",
];

/// The lists of a cluster, page by page, as they come from the API server.
pub(crate) struct Pages(pub(crate) Vec<(Kind, Vec<String>)>);

impl Pages {
    /// The pages of every kind that the cluster has objects of.
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let kinds = Kind::ALL.iter().filter(|kind| !cluster.of(**kind).is_empty());
        Self(kinds.map(|kind| (*kind, cluster.pages(*kind))).collect())
    }

    fn read<K: DeserializeOwned + Clone>(&self, kind: Kind) -> Result<Vec<K>> {
        let mut all = Vec::new();
        for page in self.0.iter().filter(|(of, _)| *of == kind).flat_map(|(_, pages)| pages) {
            let list: ObjectList<K> =
                serde_json::from_str(page).with_context(|| format!("read a typed list of {kind}"))?;
            all.extend(list.items);
        }
        Ok(all)
    }
}

/// A cluster as whole objects.
pub(crate) struct Typed {
    pub(crate) pods: Vec<Pod>,
    deployments: Vec<Deployment>,
    replica_sets: Vec<ReplicaSet>,
    stateful_sets: Vec<StatefulSet>,
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
    events: Vec<Event>,
    /// Read for what they would tell, and walked by no analyzer here.
    _others: Others,
}

type Others = (Vec<DaemonSet>, Vec<Job>, Vec<Node>, Vec<Namespace>, Vec<ConfigMap>);

impl Typed {
    pub(crate) fn read(pages: &Pages) -> Result<Self> {
        Ok(Self {
            pods: pages.read(Kind::Pod)?,
            deployments: pages.read(Kind::Deployment)?,
            replica_sets: pages.read(Kind::ReplicaSet)?,
            stateful_sets: pages.read(Kind::StatefulSet)?,
            services: pages.read(Kind::Service)?,
            slices: pages.read(Kind::EndpointSlice)?,
            events: pages.read(Kind::Event)?,
            _others: (
                pages.read(Kind::DaemonSet)?,
                pages.read(Kind::Job)?,
                pages.read(Kind::Node)?,
                pages.read(Kind::Namespace)?,
                pages.read(Kind::ConfigMap)?,
            ),
        })
    }

    /// Everything that looks wrong, as `(name, what)`.
    pub(crate) fn walk(&self) -> Vec<(&str, String)> {
        let mut events: HashMap<&str, Vec<&Event>> = HashMap::new();
        for event in self.events.iter().filter(|e| e.type_.as_deref() == Some("Warning")) {
            events.entry(event.involved_object.uid.as_deref().unwrap_or_default()).or_default().push(event);
        }
        let mut found = Vec::new();
        for pod in &self.pods {
            let told = events.get(pod.metadata.uid.as_deref().unwrap_or_default());
            look(pod, told.map_or(&[], Vec::as_slice), &mut found);
        }
        found.extend(self.deployments.iter().filter_map(deployment));
        found.extend(self.replica_sets.iter().filter_map(replica_set));
        self.services(&mut found);
        found
    }

    /// Services without a ready endpoint, and StatefulSets without their Service.
    fn services<'a>(&'a self, found: &mut Vec<(&'a str, String)>) {
        let mut served: HashSet<(&str, &str)> = HashSet::new();
        for slice in &self.slices {
            let of = slice.metadata.labels.as_ref().and_then(|l| l.get("kubernetes.io/service-name"));
            let up =
                slice.endpoints.iter().flatten().any(|e| e.conditions.as_ref().is_some_and(|c| c.ready == Some(true)));
            if let Some(of) = of.filter(|_| up) {
                served.insert((slice.metadata.namespace.as_deref().unwrap_or_default(), of));
            }
        }
        let mut known: HashSet<(&str, &str)> = HashSet::new();
        for service in &self.services {
            let name = service.metadata.name.as_deref().unwrap_or_default();
            let key = (service.metadata.namespace.as_deref().unwrap_or_default(), name);
            known.insert(key);
            let selects = service.spec.as_ref().is_some_and(|s| s.selector.is_some());
            if selects && !served.contains(&key) {
                found.push((name, "Service has no endpoints".to_owned()));
            }
        }
        for set in &self.stateful_sets {
            let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
            let service = set.spec.as_ref().and_then(|s| s.service_name.as_deref()).unwrap_or_default();
            if !known.contains(&(namespace, service)) {
                let name = set.metadata.name.as_deref().unwrap_or_default();
                found.push((name, format!("StatefulSet uses the service {service} which does not exist")));
            }
        }
    }
}

/// What looks wrong with one pod.
pub(crate) fn look<'a>(pod: &'a Pod, events: &[&Event], found: &mut Vec<(&'a str, String)>) {
    let Some(status) = &pod.status else { return };
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let phase = status.phase.as_deref().unwrap_or_default();
    for condition in status.conditions.iter().flatten() {
        if phase == "Pending"
            && condition.type_ == "PodScheduled"
            && condition.reason.as_deref() == Some("Unschedulable")
        {
            found.push((name, condition.message.clone().unwrap_or_default()));
        }
    }
    for container in status.init_container_statuses.iter().chain(&status.container_statuses).flatten() {
        let told = container_failure(container, phase, events);
        found.extend(told.map(|text| (name, text)));
    }
}

fn container_failure(container: &ContainerStatus, phase: &str, events: &[&Event]) -> Option<String> {
    let latest = |reason: &str| {
        let of = events.iter().filter(|e| e.reason.as_deref() == Some(reason));
        of.max_by_key(|e| e.last_timestamp.as_ref().map(|t| t.0)).and_then(|e| e.message.clone())
    };
    if let Some(waiting) = container.state.as_ref().and_then(|s| s.waiting.as_ref()) {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let ended = container.last_state.as_ref().and_then(|s| s.terminated.as_ref());
        return match reason {
            "CrashLoopBackOff" => ended.map(|end| {
                let why = end.reason.as_deref().unwrap_or_default();
                format!("the last termination reason is {why} container={}", container.name)
            }),
            "ContainerCreating" if phase == "Pending" => {
                latest("FailedCreatePodSandBox").or_else(|| latest("FailedMount"))
            }
            other if FAILURES.contains(&other) => waiting.message.clone(),
            _ => None,
        };
    }
    let ended = container.state.as_ref().and_then(|s| s.terminated.as_ref());
    if let Some(end) = ended {
        return (end.exit_code != 0).then(|| format!("{} exit code {}", container.name, end.exit_code));
    }
    (!container.ready && phase == "Running").then(|| latest("Unhealthy")).flatten()
}

fn deployment(deployment: &Deployment) -> Option<(&str, String)> {
    let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let ready = deployment.status.as_ref().and_then(|s| s.ready_replicas).unwrap_or(0);
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    (wanted != ready).then(|| (name, format!("Deployment {name} has {wanted} replicas but {ready} are available")))
}

fn replica_set(set: &ReplicaSet) -> Option<(&str, String)> {
    let status = set.status.as_ref().filter(|s| s.replicas == 0)?;
    let failed = status.conditions.iter().flatten().find(|c| c.type_ == "ReplicaFailure" && c.status == "True")?;
    Some((set.metadata.name.as_deref().unwrap_or_default(), failed.message.clone().unwrap_or_default()))
}
