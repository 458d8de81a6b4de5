//! Rollouts that fail and are undone: Deployments, StatefulSets, DaemonSets.

use bailiwick_core::action::ChangeType;
use bailiwick_testkit::{Result, Workload};
use serde_json::{Value, json};

use crate::scene::Scene;

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

/// One whose pods are managed in parallel. In the ordered kind the controller waits for ever for a pod that cannot start, whatever the template says by then (kubernetes/kubernetes#67250).
#[tokio::test]
async fn of_a_stateful_set() -> Result<()> {
    Box::pin(undone("StatefulSet", |web| {
        web.clone().spec_field("podManagementPolicy", json!("Parallel")).stateful_set()
    }))
    .await
}

#[tokio::test]
async fn of_a_daemon_set() -> Result<()> {
    Box::pin(undone("DaemonSet", Workload::daemon_set)).await
}
