//! A target that somebody takes over between the plan and the write: no field of the plan has moved, and the fence sees it all the same.

use bailiwick_core::object::Kind;
use bailiwick_testkit::{JSON_PATCH, Need, Result, TestCluster, path_of};
use http::Method;
use serde_json::{Value, json};

use crate::scene::{BETTER, FENCE, Rights, Scene, Shot, assert_done, assert_refused, better_image};

const OTHERS: &str = "the target's labels, annotations, owners or finalizers are not those of the plan";
const KEEPER: &str = "the target has a keeper that would revert the change";
const APPLY: &str = "application/apply-patch+yaml";

/// A sign of a keeper, the body that sets it, and the one that takes it away.
fn signs(owner: &Value) -> Vec<(&'static str, Value, Value)> {
    let metadata = |field: &str, value: Value| json!({"metadata": {field: value}});
    let one = |field: &str, key: &str| (metadata(field, json!({key: "shop"})), metadata(field, json!({key: null})));
    let label = one("labels", "argocd.argoproj.io/instance");
    let annotation = one("annotations", "argocd.argoproj.io/tracking-id");
    let harmless = one("labels", "example.com/seen-by");
    vec![
        ("a label", label.0, label.1),
        ("an annotation", annotation.0, annotation.1),
        ("a label of no meaning", harmless.0, harmless.1),
        ("an owner", metadata("ownerReferences", json!([owner])), metadata("ownerReferences", Value::Null)),
        ("a finalizer", metadata("finalizers", json!(["example.com/hold"])), metadata("finalizers", Value::Null)),
    ]
}

/// A ConfigMap that may be an object's controller, as a reference.
async fn owner(scene: &Scene) -> Result<Value> {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let made = serde_json::to_value(scene.namespace.apply(&map).await?)?;
    let uid = &made["metadata"]["uid"];
    Ok(json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "controller": true}))
}

/// Refused while somebody else's sign is there, admitted when it is gone.
async fn withstands(scene: &Scene, path: &str, right: &Shot) -> Result<()> {
    let admin = scene.cluster.admin();
    for (what, there, gone) in signs(&owner(scene).await?) {
        assert_done(what, &Shot::merge(path, there).sent(&admin).await?);
        assert_refused(what, &right.by(scene).await?, FENCE, OTHERS);
        assert_done(what, &Shot::merge(path, gone).sent(&admin).await?);
        scene.admitted(&right.dry()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_update_of_what_somebody_took_over_is_refused() -> Result<()> {
    let Some(_) = TestCluster::needing(&[Need::Audit]).await? else { return Ok(()) };
    let scene = Scene::with_web("adopt-update", Rights::Every).await?;
    let audit = scene.cluster.audit()?;
    scene.armed(Kind::Deployment, "web", better_image()?).await?;
    let path = path_of(Kind::Deployment, scene.namespace.name(), "web");
    // Without the patch's own tests: an annotation alone moves a Deployment's generation.
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": BETTER}]);
    let right = Shot::new(Method::PATCH, &path, Some((JSON_PATCH, image)));
    scene.admitted(&right.dry()).await?;
    withstands(&scene, &path, &right).await?;
    // Fields are taken over without any change of content.
    let admin = scene.cluster.admin();
    let keep = |metadata: Value| {
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata});
        let path = format!("{path}?fieldManager=argocd-controller&force=true");
        Shot::new(Method::PATCH, path, Some((APPLY, body)))
    };
    assert_done("the keeper's apply", &keep(json!({"name": "web", "labels": {"app": "web"}})).sent(&admin).await?);
    assert_refused("a field manager", &right.by(&scene).await?, FENCE, KEEPER);
    assert_done("the keeper lets go", &keep(json!({"name": "web"})).sent(&admin).await?);
    // What the Deployment's own controller writes is nobody's sign.
    let revision = json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}});
    assert_done("the controller's word", &Shot::merge(&path, revision).sent(&admin).await?);
    assert!(audit.writes_by(&scene.account.user()).await?.is_empty());
    assert_done("the approved patch", &right.by(&scene).await?);
    assert_eq!(audit.writes_by(&scene.account.user()).await?.len(), 1);
    scene.end().await
}

#[tokio::test]
async fn a_deletion_of_what_somebody_took_over_is_refused() -> Result<()> {
    let scene = Scene::empty("adopt-delete", Rights::Every).await?;
    let quota = |pods: &str| json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": pods}}});
    scene.namespace.apply(&quota("9")).await?;
    let path = path_of(Kind::ResourceQuota, scene.namespace.name(), "few");
    let action = serde_json::from_value(json!({"deleteResourceQuota": {}}))?;
    let right = scene.armed(Kind::ResourceQuota, "few", action).await?;
    scene.admitted(&right.dry()).await?;
    withstands(&scene, &path, &right).await?;
    // The copy that the plan keeps would not be of what is deleted.
    let admin = scene.cluster.admin();
    let hard = |pods: &str| Shot::merge(&path, json!({"spec": {"hard": {"pods": pods}}}));
    assert_done("another content", &hard("12").sent(&admin).await?);
    let answer = right.by(&scene).await?;
    assert_refused("another content", &answer, FENCE, "the object to be deleted is not as it was planned");
    assert_done("as it was", &hard("9").sent(&admin).await?);
    assert_done("the approved deletion", &right.by(&scene).await?);
    scene.end().await
}
