//! Types of change with a kind or fields of their own: what is planned passes the walls, and nothing beside it.

use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_testkit::Result;
use serde_json::{Value, json};

use crate::scene::{FENCE, Rights, Scene, assert_done, assert_refused, autoscaler, cron_job, idle, ingress, right};

/// The account holds the one right of the type; each case adds to the planned patch what was not planned.
async fn passes_alone(kind: Kind, action: Value, beside: Value) -> Result<()> {
    let prefix = format!("type-{}", kind.as_str().to_lowercase());
    let scene = Scene::empty(&prefix, Rights::Catalogue(right(Operation::Update, kind))).await?;
    let web = idle("web").container("readinessProbe", json!({"httpGet": {"path": "/", "port": 80}}));
    scene.apply_and_settle(&web.deployment()).await?;
    scene.namespace.apply(&idle("web").service(8080)).await?;
    scene.namespace.apply(&cron_job("web")).await?;
    scene.namespace.apply(&ingress("web")).await?;
    scene.namespace.apply(&autoscaler("web")).await?;
    let what = action.to_string();
    let planned = scene.armed(kind, "web", serde_json::from_value(action)?).await?;
    scene.admitted(&planned.dry()).await?;
    let label = json!({"op": "add", "path": "/metadata/labels", "value": {"evil": "yes"}});
    let metadata = planned.and(&[label]).by(&scene).await?;
    assert_refused(&what, &metadata, FENCE, "metadata outside the approved plan");
    let more = planned.and(&[beside]).by(&scene).await?;
    assert_refused(&what, &more, FENCE, "spec differs from the approved plan");
    assert_done(&what, &planned.by(&scene).await?);
    scene.end().await
}

fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

#[tokio::test]
async fn patch_service() -> Result<()> {
    let settings = json!({"selector": {"app": "other"}, "targetPort": {"port": 80, "target": "9090"}});
    let action = json!({"patchService": {"settings": {"value": settings, "origin": {"human": {}}}}});
    Box::pin(passes_alone(Kind::Service, action, add("/spec/selector", json!({"app": "evil"})))).await
}

#[tokio::test]
async fn set_probe() -> Result<()> {
    let settings = json!({"value": {"path": "/healthz", "timeoutSeconds": 5}, "origin": {"human": {}}});
    let action = json!({"setProbe": {"container": "main", "probe": "readiness", "settings": settings}});
    let path = "/spec/template/spec/containers/0/readinessProbe/httpGet/host";
    Box::pin(passes_alone(Kind::Deployment, action, add(path, json!("evil.example")))).await
}

#[tokio::test]
async fn set_strategy() -> Result<()> {
    let strategy = json!({"value": {"maxSurge": "1", "maxUnavailable": "0"}, "origin": {"human": {}}});
    let path = "/spec/strategy/rollingUpdate/maxUnavailable";
    Box::pin(passes_alone(Kind::Deployment, json!({"setStrategy": {"strategy": strategy}}), add(path, json!("50%"))))
        .await
}

#[tokio::test]
async fn resume_cron_job() -> Result<()> {
    Box::pin(passes_alone(Kind::CronJob, json!({"resumeCronJob": {}}), add("/spec/suspend", json!(true)))).await
}

#[tokio::test]
async fn patch_ingress() -> Result<()> {
    let backend = json!({"host": "web.example", "path": "/", "service": "other", "port": "http"});
    let settings = json!({"value": {"class": "nginx", "backend": backend}, "origin": {"human": {}}});
    let evil = add("/spec/rules/0/http/paths/0/backend/service/name", json!("evil"));
    Box::pin(passes_alone(Kind::Ingress, json!({"patchIngress": {"settings": settings}}), evil)).await
}

#[tokio::test]
async fn patch_hpa() -> Result<()> {
    let settings = json!({"value": {"maxReplicas": 4, "target": "other"}, "origin": {"human": {}}});
    let action = json!({"patchHPA": {"settings": settings}});
    Box::pin(passes_alone(Kind::HorizontalPodAutoscaler, action, add("/spec/minReplicas", json!(2)))).await
}
