//! Tests of candidates from kept copies, and of when an object is good enough for one to be kept.

use crate::analyze::fixture::{World, at, merge, spec, waiting, well};
use crate::copies::{Copy, Standing, standing};
use crate::index::Observed;
use crate::object::Kind;
use jiff::SignedDuration;
use serde_json::{Value, json};

fn keyed(keys: &[&str], written: i64) -> Value {
    let fields: serde_json::Map<String, Value> = keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
    json!({"metadata": {"name": "app", "managedFields": [{"manager": "kubectl", "time": at(written), "fieldsV1": {"f:data": fields}}]}})
}

fn reads() -> Value {
    spec(json!({"env": [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "mode"}}}]}))
}

fn running() -> World {
    let mut w = World::new();
    w.deployment(1, &[reads()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", reads(), well());
    w
}

fn keep(w: &mut World, object: Value) {
    let copy = Copy::of(&object, w.now).unwrap();
    w.index.put_copy(copy.row().unwrap());
}

fn kept_config(data: Value) -> Value {
    json!({"kind": "ConfigMap", "metadata": {"name": "app", "namespace": "shop"}, "data": data})
}

fn kept_service(name: &str) -> Value {
    json!({"kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": {"app": "web"}}})
}

#[test]
fn a_key_that_running_pods_lost_comes_back_from_a_copy_that_has_it() {
    let mut w = running();
    w.put(Kind::ConfigMap, keyed(&["moode"], 500));
    keep(&mut w, kept_config(json!({"level": "info"})));
    assert!(!w.web()[0].contains("RestoreObject"), "the copy lacks it, too: {:?}", w.web());
    keep(&mut w, kept_config(json!({"mode": "fast"})));
    assert!(w.web()[0].ends_with("-> RestoreObject"), "{:?}", w.web());
    let target = w.examine(Kind::Deployment, "web").findings[0].candidates[0].target.clone();
    assert_eq!((target.kind, target.uid.unwrap().as_str()), (Kind::ConfigMap, "ConfigMap-app"));
}

#[test]
fn a_config_map_that_is_gone_is_created_again() {
    let mut w = running();
    keep(&mut w, kept_config(json!({"mode": "fast"})));
    assert!(w.web()[0].ends_with("-> RestoreObject"), "{:?}", w.web());
    assert_eq!(w.examine(Kind::Deployment, "web").findings[0].candidates[0].target.uid, None);
    let mut starting = World::new();
    starting.deployment(1, &[reads()]);
    let status = waiting("CreateContainerConfigError", "configmap \"app\" not found");
    starting.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", reads(), status);
    keep(&mut starting, kept_config(json!({"mode": "fast"})));
    assert!(starting.web()[0].ends_with("-> RestoreObject"), "{:?}", starting.web());
}

#[test]
fn a_service_that_an_init_container_or_an_ingress_misses_is_created_again() {
    let mut w = World::new();
    let mut pod = spec(json!({}));
    pod["initContainers"] = json!([{"name": "wait", "image": "b", "command": ["nc", "-z", "orders", "80"]}]);
    w.deployment(1, std::slice::from_ref(&pod));
    let status = json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "ready": false, "restartCount": 3,
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": at(580), "finishedAt": at(581)}},
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}]});
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", pod, status);
    assert!(w.web()[0].starts_with("ServiceMissing") && !w.web()[0].contains("->"), "{:?}", w.web());
    keep(&mut w, kept_service("orders"));
    assert!(w.web()[0].ends_with("-> RestoreObject"), "{:?}", w.web());
    w.put(Kind::IngressClass, json!({"metadata": {"name": "nginx"}}));
    w.put(Kind::Ingress, json!({"metadata": {"name": "front"}, "spec": {"ingressClassName": "nginx", "rules": [
        {"host": "shop.example", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "orders", "port": {"number": 80}}}}]}}]}}));
    let front = w.findings(Kind::Ingress, "front");
    assert!(front[0].ends_with("-> RestoreObject"), "{front:?}");
}

fn verdict(w: &World, kind: Kind, name: &str, lasting: i64) -> Standing {
    let view = w.index.view();
    standing(&view, view.named(kind, "shop", name).unwrap(), SignedDuration::from_secs(lasting), w.now)
}

fn later(seconds: i64) -> Standing {
    Standing::Later(at(seconds).parse().unwrap())
}

#[test]
fn a_config_map_is_good_once_pods_that_were_made_with_it_have_been_ready_for_long() {
    let mut w = running();
    w.put(Kind::ConfigMap, keyed(&["mode"], 0));
    assert_eq!(verdict(&w, Kind::ConfigMap, "app", 600), Standing::Good);
    assert_eq!(verdict(&w, Kind::ConfigMap, "app", 601), later(601));
    for (what, content) in [
        ("written after the pods were made", keyed(&["mode"], 1)),
        ("without the key that they read", keyed(&["moode"], 0)),
        ("with keys that are not told", json!({"metadata": {"name": "app"}})),
    ] {
        w.put(Kind::ConfigMap, content);
        assert_eq!(verdict(&w, Kind::ConfigMap, "app", 1), Standing::No, "{what}");
    }
}

#[test]
fn a_config_map_that_nobody_uses_or_that_one_of_its_users_fails_with_is_not_good() {
    let mut w = World::new();
    w.put(Kind::ConfigMap, keyed(&["mode"], 0));
    assert_eq!(verdict(&w, Kind::ConfigMap, "app", 1), Standing::No, "nobody uses it");
    let mut w = running();
    w.put(Kind::ConfigMap, keyed(&["mode"], 0));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "xxxxx", reads(), waiting("CreateContainerConfigError", "no"));
    assert_eq!(verdict(&w, Kind::ConfigMap, "app", 1), Standing::No, "one of two fails");
    w.index.apply(Observed::Deleted { kind: Kind::Pod, uid: "Pod-web-r1-xxxxx".into(), at: None });
    assert_eq!(verdict(&w, Kind::ConfigMap, "app", 1), Standing::Good);
}

#[test]
fn a_service_is_good_while_ready_pods_stand_behind_it_and_nothing_is_wrong_with_it() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({"ports": [{"containerPort": 8080}]}))]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", spec(json!({"ports": [{"containerPort": 8080}]})), well());
    let service = |port: u16| json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": port}]}});
    w.put(Kind::Service, service(8080));
    assert_eq!(verdict(&w, Kind::Service, "web", 1), Standing::No, "no endpoint is known");
    let mut slice = json!({"metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}}});
    merge(&mut slice, json!({"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}}]}));
    w.put(Kind::EndpointSlice, slice);
    assert_eq!(verdict(&w, Kind::Service, "web", 600), Standing::Good);
    assert_eq!(verdict(&w, Kind::Service, "web", 700), later(700));
    w.put(Kind::Service, service(9999));
    assert_eq!(verdict(&w, Kind::Service, "web", 1), Standing::No, "it leads to a port that no pod has");
}
