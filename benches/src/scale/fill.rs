//! A large cluster out of objects: nodes that nobody runs, and pods that are said to run on them.
//!
//! Owns the objects and the heartbeats of the nodes. The pods are made by the cluster's own controllers and bound by
//! their template; only their status is written here, in place of a kubelet. Must never touch what it did not make.

use crate::ask::{PATIENCE, apply, delete, poll};
use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ServiceAccount};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::interval;

pub(super) const NAMESPACE: &str = "bench-scale";
const NODES: usize = 40;
/// Pods of one Deployment.
pub(super) const REPLICAS: usize = 10;
/// One Deployment of so many has a pod that crashes.
pub(super) const BROKEN_OF: usize = 4;
/// Requests side by side.
const SIDE_BY_SIDE: usize = 32;
/// A node that has not been heard of for 40 s counts as lost.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long making all of it may take.
const LONG: Duration = Duration::from_mins(30);

fn node(n: usize) -> String {
    format!("bench-node-{}", n % NODES)
}

/// What is made in a cluster.
#[derive(Clone)]
pub(super) struct Large {
    client: Client,
    deployments: usize,
}

impl Large {
    pub(super) fn new(client: Client, pods: usize) -> Self {
        Self { client, deployments: pods / REPLICAS }
    }

    pub(super) fn pods(&self) -> usize {
        self.deployments * REPLICAS
    }

    pub(super) fn broken(&self) -> usize {
        self.deployments.div_ceil(BROKEN_OF)
    }

    /// Makes everything; returns when each pod has its status.
    pub(super) async fn make(&self) -> Result<()> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        self.beat().await?;
        for n in 0..NODES {
            apply(&nodes, &node(n), &node_object(n)).await?;
            let status = Patch::Merge(node_status());
            nodes.patch_status(&node(n), &PatchParams::default(), &status).await.context("say that a node is ready")?;
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        apply(&Api::<Namespace>::all(self.client.clone()), NAMESPACE, &namespace).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), NAMESPACE);
        let account = async || Ok(accounts.get_opt("default").await?);
        poll("the namespace's default account", PATIENCE, account).await?;
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let all = (0..self.deployments).map(|n| {
            let deployments = &deployments;
            async move { apply(deployments, &format!("web-{n}"), &deployment(n)).await }
        });
        stream::iter(all).buffer_unordered(SIDE_BY_SIDE).try_collect::<Vec<()>>().await?;
        self.run_pods().await
    }

    /// Says of each pod that it runs, and of one in each broken Deployment that it crashes.
    async fn run_pods(&self) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), NAMESPACE);
        let mut broken = BTreeSet::new();
        let mut said = 0;
        let pending = ListParams::default().fields("status.phase=Pending").limit(1_000);
        poll("all pods to run", LONG, async || {
            let found = pods.list(&pending).await?.items;
            let all = found.iter().enumerate().map(|(n, pod)| {
                let crashes = is_to_break(pod) && broken.insert(pod.labels().get("app").cloned());
                (pod.name_any(), pod_status(said + n, crashes))
            });
            let all: Vec<(String, Value)> = all.collect();
            said += all.len();
            let all = all.into_iter().map(|(name, status)| {
                let pods = &pods;
                async move { pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await.map(|_| ()) }
            });
            stream::iter(all).buffer_unordered(SIDE_BY_SIDE).try_collect::<Vec<()>>().await?;
            Ok((said >= self.pods()).then_some(()))
        })
        .await
    }

    /// Keeps the nodes alive until it is dropped.
    pub(super) async fn keep_alive(self) -> Result<()> {
        let mut ticks = interval(HEARTBEAT);
        loop {
            ticks.tick().await;
            self.beat().await?;
        }
    }

    async fn beat(&self) -> Result<()> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-node-lease");
        for n in 0..NODES {
            let now = format!("{:.6}", Timestamp::now());
            let spec = json!({"holderIdentity": node(n), "leaseDurationSeconds": 40, "renewTime": now});
            let metadata = json!({"name": node(n), "namespace": "kube-node-lease"});
            let lease =
                json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec});
            apply(&leases, &node(n), &lease).await?;
        }
        Ok(())
    }

    /// Deletes what was made; returns when it is gone.
    pub(super) async fn clean(&self) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        delete(&namespaces, NAMESPACE).await?;
        poll("the namespace to go", LONG, async || {
            let left = namespaces.get_opt(NAMESPACE).await?;
            Ok(left.is_none().then_some(()))
        })
        .await?;
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-node-lease");
        for n in 0..NODES {
            delete(&Api::<Node>::all(self.client.clone()), &node(n)).await?;
            delete(&leases, &node(n)).await?;
        }
        Ok(())
    }
}

fn is_to_break(pod: &Pod) -> bool {
    let number = pod.labels().get("app").and_then(|app| app.strip_prefix("web-")?.parse::<usize>().ok());
    number.is_some_and(|n| n % BROKEN_OF == 0)
}

/// The scheduler is kept away: pods come bound.
fn node_object(n: usize) -> Value {
    let taints = json!([{"key": "bailiwick.dev/bench", "effect": "NoSchedule"}]);
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node(n)}, "spec": {"taints": taints}})
}

fn node_status() -> Value {
    let now = Timestamp::now().to_string();
    let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "said by a bench",
        "lastHeartbeatTime": now, "lastTransitionTime": now});
    let room = json!({"cpu": "1000", "memory": "1Ti", "pods": "10000"});
    json!({"status": {"capacity": room, "allocatable": room, "conditions": [ready]}})
}

fn deployment(n: usize) -> Value {
    let labels = json!({"app": format!("web-{n}")});
    let container = json!({"name": "main", "image": "bench.invalid/web:1", "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}], "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}}});
    // Nobody is there to confirm that a pod has ended.
    let spec = json!({"nodeName": node(n), "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false,
        "containers": [container]});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("web-{n}"), "labels": labels},
        "spec": {"replicas": REPLICAS, "progressDeadlineSeconds": 86_400, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec}}})
}

fn pod_status(n: usize, crashes: bool) -> Value {
    let now = Timestamp::now().to_string();
    let state = if crashes {
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}})
    } else {
        json!({"running": {"startedAt": now}})
    };
    let last = if crashes {
        json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}})
    } else {
        json!({})
    };
    let container = json!({"name": "main", "image": "bench.invalid/web:1", "imageID": "bench.invalid/web@sha256:00",
        "containerID": format!("containerd://{n:064x}"), "ready": !crashes, "started": !crashes,
        "restartCount": if crashes { 6 } else { 0 }, "state": state, "lastState": last});
    let ready = if crashes { "False" } else { "True" };
    let conditions = [("PodScheduled", "True"), ("Initialized", "True"), ("ContainersReady", ready), ("Ready", ready)];
    let conditions =
        conditions.map(|(kind, status)| json!({"type": kind, "status": status, "lastTransitionTime": now}));
    let ip = format!("10.200.{}.{}", n / 250, n % 250);
    json!({"status": {"phase": "Running", "startTime": now, "podIP": ip, "podIPs": [{"ip": ip}],
        "conditions": conditions, "containerStatuses": [container]}})
}
