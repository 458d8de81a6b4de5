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
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::pin::pin;
use tokio::time::{Instant, timeout};

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

/// A Change that mended a Deployment, and when watches of the bench showed what.
pub(super) struct Mended {
    pub(super) change: Change,
    /// A pod whose image cannot be pulled.
    pub(super) fault: Instant,
    /// A Change with its plan.
    pub(super) plan: Instant,
    /// The Deployment as it was before.
    pub(super) write: Instant,
}

/// Breaks one Deployment and returns the Change that mended it.
pub(super) async fn incident(place: &Place, images: &Images, n: u16) -> Result<Mended> {
    let (name, client) = (name(n), &place.client);
    let deployments = Api::<Deployment>::namespaced(client.clone(), NAMESPACE);
    let broken = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": images.absent}]}}}});
    let (unchanged, patch) = (PatchParams::default(), Patch::Strategic(&broken));
    let patched = async { deployments.patch(&name, &unchanged, &patch).await.with_context(|| format!("break {name}")) };
    // The watches are there before the fault is.
    let pods = Api::<Pod>::namespaced(client.clone(), NAMESPACE);
    let fault = first(pods, watcher::Config::default().labels(&format!("app={name}")), cannot_be_pulled);
    let changes = Api::<Change>::namespaced(client.clone(), NAMESPACE);
    let plan = first(changes, watcher::Config::default(), |c| c.spec.target.name.as_str() == name && is_planned(c));
    let mut was_broken = false;
    let write = first(deployments.clone(), watcher::Config::default().fields(&format!("metadata.name={name}")), |d| {
        was_broken |= image(d) == Some(&images.absent);
        was_broken && image(d) == Some(&images.good)
    });
    let (fault, plan, write, _) = tokio::try_join!(fault, plan, write, patched)?;
    let change = ended(place, &name).await?;
    let runs = deployments.get(&name).await?;
    ensure!(image(&runs) == Some(&images.good), "{name} runs {:?} after its repair", image(&runs));
    Ok(Mended { change, fault, plan, write })
}

/// When a watch of its own first shows such an object.
async fn first<K>(api: Api<K>, of: watcher::Config, mut shows: impl FnMut(&K) -> bool) -> Result<Instant>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut watch = pin!(watcher(api, of).applied_objects());
    let seen = async {
        while let Some(object) = watch.try_next().await.context("watch the cluster")? {
            if shows(&object) {
                return Ok(Instant::now());
            }
        }
        bail!("a watch ended")
    };
    timeout(PATIENCE, seen).await.context("what was waited for did not come")?
}

fn cannot_be_pulled(pod: &Pod) -> bool {
    let containers = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
    let mut waiting = containers.filter_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    waiting.any(|reason| matches!(reason, "ErrImagePull" | "ImagePullBackOff"))
}

fn is_planned(change: &Change) -> bool {
    change.status.iter().flat_map(|s| &s.timeline).any(|step| step.phase == Phase::Planned)
}

fn image(deployment: &Deployment) -> Option<&String> {
    deployment.spec.as_ref()?.template.spec.as_ref()?.containers.first()?.image.as_ref()
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
