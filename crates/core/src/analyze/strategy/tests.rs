//! Tests of rollouts that wait for themselves.

use crate::analyze::fixture::{World, at, backing_off, merge, owner, spec, well};
use crate::object::Kind;
use serde_json::{Value, json};

const NO_PORT: &str =
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: none";

fn ports(image: &str) -> Value {
    spec(json!({"image": image, "ports": [{"containerPort": 80, "hostPort": 80}]}))
}

fn rollout(strategy: Value) -> Vec<String> {
    rollout_from(&ports("shop/web:1"), &strategy)
}

fn rollout_from(old: &Value, strategy: &Value) -> Vec<String> {
    let mut w = World::new();
    w.deployment(1, &[old.clone(), ports("shop/web:2")]);
    w.put(
        Kind::Deployment,
        json!({"metadata": {"name": "web"}, "spec": {"replicas": 1, "strategy": strategy,
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": ports("shop/web:2")}}}),
    );
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", old.clone(), well());
    let waits = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at(500), "message": NO_PORT}]});
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", ports("shop/web:2"), waits);
    w.web()
}

#[test]
fn a_new_pod_that_waits_for_the_old_ones_port_is_the_strategys_fault() {
    let found = rollout(json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}));
    assert_eq!(
        found,
        [
            "RolloutStuckByStrategy Warning: the rollout waits for itself: no old pod may go before a new one is ready, and no node takes the pod: \"1 node(s) didn't have free ports for the requested pod ports\"; 1 of 2 pods -> RolloutUndo(1)"
        ]
    );
    let quarter = rollout(json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}}));
    assert!(quarter[0].starts_with("RolloutStuckByStrategy"), "a quarter of one is none: {quarter:?}");
    let one = rollout(json!({"rollingUpdate": {"maxUnavailable": 1}}));
    assert!(one[0].starts_with("HostPortConflict"), "{one:?}");
}

#[test]
fn a_port_that_no_old_pod_has_is_not_waited_for() {
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    let mut other = ports("shop/web:1");
    other["containers"][0]["ports"][0]["hostPort"] = json!(81);
    for old in [spec(json!({})), other] {
        let found = rollout_from(&old, &strategy);
        assert!(found[0].starts_with("HostPortConflict "), "{old}: {found:?}");
    }
}

/// What is found where `db-0` of the earlier revision crashes, of a set that replaces its pods so.
fn broken_below(strategy: &Value) -> Vec<String> {
    let mut w = World::new();
    let (bad, good) = (spec(json!({"image": "db:bad"})), spec(json!({"image": "db:2"})));
    w.put(Kind::StatefulSet, json!({"metadata": {"name": "db"}, "spec": {"replicas": 1, "podManagementPolicy": "OrderedReady", "updateStrategy": strategy, "template": {"spec": good.clone()}},
        "status": {"replicas": 1, "currentRevision": "db-1", "updateRevision": "db-2"}}));
    for (n, template) in [(1, &bad), (2, &good)] {
        w.put(Kind::ControllerRevision, json!({"metadata": {"name": format!("db-{n}"), "ownerReferences": [owner(Kind::StatefulSet, "db")]}, "revision": n, "data": {"spec": {"template": {"spec": template}}}}));
    }
    let mut pod = json!({"metadata": {"name": "db-0", "labels": {"controller-revision-hash": "db-1"}, "ownerReferences": [owner(Kind::StatefulSet, "db")]}, "spec": bad});
    pod["status"] = backing_off(5, json!({}));
    merge(&mut pod, json!({"spec": {"nodeName": "n1"}}));
    w.put(Kind::Pod, pod);
    w.findings(Kind::StatefulSet, "db")
}

#[test]
fn an_ordered_set_waits_for_a_broken_pod_of_an_earlier_revision() {
    let found = broken_below(&json!({"type": "RollingUpdate"}));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("RolloutStuckByStrategy Critical [web]: container web pod \"db-0\" of an earlier revision holds the rollout up"), "{found:?}");
    assert!(found[0].ends_with("-> DeletePod"), "{found:?}");
}

#[test]
fn an_earlier_revision_that_is_kept_by_design_is_no_leftover() {
    for strategy in [json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}), json!({"type": "OnDelete"})] {
        let found = broken_below(&strategy);
        assert!(found[0].starts_with("CrashLoop Critical [web]"), "{strategy}: {found:?}");
        assert!(!found[0].contains("->"), "{strategy}: {found:?}");
    }
}

#[test]
fn a_paused_rollout_with_a_change_held_back_is_information() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    let paused = |w: &mut World, image: &str| {
        w.put(
            Kind::Deployment,
            json!({"metadata": {"name": "web"}, "spec": {"replicas": 1, "paused": true,
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec(json!({"image": image}))}}}),
        );
        w.web()
    };
    assert_eq!(paused(&mut w, "shop/web:1"), [""; 0]);
    assert_eq!(
        paused(&mut w, "shop/web:2"),
        ["RolloutPaused Info: the rollout is paused with a change held back: revision 1 is the newest made"]
    );
}
