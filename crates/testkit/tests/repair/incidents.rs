//! What becomes of many faults with one cause, and what people are told.

use std::collections::BTreeMap;

use bailiwick_api::kinds::incident::IncidentPhase;
use bailiwick_testkit::{Result, Seen, wait_for};
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use serde_json::json;

use crate::scene::{LATER, Scene};

/// Ten pods of one rollout fail at once: one Incident, one Change, each step told once.
#[tokio::test]
async fn ten_failing_pods_are_one_incident() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("ten")).await? else { return Ok(()) };
    let at_once = |w: bailiwick_testkit::Workload| {
        w.replicas(10).without_readiness().spec_field("strategy", json!({"type": "Recreate"})).deployment()
    };
    scene.namespace.apply(&at_once(scene.good("web")?)).await?;
    scene.served("Deployment", "web").await?;
    scene.namespace.apply(&at_once(scene.bad("web")?)).await?;
    let change = scene.answer("web").await?;
    scene.recovered(&change).await?;
    let resolved = wait_for("the Incident to be resolved", LATER, async || {
        let all = scene.incidents().await?;
        let phases: Vec<_> = all.iter().map(|i| i.status.as_ref().map(|s| s.phase)).collect();
        Ok(Seen::when(phases.iter().all(|p| *p == Some(IncidentPhase::Resolved)), all, phases))
    });
    let incidents = resolved.await?;
    let causes: Vec<_> = incidents.iter().map(|i| (i.spec.cause, i.spec.subject.name.as_str())).collect();
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(scene.changes("web").await?.len(), 1);
    assert_eq!(incidents[0].status.as_ref().map(|s| s.count), Some(1));
    // An Event comes after the status that it tells of.
    let wanted = BTreeMap::from(["Opened", "Proposed", "Resolved"].map(|reason| (reason.to_owned(), 1)));
    wait_for("each step to be told once", LATER, async || {
        let told = events(&scene).await?;
        Ok(Seen::when(told == wanted, (), told))
    })
    .await
}

/// How often each reason was told of this namespace's Incidents.
async fn events(scene: &Scene) -> Result<BTreeMap<String, usize>> {
    let all = scene.namespace.api::<Event>().list(&ListParams::default()).await?;
    let mut told = BTreeMap::new();
    for event in all.items {
        let ours = event.regarding.as_ref().is_some_and(|r| r.kind.as_deref() == Some("Incident"));
        if ours {
            let repeated = event.series.map_or(0, |s| usize::try_from(s.count).unwrap_or_default());
            *told.entry(event.reason.unwrap_or_default()).or_default() += 1 + repeated;
        }
    }
    Ok(told)
}
