//! Types that put a part back, a Service and an Ingress right, a CronJob to work: from the proposal to the receipt, by a person's yes.

use anyhow::Context as _;
use bailiwick_core::life::Phase;
use bailiwick_core::reason::Code;
use bailiwick_testkit::Result;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
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
async fn patch_ingress() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("ingress")).await? else { return Ok(()) };
    let web = scene.good("web")?;
    scene.namespace.apply(&web.deployment()).await?;
    scene.namespace.available("web", LATER).await?;
    scene.namespace.apply(&web.service(8080)).await?;
    let path =
        json!({"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "wbe", "port": {"number": 80}}}});
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "entry"},
        "spec": {"rules": [{"host": "web.example", "http": {"paths": [path]}}]},
    });
    let made: Value = serde_json::to_value(scene.namespace.apply(&object).await?)?;
    let backend = |service: &str| {
        let backend = json!({"host": "web.example", "path": "/", "service": service, "port": "80"});
        json!({"patchIngress": {"settings": {"value": {"backend": backend}, "origin": {"human": {}}}}})
    };
    let nowhere = scene.anna.propose("nowhere", backend("nobody"), &made).await?.phase(Phase::Refused, LATER).await?;
    assert_eq!(nowhere.reason.map(|r| r.code), Some(Code::OutOfBounds));
    let change = scene.anna.propose("ingress", backend("web"), &made).await?;
    scene.bob.approve(&change).await?;
    scene.recovered(&change).await?;
    let live: Value = serde_json::to_value(scene.namespace.api::<Ingress>().get("entry").await?)?;
    assert_eq!(live["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"], "web", "{live}");
    Ok(())
}

/// That an autoscaler scales again is shown by the scenarios, which have a metrics server; here is what is let through.
#[tokio::test]
async fn patch_hpa() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("hpa")).await? else { return Ok(()) };
    scene.namespace.apply(&scene.good("web")?.deployment()).await?;
    let object = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "wbe"}},
    });
    let made: Value = serde_json::to_value(scene.namespace.apply(&object).await?)?;
    let patch = |value: Value| json!({"patchHPA": {"settings": {"value": value, "origin": {"human": {}}}}});
    for (name, beyond) in [("nobody", json!({"target": "nobody"})), ("many", json!({"maxReplicas": 4}))] {
        let refused = scene.anna.propose(name, patch(beyond), &made).await?.phase(Phase::Refused, LATER).await?;
        assert_eq!(refused.reason.map(|r| r.code), Some(Code::OutOfBounds), "{name}");
    }
    let good = patch(json!({"target": "web", "maxReplicas": 3}));
    let planned = scene.anna.propose("good", good, &made).await?.phase(Phase::AwaitingApproval, LATER).await?;
    let mut changed = planned.plan.context("no plan")?.changed;
    changed.sort();
    assert_eq!(changed, ["/spec/maxReplicas", "/spec/scaleTargetRef/name"]);
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
