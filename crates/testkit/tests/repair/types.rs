//! The other types of change, each from its cause or its proposal to its receipt.

use anyhow::Context as _;
use bailiwick_core::action::ChangeType;
use bailiwick_core::life::Phase;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Result, Seen, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::scene::{LATER, Scene};

const DEPLOYMENT: &str = "Deployment";

#[tokio::test]
async fn set_image() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("image")).await? else { return Ok(()) };
    scene.namespace.apply(&scene.good("web")?.deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    let other = &scene.cluster.images()?.good[1];
    let action = json!({"setImage": {"container": "main", "image": {"value": other, "origin": {"human": {}}}}});
    let change = scene.anna.propose("image", action, &scene.live(DEPLOYMENT, "web").await?).await?;
    scene.bob.approve(&change).await?;
    let record = scene.recovered(&change).await?;
    let live = scene.live(DEPLOYMENT, "web").await?;
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["image"], other.as_str());
    assert_eq!(record.receipts.len(), 2, "one for the approval, one for the end: {:?}", record.receipts);
    Ok(())
}

#[tokio::test]
async fn rollout_restart_and_delete_pod() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("restart")).await? else { return Ok(()) };
    scene.namespace.apply(&scene.good("web")?.deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    let before = pod(&scene).await?;
    let target = scene.live(DEPLOYMENT, "web").await?;
    let change = scene.anna.propose("restart", json!({"rolloutRestart": {}}), &target).await?;
    scene.recovered(&change).await?;
    let between = pod(&scene).await?;
    assert_ne!(before["metadata"]["uid"], between["metadata"]["uid"], "the pod was not replaced");
    let change = scene.anna.propose("delete", json!({"deletePod": {}}), &between).await?;
    scene.recovered(&change).await?;
    assert_ne!(between["metadata"]["uid"], pod(&scene).await?["metadata"]["uid"], "the pod was not replaced");
    Ok(())
}

/// The one pod of `web` that is not going.
async fn pod(scene: &Scene) -> Result<Value> {
    let api = scene.namespace.api::<Pod>();
    let found = wait_for("the one pod of web", LATER, async || {
        let pods = api.list(&ListParams::default().labels("app=web")).await?;
        let here: Vec<Pod> = pods.items.into_iter().filter(|p| p.metadata.deletion_timestamp.is_none()).collect();
        Ok(Seen::when(here.len() == 1, here.first().cloned(), here.len()))
    });
    let mut pod = serde_json::to_value(found.await?.context("no pod")?)?;
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    Ok(pod)
}

#[tokio::test]
async fn scale_within_bounds() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("scale")).await? else { return Ok(()) };
    scene.namespace.apply(&scene.good("web")?.deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    let scale = |n: i32| json!({"scale": {"replicas": {"value": n, "origin": {"human": {}}}}});
    let target = scene.live(DEPLOYMENT, "web").await?;
    let much = scene.anna.propose("much", scale(4), &target).await?;
    let record = much.phase(Phase::Refused, LATER).await?;
    assert_eq!(record.reason.map(|r| r.code), Some(Code::OutOfBounds));
    let change = scene.anna.propose("some", scale(2), &target).await?;
    scene.bob.approve(&change).await?;
    scene.recovered(&change).await?;
    assert_eq!(scene.live(DEPLOYMENT, "web").await?["status"]["availableReplicas"], 2);
    Ok(())
}

/// The kernel kills the container for real; twice its memory is enough.
#[tokio::test]
async fn set_resources_after_a_real_oom_kill() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("memory")).await? else { return Ok(()) };
    let hungry = scene.good("web")?.memory("32Mi").args(["--allocate-mib", "40"]).without_readiness();
    scene.namespace.apply(&hungry.deployment()).await?;
    let change = scene.answer("web").await?;
    assert_eq!(change.read().await?.spec.change_type, ChangeType::SetResources);
    scene.recovered(&change).await?;
    let live = scene.live(DEPLOYMENT, "web").await?;
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"], "64Mi");
    Ok(())
}

/// A quota blocks a rollout; people let it go, and put the kept copy back.
#[tokio::test]
async fn delete_resource_quota_and_restore_it() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("quota")).await? else { return Ok(()) };
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "labels": {"team": "shop"}},
        "spec": {"hard": {"pods": "1"}},
    });
    scene.namespace.apply(&quota).await?;
    scene.namespace.apply(&scene.good("web")?.replicas(2).deployment()).await?;
    let change = scene.answer("tight").await?;
    assert_eq!(change.read().await?.spec.change_type, ChangeType::DeleteResourceQuota);
    scene.bob.approve(&change).await?;
    scene.recovered(&change).await?;
    // The quota is gone once pods are made again; they serve a moment later.
    scene.namespace.available("web", LATER).await?;
    assert_eq!(scene.live(DEPLOYMENT, "web").await?["status"]["availableReplicas"], 2);
    let copy = json!({
        "value": change.name(), "origin": {"keptCopy": {"change": change.name(), "uid": change.uid()}},
    });
    let back = scene.anna.propose("back", json!({"restoreObject": {"copy": copy}}), &quota).await?;
    scene.bob.approve(&back).await?;
    scene.recovered(&back).await?;
    let live = scene.live("ResourceQuota", "tight").await?;
    assert_eq!((&live["spec"]["hard"]["pods"], &live["metadata"]["labels"]["team"]), (&json!("1"), &json!("shop")));
    Ok(())
}

/// What an autoscaler owns is refused where it is the change, and left alone where it is not.
#[tokio::test]
async fn replicas_of_an_autoscaler_are_not_fought() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("scaler")).await? else { return Ok(()) };
    scene.namespace.apply(&scene.good("web")?.deployment()).await?;
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    });
    scene.namespace.apply(&scaler).await?;
    scene.namespace.available("web", LATER).await?;
    let target = scene.live(DEPLOYMENT, "web").await?;
    let action = json!({"scale": {"replicas": {"value": 2, "origin": {"human": {}}}}});
    let refused = scene.anna.propose("scale", action, &target).await?.phase(Phase::Refused, LATER).await?;
    assert_eq!(refused.reason.map(|r| r.code), Some(Code::ReplicasOwnedByAutoscaler));
    let other = &scene.cluster.images()?.good[1];
    let action = json!({"setImage": {"container": "main", "image": {"value": other, "origin": {"human": {}}}}});
    let change = scene.anna.propose("image", action, &target).await?;
    let planned = change.phase(Phase::AwaitingApproval, LATER).await?;
    assert_eq!(planned.plan.map(|p| p.free), Some(vec!["replicas".to_owned()]));
    // As the autoscaler would, between plan and write.
    scene.namespace.apply(&scene.good("web")?.replicas(2).deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    scene.bob.approve(&change).await?;
    let record = scene.recovered(&change).await?;
    assert!(!record.timeline.iter().any(|t| t.reason.as_ref().is_some_and(|r| r.code == Code::Drifted)), "{record:#?}");
    assert_eq!(scene.live(DEPLOYMENT, "web").await?["spec"]["replicas"], 2);
    Ok(())
}
