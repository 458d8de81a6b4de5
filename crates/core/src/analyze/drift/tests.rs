//! Tests of ConfigMaps that changed under pods that run.

use crate::analyze::fixture::{World, at, spec, well};
use crate::object::Kind;
use serde_json::{Value, json};

fn keyed(keys: &[&str], written: i64) -> Value {
    let fields: serde_json::Map<String, Value> = keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
    json!({"metadata": {"name": "app", "managedFields": [{"manager": "kubectl", "time": at(written), "fieldsV1": {"f:data": fields}}]}})
}

fn running(container: Value) -> World {
    let mut w = World::new();
    let pod = spec(container);
    w.deployment(1, std::slice::from_ref(&pod));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", pod, well());
    w
}

fn by_key(optional: bool) -> Value {
    json!({"env": [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "mode", "optional": optional}}}]})
}

#[test]
fn what_the_next_pod_will_miss_is_told_while_the_others_run() {
    let mut w = running(by_key(false));
    assert_eq!(
        w.web(),
        ["ConfigMapMissing Warning: the pods run, but new ones will not start: ConfigMap \"app\" no longer exists"]
    );
    w.put(Kind::ConfigMap, keyed(&["moode", "level"], 0));
    assert_eq!(
        w.web(),
        [
            "ConfigMapMissing Warning: the pods run, but new ones will not start: ConfigMap \"app\" no longer has key \"mode\", only \"level, moode\""
        ]
    );
    w.put(Kind::ConfigMap, keyed(&["mode"], 0));
    assert_eq!(w.web(), [""; 0]);
    w.put(Kind::ConfigMap, json!({"metadata": {"name": "app"}}));
    assert_eq!(w.web(), [""; 0], "its keys are not told");
    assert_eq!(running(by_key(true)).web(), [""; 0]);
    let mut unread = running(by_key(false));
    unread.index.set_unread(Kind::ConfigMap, "forbidden");
    assert_eq!(unread.web(), [""; 0]);
}

#[test]
fn what_pods_read_before_it_was_written_is_information() {
    let mut w = running(json!({"envFrom": [{"configMapRef": {"name": "app"}}]}));
    w.put(Kind::ConfigMap, keyed(&["mode"], 590));
    assert_eq!(w.web(), [""; 0], "a restart often follows");
    w.put(Kind::ConfigMap, keyed(&["mode"], 300));
    assert_eq!(
        w.web(),
        [
            "ConfigChangedSinceStart Info: 1 of 1 pods still run with what ConfigMap \"app\" held before 2026-01-01T00:05:00Z -> RolloutRestart"
        ]
    );
    let mut mounted = running(json!({}));
    mounted.put(Kind::ConfigMap, keyed(&["mode"], 300));
    assert_eq!(mounted.web(), [""; 0], "what is mounted follows by itself");
}
