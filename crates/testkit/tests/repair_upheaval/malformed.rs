//! Objects that nobody can read, and objects as large as the API server takes, on every watch: the work goes on.

use anyhow::Context as _;
use bailiwick_api::manifests::OPERATOR_USER;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{Result, Seen, Workload, create, wait_for};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scene::{LATER, Scene};

const KINDS: [&str; 4] = ["changes", "incidents", "approvals", "mandates"];

/// Lets anything into our kinds, as an older or a newer version of the product might have.
async fn relax(scene: &Scene) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(scene.cluster.admin());
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    for kind in KINDS {
        let name = format!("{kind}.bailiwick.dev");
        let live = serde_json::to_value(api.get(&name).await?)?;
        let mut steps = vec![json!({
            "op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema",
            "value": {"type": "object", "properties": {"spec": anything, "status": anything}},
        })];
        // What names fields that the schema no longer knows.
        for key in ["additionalPrinterColumns", "selectableFields"] {
            let path = format!("/spec/versions/0/{key}");
            if live.pointer(&path).is_some() {
                steps.push(json!({"op": "remove", "path": path}));
            }
        }
        let patch: json_patch::Patch = serde_json::from_value(json!(steps))?;
        api.patch(&name, &PatchParams::default(), &Patch::<Value>::Json(patch)).await.context("relax a schema")?;
    }
    Ok(())
}

/// One object of each of our kinds whose specification or status is nonsense.
async fn nonsense(scene: &Scene) -> Result<()> {
    let place = scene.namespace.name();
    let (admin, operator) = (scene.cluster.admin(), scene.cluster.operator_unbounded()?);
    let object = |kind: &str, spec: Value| json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": kind, "metadata": {"name": "nonsense"}, "spec": spec});
    let target = json!({"namespace": place, "kind": 7, "name": [], "uid": {}});
    let change =
        object("Change", json!({"proposer": OPERATOR_USER, "type": "NoSuchType", "action": "do it", "target": target}));
    let incident = object("Incident", json!({"cause": "NoSuchCause", "subject": 5}));
    let mandate = object("Mandate", json!({"changes": "everything", "limits": []}));
    // A new schema takes a moment to be served.
    for (client, object, place) in
        [(&operator, &change, place), (&operator, &incident, place), (&admin, &mandate, SYSTEM_NAMESPACE)]
    {
        wait_for("nonsense to be admitted", LATER, async || Ok(Seen::Yes(create(client, object, Some(place)).await?)))
            .await?;
    }
    let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{place}/changes/nonsense/status");
    let status = json!({"status": {"phase": {"is": "unreadable"}, "executions": "many"}});
    let body = Some(("application/merge-patch+json", &status));
    let answer = bailiwick_testkit::send(&operator, http::Method::PATCH, &path, body).await?;
    anyhow::ensure!(answer.is_success(), "a status of nonsense: {answer:?}");
    Ok(())
}

/// As large as the API server takes, on kinds that are watched.
async fn giants(scene: &Scene) -> Result<()> {
    let big = "x".repeat(200 * 1024);
    let annotated = |mut object: Value| {
        object["metadata"]["annotations"] = json!({"example.com/big": big});
        object
    };
    let idle = Workload::new("giant", &scene.cluster.images()?.good[0]).replicas(0);
    let many: Vec<Value> = (0..2000).map(|n| json!({"name": format!("V{n}"), "value": "x".repeat(100)})).collect();
    let wordy = Workload::new("wordy", &scene.cluster.images()?.good[0]).replicas(0).container("env", json!(many));
    let data = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "giant"}, "data": {"a": "x".repeat(900 * 1024)}});
    let pod = idle.clone().pod_field("nodeSelector", json!({"disk": "none"})).bare_pod();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "giant"}, "spec": {"hard": {"pods": "99"}}});
    let service = idle.service(8080);
    let objects = [
        annotated(idle.deployment()),
        annotated(idle.stateful_set()),
        annotated(idle.daemon_set()),
        annotated(pod),
        annotated(quota),
        annotated(service),
        wordy.deployment(),
        data,
    ];
    for object in objects {
        create(&scene.cluster.admin(), &object, Some(scene.namespace.name())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_work_goes_on() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("malformed")).await? else { return Ok(()) };
    scene.serving("web").await?;
    scene.cluster.start_operator().await?;
    relax(&scene).await?;
    let done = Box::pin(goes_on(&scene)).await;
    // Whatever came of it, the schemas are put back for the tests that follow.
    let admin = scene.cluster.admin();
    for (kind, place) in
        [("Change", scene.namespace.name()), ("Incident", scene.namespace.name()), ("Mandate", SYSTEM_NAMESPACE)]
    {
        let reference = json!({"apiVersion": "bailiwick.dev/v1alpha1", "kind": kind});
        let api = bailiwick_testkit::api_for(&admin, &reference, Some(place)).await?;
        let _it_may_not_have_been_made = api.delete("nonsense", &kube::api::DeleteParams::default()).await;
    }
    scene.cluster.install().await?;
    done
}

async fn goes_on(scene: &Scene) -> Result<()> {
    nonsense(scene).await?;
    giants(scene).await?;
    // An unreadable mandate lets nothing be pre-approved: people are asked.
    let asked = scene.restart("web", "watched").await?;
    scene.bob.approve(&asked).await?;
    asked.phase(Phase::Recovered, LATER).await?;
    // The first lists of another operator hold them as well.
    scene.cluster.stop_operator().await?;
    scene.cluster.start_operator().await?;
    let asked = scene.restart("web", "listed").await?;
    scene.bob.approve(&asked).await?;
    asked.phase(Phase::Recovered, LATER).await?;
    assert_eq!(scene.writes(&asked).await?, 1);
    Ok(())
}
