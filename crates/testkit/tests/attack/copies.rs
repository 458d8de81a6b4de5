//! What may be restored: a Service that leads nowhere else, and a ConfigMap that is taken back only as it was made.

use bailiwick_core::fence::Entry;
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use bailiwick_core::plan::object::pruned;
use bailiwick_testkit::{Result, SECONDS, Seen, path_of, wait_for};
use serde_json::{Value, json};

use crate::scene::{FENCE, FLOOR, Rights, Scene, Shot, assert_done, assert_refused};

/// Has the fence grant one request, as a stolen operator identity could.
async fn forge(scene: &Scene, operation: Operation, object: &Value, shot: &Shot) -> Result<()> {
    let kind = object["kind"].as_str().and_then(Kind::parse).unwrap_or(Kind::ConfigMap);
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut target = scene.target(kind, name, object)?;
    if operation == Operation::Create {
        target.uid = None;
    }
    let mut entry = Entry::planning(operation, &target, scene.labels());
    entry.dry_run = false;
    entry.result = pruned(object);
    scene.account.grant(entry).await?;
    wait_for("the forged grant to be seen", 5 * SECONDS, async || {
        let answer = shot.dry().by(scene).await?;
        Ok(Seen::when(!answer.refused_by(FENCE), (), answer))
    })
    .await
}

#[tokio::test]
async fn a_forged_service_leads_nowhere_outside() -> Result<()> {
    let scene = Scene::empty("floor-service", Rights::Every).await?;
    let services = path_of(Kind::Service, scene.namespace.name(), "");
    let words = "floor: a Service that is made leads to pods of its namespace, and names no address outside";
    let of = |spec: Value| {
        let mut spec = spec;
        spec["ports"] = json!([{"name": "http", "port": 80}]);
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    };
    let app = json!({"app": "web"});
    for (what, spec) in [
        ("an address of its own", json!({"selector": app, "clusterIP": "None", "externalIPs": ["192.0.2.1"]})),
        ("another host", json!({"selector": app, "type": "ExternalName", "externalName": "evil.example"})),
        ("no pods", json!({"clusterIP": "None"})),
    ] {
        let shot = Shot::post(&services, of(spec));
        let wanted = shot.dry().sent(&scene.cluster.admin()).await?;
        assert_done(what, &wanted);
        forge(&scene, Operation::Create, &wanted.body, &shot).await?;
        assert_refused(what, &shot.by(&scene).await?, FLOOR, words);
    }
    let shot = Shot::post(&services, of(json!({"selector": app, "clusterIP": "None"})));
    let wanted = shot.dry().sent(&scene.cluster.admin()).await?;
    forge(&scene, Operation::Create, &wanted.body, &shot).await?;
    assert_done("a Service of its own pods", &shot.by(&scene).await?);
    scene.end().await
}

/// The way back from a restoration deletes what was made, and not what somebody has made of it since.
#[tokio::test]
async fn a_config_map_that_was_changed_since_is_not_deleted() -> Result<()> {
    let scene = Scene::empty("copy-delete", Rights::Every).await?;
    scene
        .namespace
        .apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"mode": "fast"}}))
        .await?;
    let mut live = scene.live(Kind::ConfigMap, "app").await?;
    live["apiVersion"] = json!("v1");
    live["kind"] = json!("ConfigMap");
    let path = path_of(Kind::ConfigMap, scene.namespace.name(), "app");
    let shot = Shot::delete(&path);
    forge(&scene, Operation::Delete, &live, &shot).await?;
    for data in
        [json!({"data": {"mode": "slow"}}), json!({"data": {"mode": "fast", "more": "x"}}), json!({"data": null})]
    {
        assert_done("a change", &Shot::merge(&path, data).sent(&scene.cluster.admin()).await?);
        let words = "the object to be deleted is not as it was planned";
        assert_refused("changed since", &shot.by(&scene).await?, FENCE, words);
    }
    let back = json!({"data": {"mode": "fast", "more": null}});
    assert_done("as it was", &Shot::merge(&path, back).sent(&scene.cluster.admin()).await?);
    assert_done("the deletion", &shot.by(&scene).await?);
    scene.end().await
}
