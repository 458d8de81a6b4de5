//! Tests of deletions that do not end.

use crate::analyze::fixture::{World, at, merge, owner, spec};
use crate::object::Kind;
use serde_json::{Value, json};

fn leaving(name: &str, since: i64, more: Value) -> Value {
    let mut object =
        json!({"metadata": {"name": name, "deletionTimestamp": at(since), "finalizers": ["example.com/guard"]}});
    merge(&mut object, more);
    object
}

#[test]
fn a_finalizer_that_nobody_removes_is_told_of_any_kind() {
    let mut w = World::new();
    for kind in [Kind::ConfigMap, Kind::Service, Kind::Deployment, Kind::PersistentVolume] {
        w.put(kind, leaving("young", 500, json!({})));
        assert_eq!(w.findings(kind, "young"), [""; 0], "{kind}");
        w.put(kind, leaving("old", 100, json!({})));
        let text = format!(
            "FinalizerStuck Warning: the {kind} is to be deleted since 2026-01-01T00:01:40Z and stays: nobody removes its finalizer \"example.com/guard\""
        );
        assert_eq!(w.findings(kind, "old"), [text]);
    }
}

#[test]
fn a_claim_that_is_still_used_waits_for_its_pod() {
    let mut w = World::new();
    let mut mounts = spec(json!({}));
    merge(&mut mounts, json!({"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}));
    w.put(Kind::Pod, json!({"metadata": {"name": "user"}, "spec": mounts, "status": {"phase": "Running"}}));
    w.put(
        Kind::PersistentVolumeClaim,
        leaving(
            "data",
            100,
            json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}, "status": {"phase": "Bound"}}),
        ),
    );
    assert_eq!(
        w.findings(Kind::PersistentVolumeClaim, "data"),
        [
            "FinalizerStuck Info: the PersistentVolumeClaim is to be deleted since 2026-01-01T00:01:40Z and stays: it is still used by pod \"user\""
        ]
    );
}

#[test]
fn a_namespace_that_stays_says_why_and_speaks_for_what_is_in_it() {
    let mut w = World::new();
    w.put(Kind::Namespace, json!({"metadata": {"name": "shop", "deletionTimestamp": at(100)}, "status": {"phase": "Terminating", "conditions": [
        {"type": "NamespaceDeletionDiscoveryFailure", "status": "False"},
        {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: widgets.example.com has 1 resource instances"},
        {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content in the namespace has finalizers remaining: example.com/guard in 1 resource instances"}]}}));
    w.put(Kind::ConfigMap, leaving("held", 100, json!({})));
    assert_eq!(w.findings(Kind::ConfigMap, "held"), [""; 0]);
    assert_eq!(
        w.findings(Kind::Namespace, "shop"),
        [
            "NamespaceStuck Warning: the namespace is to be deleted since 2026-01-01T00:01:40Z and stays: \"Some content in the namespace has finalizers remaining: example.com/guard in 1 resource instances\""
        ]
    );
}

#[test]
fn pods_that_finalizers_keep_are_their_workloads_finding() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    w.put(Kind::Pod, json!({"metadata": {"name": "web-r1-hjklm", "labels": {"app": "web", "pod-template-hash": "r1"}, "ownerReferences": [owner(Kind::ReplicaSet, "web-r1")],
        "deletionTimestamp": at(100), "finalizers": ["example.com/guard"]}, "spec": spec(json!({})), "status": {"phase": "Running"}}));
    assert_eq!(
        w.web(),
        [
            "FinalizerStuck Warning: pod \"web-r1-hjklm\" to be deleted since 2026-01-01T00:01:40Z and still there: nobody removes finalizer \"example.com/guard\""
        ]
    );
}

#[test]
fn what_waits_for_what_it_made_is_left_alone_until_that_is_stuck() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    let foreground = leaving("web", 100, json!({"metadata": {"finalizers": ["foregroundDeletion"]}}));
    w.put(Kind::Deployment, foreground.clone());
    assert_eq!(w.web(), [""; 0], "its pods may take long to end");
    assert!(w.examine(Kind::Deployment, "web").recheck.is_some());
    w.put(Kind::Pod, json!({"metadata": {"name": "web-r1-bcdfg", "labels": {"app": "web", "pod-template-hash": "r1"}, "ownerReferences": [owner(Kind::ReplicaSet, "web-r1")],
        "deletionTimestamp": at(100), "finalizers": ["example.com/guard"]}, "spec": spec(json!({})), "status": {"phase": "Running"}}));
    assert_eq!(
        w.web(),
        [
            "FinalizerStuck Warning: pod \"web-r1-bcdfg\" to be deleted since 2026-01-01T00:01:40Z and still there: nobody removes finalizer \"example.com/guard\""
        ]
    );
    let mut w = World::new();
    w.put(Kind::Deployment, foreground);
    assert_eq!(w.web().len(), 1, "nothing is left to wait for");
}
