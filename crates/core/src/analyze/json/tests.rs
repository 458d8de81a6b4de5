//! Tests of the JSON form of findings.

use super::{FindingJson, findings};
use crate::analyze::fixture::{World, backing_off, spec, waiting};
use crate::object::Kind;
use serde_json::{Value, json};

fn shown(world: &World, kind: Kind, name: &str) -> Value {
    serde_json::to_value(findings(&world.examine(kind, name).findings)).unwrap()
}

#[test]
fn the_documented_shape_is_what_is_printed() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]).well(1, "bcdfg");
    w.pod(2, "hjklm", waiting("ErrImagePull", "shop/web:2: not found"));
    let history = json!({"revisionHistory": {"source": "web-r1", "revision": 1}});
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": "Deployment-web"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-r2-hjklm", "uid": "Pod-web-r2-hjklm"});
    let expected = json!([{
        "cause": "ImageNotFound", "severity": "Warning", "subject": target, "container": "web",
        "summary": "container web image \"shop/web:2\" does not exist: \"not found\"; 1 of 2 pods",
        "since": "2026-01-01T00:00:00Z",
        "evidence": [{"id": "object:Pod-web-r2-hjklm@105#status.containerStatuses[web].state.waiting",
            "object": pod, "value": "ErrImagePull: shop/web:2: not found"}],
        "candidates": [
            {"type": "RolloutUndo", "target": target, "why": "revision 1 of web served with another image",
             "parameters": [{"name": "revision", "value": 1, "origin": history}]},
            {"type": "SetImage", "target": target, "why": "revision 1 ran this container with this image",
             "parameters": [{"name": "container", "value": "web", "origin": null},
                {"name": "image", "value": "shop/web:1", "origin": history}]}],
    }]);
    assert_eq!(shown(&w, Kind::Deployment, "web"), expected);
    let back: Vec<FindingJson> = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(serde_json::to_value(back).unwrap(), expected, "the shape reads back");
}

#[test]
fn resources_are_shown_as_kubernetes_writes_them() {
    let limited = spec(json!({"resources": {"limits": {"memory": "64Mi"}}}));
    let mut w = World::new();
    w.deployment(1, std::slice::from_ref(&limited));
    let killed = backing_off(1, json!({"reason": "OOMKilled", "exitCode": 137}));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", limited, killed);
    let shown = shown(&w, Kind::Deployment, "web");
    let parameter =
        json!({"name": "resources", "value": {"limits": {"memory": "128Mi"}}, "origin": {"currentValue": {}}});
    assert_eq!(shown[0]["candidates"][0]["parameters"][1], parameter);
}

#[test]
fn a_finding_without_container_says_null() {
    let mut w = World::new();
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "no"}, "ports": [{"port": 80}]}}),
    );
    let shown = shown(&w, Kind::Service, "front");
    assert_eq!(shown[0]["container"], Value::Null);
    assert_eq!(shown[0]["candidates"], json!([]));
}
