//! Types that put a part back, a Service right, a CronJob to work: from the proposal to the receipt, by a person's yes.

use anyhow::Context as _;
use bailiwick_testkit::Result;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::scene::{LATER, Scene};

/// The ReplicaSet that holds a revision of a Deployment.
async fn holder(scene: &Scene, revision: &str) -> Result<String> {
    let all = scene.namespace.api::<ReplicaSet>().list(&ListParams::default()).await?;
    let number = |r: &ReplicaSet| r.metadata.annotations.as_ref()?.get("deployment.kubernetes.io/revision").cloned();
    let found = all.items.into_iter().find(|r| number(r).as_deref() == Some(revision));
    found.and_then(|r| r.metadata.name).context("no ReplicaSet of that revision")
}

#[tokio::test]
async fn set_env() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("env")).await? else { return Ok(()) };
    for mode in ["fast", "odd"] {
        scene.namespace.apply(&scene.good("web")?.env("MODE", mode).deployment()).await?;
        scene.namespace.available("web", LATER).await?;
    }
    let origin = json!({"revisionHistory": {"source": holder(&scene, "1").await?, "revision": 1}});
    let action =
        json!({"setEnv": {"container": "main", "variable": "MODE", "revision": {"value": 1, "origin": origin}}});
    let change = scene.anna.propose("env", action, &scene.live("Deployment", "web").await?).await?;
    scene.bob.approve(&change).await?;
    scene.recovered(&change).await?;
    let live = scene.live("Deployment", "web").await?;
    let env = live["spec"]["template"]["spec"]["containers"][0]["env"].as_array().cloned().unwrap_or_default();
    let mode = env.iter().find(|e| e["name"] == "MODE").map(|e| e["value"].clone());
    assert_eq!(mode, Some(json!("fast")), "{env:?}");
    Ok(())
}

#[tokio::test]
async fn patch_service() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("service")).await? else { return Ok(()) };
    let web = scene.good("web")?;
    scene.namespace.apply(&web.deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    let mut service = web.service(8080);
    let right = service["spec"]["selector"].clone();
    service["spec"]["selector"] = json!({"app": "wbe"});
    let made: Value = serde_json::to_value(scene.namespace.apply(&service).await?)?;
    let settings = json!({"value": {"selector": right}, "origin": {"human": {}}});
    let change = scene.anna.propose("service", json!({"patchService": {"settings": settings}}), &made).await?;
    scene.bob.approve(&change).await?;
    scene.recovered(&change).await?;
    let slices = scene.namespace.api::<EndpointSlice>().list(&ListParams::default()).await?;
    let ready = slices.items.iter().flat_map(|s| &s.endpoints).flatten();
    let ready = ready.filter(|e| e.conditions.as_ref().and_then(|c| c.ready) == Some(true));
    assert!(ready.count() > 0, "nothing stands behind it");
    Ok(())
}

#[tokio::test]
async fn resume_cron_job() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("cron")).await? else { return Ok(()) };
    let image = &scene.cluster.images()?.good[0];
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]});
    let object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    });
    let made: Value = serde_json::to_value(scene.namespace.apply(&object).await?)?;
    let change = scene.anna.propose("resume", json!({"resumeCronJob": {}}), &made).await?;
    scene.bob.approve(&change).await?;
    scene.recovered(&change).await?;
    let api = scene.namespace.api::<CronJob>();
    assert_eq!(api.get("nightly").await?.spec.suspend, Some(false));
    Ok(())
}
