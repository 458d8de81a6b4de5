//! Breaking Deployments, and waiting until the operator has mended them.
//!
//! Owns the namespace and the Mandate of the bench. Must never mend anything itself. Writes as
//! whoever the kubeconfig names.

use super::images::Images;
use crate::ask::{PATIENCE, apply, delete, poll};
use crate::place::Place;
use anyhow::{Context as _, Result, bail, ensure};
use bailiwick_api::{Change, Mandate};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::index::SERVED_FOR;
use bailiwick_core::life::Phase;
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::pin::pin;
use tokio::time::timeout;

/// Everything is broken in here. Names that begin with the product's own are protected.
pub(super) const NAMESPACE: &str = "bench-repair";
const MANDATE: &str = "bailiwick-bench";

fn name(n: u16) -> String {
    format!("web-{n}")
}

/// Makes the namespace, the Mandate and the Deployments; returns when all have served.
pub(super) async fn prepare(place: &Place, images: &Images, incidents: u16) -> Result<()> {
    let client = &place.client;
    let labels = json!({"autofix": "true"});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}});
    apply(&Api::<Namespace>::all(client.clone()), NAMESPACE, &namespace).await?;
    apply(&Api::<Mandate>::namespaced(client.clone(), SYSTEM_NAMESPACE), MANDATE, &mandate()).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
    poll("the namespace's default account", PATIENCE, async || Ok(accounts.get_opt("default").await?)).await?;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    for n in 0..incidents {
        apply(&deployments, &name(n), &deployment(&name(n), &images.good)).await?;
    }
    for n in 0..incidents {
        poll(&format!("{} to have served", name(n)), PATIENCE, async || {
            let status = deployments.get(&name(n)).await?.status;
            Ok(status.filter(has_served))
        })
        .await?;
    }
    Ok(())
}

/// Long enough for its revision to count as one that works; times of Kubernetes are whole seconds.
fn has_served(status: &DeploymentStatus) -> bool {
    let available = status.conditions.iter().flatten().find(|c| c.type_ == "Available" && c.status == "True");
    let since = available.and_then(|c| c.last_transition_time.as_ref());
    let served = |since: &Time| Timestamp::now().duration_since(since.0) > SERVED_FOR + SignedDuration::from_secs(1);
    status.available_replicas == Some(1) && since.is_some_and(served)
}

/// One replica that serves, under Pod Security `restricted`.
fn deployment(name: &str, image: &str) -> Value {
    let labels = json!({"app": name});
    let container = json!({
        "name": "main", "image": image, "ports": [{"name": "http", "containerPort": 8080}],
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
    });
    let secure = json!({"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}});
    let spec = json!({"terminationGracePeriodSeconds": 1, "automountServiceAccountToken": false,
        "securityContext": secure, "containers": [container]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec}},
    })
}

/// Pre-approves what repairs an absent image, at once and as often as needed.
fn mandate() -> Value {
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Mandate",
        "metadata": {"name": MANDATE, "namespace": SYSTEM_NAMESPACE},
        "spec": {
            "changes": [{
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                "types": ["SetImage", "RolloutUndo"], "approval": "preApproved",
            }],
            "limits": {
                "healthyDelaySeconds": 0, "holdSeconds": 1, "coolDownSeconds": 0, "perHour": 10_000, "concurrent": 10,
                "stormIncidents": 10_000, "cascadeWindowSeconds": 0, "flapRecurrences": 20, "flapWindowSeconds": 1,
            },
        },
    })
}

/// A Change that mended a Deployment, and when a watch showed the fault.
pub(super) struct Mended {
    pub(super) change: Change,
    pub(super) event: Timestamp,
}

impl Mended {
    pub(super) fn entered(&self, phase: Phase) -> Result<Timestamp> {
        let status = self.change.status.as_ref().context("a Change has no status")?;
        let step =
            status.timeline.iter().find(|t| t.phase == phase).with_context(|| format!("it was never {phase}"))?;
        Ok(step.at)
    }

    pub(super) fn acknowledged(&self) -> Result<Timestamp> {
        let executions = self.change.status.iter().flat_map(|s| s.executions.first());
        executions.filter_map(|e| e.applied_at).next().context("nothing was written")
    }
}

/// Breaks one Deployment and returns the Change that mended it.
pub(super) async fn incident(place: &Place, images: &Images, n: u16) -> Result<Mended> {
    let (name, deployments) = (name(n), Api::<Deployment>::namespaced(place.client.clone(), NAMESPACE));
    let broken = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": images.absent}]}}}});
    let (unchanged, patch) = (PatchParams::default(), Patch::Strategic(&broken));
    let patched = async { deployments.patch(&name, &unchanged, &patch).await.with_context(|| format!("break {name}")) };
    // The watch is there before the fault is.
    let seen = timeout(PATIENCE, fault_of(place.client.clone(), &name));
    let (event, _) = tokio::try_join!(async { seen.await.context("no pod shows the fault")? }, patched)?;
    let change = ended(place, &name).await?;
    let image = deployments.get(&name).await?.spec.and_then(|s| s.template.spec?.containers.first()?.image.clone());
    ensure!(image.as_deref() == Some(images.good.as_str()), "{name} runs {image:?} after its repair");
    Ok(Mended { change, event })
}

/// When a watch of its own first shows that a pod's image cannot be pulled.
async fn fault_of(client: Client, name: &str) -> Result<Timestamp> {
    let pods = Api::<Pod>::namespaced(client, NAMESPACE);
    let watch = watcher(pods, watcher::Config::default().labels(&format!("app={name}"))).applied_objects();
    let mut watch = pin!(watch);
    while let Some(pod) = watch.try_next().await.context("watch the pods")? {
        if cannot_be_pulled(&pod) {
            return Ok(Timestamp::now());
        }
    }
    bail!("the watch of the pods ended")
}

fn cannot_be_pulled(pod: &Pod) -> bool {
    let containers = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
    let mut waiting = containers.filter_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    waiting.any(|reason| matches!(reason, "ErrImagePull" | "ImagePullBackOff"))
}

async fn ended(place: &Place, name: &str) -> Result<Change> {
    let changes: Api<Change> = Api::namespaced(place.client.clone(), NAMESPACE);
    let change = poll(&format!("a Change of {name} to end"), PATIENCE, async || {
        let all = changes.list(&ListParams::default()).await?.items;
        let mut of: Vec<Change> = all.into_iter().filter(|c| c.spec.target.name.as_str() == name).collect();
        ensure!(of.len() <= 1, "more than one Change of one incident: {}", story(&of));
        Ok(of.pop().filter(|c| c.status.as_ref().is_some_and(|s| s.phase.is_terminal())))
    })
    .await?;
    let ended = change.status.as_ref().map(|s| s.phase);
    ensure!(ended == Some(Phase::Recovered), "{name} was not mended: {}", story(std::slice::from_ref(&change)));
    Ok(change)
}

/// How Changes stand, and why, for whoever reads a failure.
fn story(changes: &[Change]) -> String {
    let one = |change: &Change| {
        let (kind, status) = (change.spec.change_type.as_str(), change.status.as_ref());
        let phase = status.map_or("new", |s| s.phase.as_str());
        let why = status.and_then(|s| s.reason.as_ref()).map_or_else(String::new, ToString::to_string);
        format!("{kind} {phase} ({why})")
    };
    changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Deletes what was made; returns when it is gone.
pub(super) async fn clean(place: &Place) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(place.client.clone());
    delete(&Api::<Mandate>::namespaced(place.client.clone(), SYSTEM_NAMESPACE), MANDATE).await?;
    delete(&namespaces, NAMESPACE).await?;
    poll("the namespace to go", PATIENCE, async || {
        let left = namespaces.get_opt(NAMESPACE).await?;
        Ok(left.is_none().then_some(()))
    })
    .await
}
