//! Tests of the analyzer of progress deadlines.

use crate::analyze::fixture::{World, at, merge, spec, waiting, well};
use crate::object::Kind;
use serde_json::{Value, json};

fn overdue(more: Value) -> Value {
    let mut object = json!({
        "metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1, "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastTransitionTime": at(300),
             "message": "ReplicaSet \"web-r2\" has timed out progressing."}]},
    });
    merge(&mut object, more);
    object
}

fn world(more: Value) -> World {
    let mut w = World::new();
    w.deployment(2, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    w.put(Kind::Deployment, overdue(more)).well(1, "bcdfg");
    w
}

#[test]
fn a_deadline_that_passed_without_a_better_reason_is_told() {
    assert_eq!(
        world(json!({})).web(),
        [
            "ProgressDeadlineExceeded Warning: the rollout made no progress: 1 of 2 pods are of the newest revision, 1 available: \
         \"ReplicaSet 'web-r2' has timed out progressing.\" -> RolloutUndo(1)"
        ]
    );
}

#[test]
fn a_better_reason_stands_alone() {
    let mut w = world(json!({}));
    w.pod(2, "hjklm", waiting("ErrImagePull", "shop/web:2: not found"));
    let found = w.web();
    assert!(found.len() == 1 && found[0].starts_with("ImageNotFound "), "{found:?}");
}

#[test]
fn a_condition_of_another_time_is_not_believed() {
    assert!(world(json!({"metadata": {"generation": 3}})).web().is_empty(), "it speaks of the spec before");
    assert!(world(json!({"spec": {"paused": true}})).web().is_empty(), "it is paused on purpose");
    let late = json!({"status": {"updatedReplicas": 2, "availableReplicas": 2}});
    assert!(world(late).web().is_empty(), "it got there late");
    let scaled = json!({"spec": {"replicas": 0}});
    assert!(world(scaled).web().iter().all(|f| f.starts_with("ScaledToZero ")), "nothing is wanted");
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", well());
    assert!(w.web().is_empty());
}
