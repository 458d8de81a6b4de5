//! Breaking Deployments, and waiting until the operator has mended them.
//!
//! Owns the namespace and the Mandate of the bench. Must never mend anything itself. Writes as
//! whoever the kubeconfig names.

use super::place::Place;
use anyhow::{Context as _, Result, ensure};
use bailiwick_api::{Change, Mandate};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{SECONDS, Seen, Workload, apply, until, until_gone, wait_for};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

/// Everything is broken in here.
pub(super) const NAMESPACE: &str = "bailiwick-bench";
const MANDATE: &str = "bailiwick-bench";

fn name(n: u16) -> String {
    format!("web-{n}")
}

/// Makes the namespace, the Mandate and the Deployments; returns when all are available.
pub(super) async fn prepare(place: &Place, incidents: u16) -> Result<()> {
    let client = &place.client;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"autofix": "true"}}});
    apply(client, &namespace, None).await?;
    apply(client, &mandate(), None).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
    until(&accounts, "default", ("its default account", 30 * SECONDS), |account| account.is_some()).await?;
    for n in 0..incidents {
        apply(client, &Workload::new(&name(n), &place.images.0).deployment(), Some(NAMESPACE)).await?;
    }
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    for n in 0..incidents {
        let up = |d: Option<&Deployment>| d.and_then(|d| d.status.as_ref()?.available_replicas) == Some(1);
        until(&deployments, &name(n), ("its replica", 120 * SECONDS), up).await?;
    }
    Ok(())
}

/// Pre-approves what repairs an absent image, at once and as often as needed.
fn mandate() -> serde_json::Value {
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Mandate",
        "metadata": {"name": MANDATE, "namespace": SYSTEM_NAMESPACE},
        "spec": {
            "changes": [{
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                "types": ["SetImage", "RolloutUndo"], "approval": "preApproved",
            }],
            "limits": {"healthyDelaySeconds": 0, "holdSeconds": 1, "coolDownSeconds": 0, "perHour": 10_000, "concurrent": 10},
        },
    })
}

/// Breaks one Deployment and returns the Change that mended it.
pub(super) async fn incident(place: &Place, n: u16) -> Result<Change> {
    let (name, deployments) = (name(n), Api::<Deployment>::namespaced(place.client.clone(), NAMESPACE));
    let broken = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": place.images.1}]}}}});
    let patched = deployments.patch(&name, &PatchParams::default(), &Patch::Strategic(&broken)).await;
    patched.with_context(|| format!("break {name}"))?;
    let changes: Api<Change> = Api::namespaced(place.client.clone(), NAMESPACE);
    let change = wait_for(&format!("a Change of {name} to end"), 120 * SECONDS, async || {
        let all = changes.list(&ListParams::default()).await?.items;
        let mut of: Vec<Change> = all.into_iter().filter(|c| c.spec.target.name.as_str() == name).collect();
        ensure!(of.len() <= 1, "{} Changes of one incident", of.len());
        let phase = of.first().and_then(|c| c.status.as_ref()).map(|s| s.phase);
        Ok(match of.pop() {
            Some(change) if phase.is_some_and(Phase::is_terminal) => Seen::Yes(change),
            Some(_) | None => Seen::NotYet(format!("{phase:?}")),
        })
    })
    .await?;
    let status = change.status.as_ref().context("a Change has no status")?;
    ensure!(status.phase == Phase::Recovered, "the Change of {name} ended {}: {:?}", status.phase, status.reason);
    let image = deployments.get(&name).await?.spec.and_then(|s| s.template.spec?.containers.first()?.image.clone());
    ensure!(image.as_deref() == Some(place.images.0.as_str()), "{name} runs {image:?} after its repair");
    Ok(change)
}

/// Deletes what was made; returns when it is gone.
pub(super) async fn clean(place: &Place) -> Result<()> {
    let mandates: Api<Mandate> = Api::namespaced(place.client.clone(), SYSTEM_NAMESPACE);
    let namespaces: Api<Namespace> = Api::all(place.client.clone());
    let gone = |error: kube::Error| match error {
        kube::Error::Api(status) if status.code == 404 => Ok(()),
        other => Err(other),
    };
    mandates.delete(MANDATE, &DeleteParams::default()).await.map(|_| ()).or_else(gone).context("delete the Mandate")?;
    let deleted = namespaces.delete(NAMESPACE, &DeleteParams::default()).await;
    deleted.map(|_| ()).or_else(gone).context("delete the namespace")?;
    until_gone(&namespaces, NAMESPACE, 120 * SECONDS).await
}
