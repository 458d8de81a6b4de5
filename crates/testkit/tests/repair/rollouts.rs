//! Rollouts that fail and are undone: Deployments, StatefulSets, DaemonSets.

use bailiwick_core::action::ChangeType;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Result, Workload};
use serde_json::{Value, json};

use crate::scene::{LATER, Scene};

/// Rolls out an image that does not exist over one that served, and waits until the operator has undone it.
async fn undone(kind: &str, of: fn(&Workload) -> Value) -> Result<()> {
    let Some(scene) = Box::pin(Scene::set(&kind.to_lowercase())).await? else { return Ok(()) };
    scene.namespace.apply(&of(&scene.good("web")?)).await?;
    scene.served(kind, "web").await?;
    scene.namespace.apply(&of(&scene.bad("web")?)).await?;
    let change = scene.answer("web").await?;
    assert_eq!(change.read().await?.spec.change_type, ChangeType::RolloutUndo);
    scene.recovered(&change).await?;
    scene.served(kind, "web").await?;
    let image = scene.live(kind, "web").await?["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image, scene.cluster.images()?.good[0].as_str());
    assert_eq!(scene.changes("web").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn of_a_deployment() -> Result<()> {
    Box::pin(undone("Deployment", Workload::deployment)).await
}

/// One whose pods are managed in parallel.
#[tokio::test]
async fn of_a_stateful_set() -> Result<()> {
    Box::pin(undone("StatefulSet", |web| {
        web.clone().spec_field("podManagementPolicy", json!("Parallel")).stateful_set()
    }))
    .await
}

/// In the ordered kind the controller waits for ever for a pod that cannot start, whatever the template says by then (kubernetes/kubernetes#67250): the pod is deleted by a second change, and the first recovers late.
#[tokio::test]
async fn of_an_ordered_stateful_set() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("ordered")).await? else { return Ok(()) };
    scene.namespace.apply(&scene.good("web")?.stateful_set()).await?;
    scene.served("StatefulSet", "web").await?;
    scene.namespace.apply(&scene.bad("web")?.stateful_set()).await?;
    let undo = scene.answer("web").await?;
    assert_eq!(undo.read().await?.spec.change_type, ChangeType::RolloutUndo);
    let blocked = |r: &Record| r.reason.as_ref().is_some_and(|r| r.code == Code::PodInTheWay);
    undo.until("met a pod in the way", LATER, |r| r.phase == Phase::Failed && blocked(r)).await?;
    let pod = scene.live("StatefulSet", "web").await?["spec"]["replicas"].as_i64().unwrap_or(1) - 1;
    let delete = scene.answer(&format!("web-{pod}")).await?;
    assert_eq!(delete.read().await?.spec.change_type, ChangeType::DeletePod);
    scene.recovered(&delete).await?;
    scene.served("StatefulSet", "web").await?;
    let late = |r: &Record| r.reason.as_ref().is_some_and(|r| r.code == Code::HeldLate);
    undo.until("recovered late", LATER, |r| r.phase == Phase::Recovered && late(r)).await?;
    let image = scene.live("StatefulSet", "web").await?["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image, scene.cluster.images()?.good[0].as_str());
    Ok(())
}

#[tokio::test]
async fn of_a_daemon_set() -> Result<()> {
    Box::pin(undone("DaemonSet", Workload::daemon_set)).await
}
