//! What was wrong before the operator came is told once, as one summary.

use std::collections::BTreeMap;

use bailiwick_api::Incident;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_testkit::{Result, Seen, Workload, wait_for};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;

use crate::scene::{LATER, Scene, text};

/// The reasons of Events, with how often each was told, of objects that `about` names.
async fn told(api: &Api<Event>, about: impl Fn(&Event) -> bool) -> Result<BTreeMap<String, usize>> {
    let mut told = BTreeMap::new();
    for event in api.list(&ListParams::default()).await?.items.into_iter().filter(|e| about(e)) {
        *told.entry(event.reason.unwrap_or_default()).or_default() += 1;
    }
    Ok(told)
}

async fn summaries(scene: &Scene) -> Result<usize> {
    let api: Api<Event> = Api::namespaced(scene.cluster.admin(), SYSTEM_NAMESPACE);
    Ok(told(&api, |e| e.reason.as_deref() == Some("WrongAtStart")).await?.values().sum())
}

#[tokio::test]
async fn told_once_and_together() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("priming")).await? else { return Ok(()) };
    let before = summaries(&scene).await?;
    for name in ["one", "two", "three"] {
        // Nothing ever served here, so that there is nothing to go back to: it stays wrong.
        scene.namespace.apply(&Workload::new(name, &scene.cluster.images()?.absent).deployment()).await?;
    }
    let pods: Api<Pod> = scene.namespace.api();
    wait_for("three pods whose image cannot be pulled", LATER, async || {
        let all = pods.list(&ListParams::default()).await?.items;
        let waits: Vec<_> = all.iter().filter_map(waits_for).collect();
        let unpulled = waits.iter().filter(|r| ["ErrImagePull", "ImagePullBackOff"].contains(&r.as_str())).count();
        Ok(Seen::when(unpulled == 3, (), waits))
    })
    .await?;
    scene.cluster.start_operator().await?;
    let incidents: Api<Incident> = scene.namespace.api();
    wait_for("three escalated Incidents", LATER, async || {
        let all = incidents.list(&ListParams::default()).await?.items;
        let phases: Vec<_> = all.iter().map(|i| i.status.as_ref().map(|s| s.phase.as_str())).collect();
        Ok(Seen::when(phases.len() == 3 && phases.iter().all(|p| *p == Some("Escalated")), (), phases))
    })
    .await?;
    // Events come after the status that they tell of.
    wait_for("the summary", LATER, async || {
        let now = summaries(&scene).await?;
        Ok(Seen::when(now == before + 1, (), (before, now)))
    })
    .await?;
    scene.cluster.stop_operator().await?;
    let reasons = told(&scene.namespace.api(), of_an_incident).await?;
    assert!(!reasons.contains_key("Opened"), "{reasons:?}");
    assert!(reasons.values().all(|times| *times <= 3), "{reasons:?}");
    assert_eq!(summaries(&scene).await?, before + 1);
    // Another start finds the Incidents that are there, and has nothing to add.
    scene.cluster.start_operator().await?;
    scene.serving("good").await?;
    scene.restart("good", "sign-of-life").await?.phase(bailiwick_core::life::Phase::Recovered, LATER).await?;
    assert_eq!(told(&scene.namespace.api(), of_an_incident).await?, reasons);
    assert_eq!(incidents.list(&ListParams::default()).await?.items.len(), 3);
    Ok(())
}

/// The reason for which a container of the pod waits.
fn waits_for(pod: &Pod) -> Option<String> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    containers.iter().find_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.clone())
}

fn of_an_incident(event: &Event) -> bool {
    let object = serde_json::to_value(event).unwrap_or_default();
    text(&object, "/regarding/kind") == "Incident"
}
