//! Tests of ConfigMaps that changed under pods that run.

use crate::analyze::fixture::{World, at, spec, well};
use crate::index::Observed;
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
fn what_is_lost_for_a_moment_is_being_replaced() {
    let mut w = running(by_key(false));
    w.put(Kind::ConfigMap, keyed(&["mode"], 0));
    let gone = Observed::Deleted { kind: Kind::ConfigMap, uid: "ConfigMap-app".to_owned(), at: at(590).parse().ok() };
    w.index.apply(gone);
    assert_eq!(w.web(), [""; 0]);
    let again = w.examine(Kind::Deployment, "web").recheck.unwrap();
    assert_eq!(again.to_string(), at(620));
    w.now = again;
    assert_eq!(w.web().len(), 1);
    assert_eq!(w.examine(Kind::Deployment, "web").findings[0].since.to_string(), at(590), "not since the pods run");
    w.put(Kind::ConfigMap, keyed(&["moode"], 615));
    assert_eq!(w.web(), [""; 0], "its key may follow");
    w.now = at(645).parse().unwrap();
    assert_eq!(w.examine(Kind::Deployment, "web").findings[0].since.to_string(), at(615));
}

#[test]
fn what_the_pods_that_run_never_had_is_not_lost() {
    let mut w = running(json!({}));
    let newer = spec(by_key(false));
    w.put(
        Kind::Deployment,
        json!({"metadata": {"name": "web"}, "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": "web"}}, "spec": newer}}}),
    );
    assert_eq!(w.web(), [""; 0], "the new pods will tell");
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
