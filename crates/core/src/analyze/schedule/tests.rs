//! Tests of the analyzer of unschedulable pods.

use crate::analyze::fixture::{World, at, spec};
use crate::finding::Cause;
use crate::object::Kind;
use serde_json::{Value, json};

fn pending(reason: &str, message: &str, since: i64) -> Value {
    json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": reason, "message": message, "lastTransitionTime": at(since)}]})
}

/// What schedulers of 1.25 to 1.36 write.
const MESSAGES: &[(&str, Cause)] = &[
    (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
        Cause::InsufficientResources,
    ),
    (
        "0/5 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient memory, 2 Insufficient cpu. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
        Cause::InsufficientResources,
    ),
    ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", Cause::InsufficientResources),
    ("0/3 nodes are available: 3 Too many pods.", Cause::InsufficientResources),
    (
        "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) didn't match Pod's node affinity/selector.",
        Cause::NodeSelectorMismatch,
    ),
    ("0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: gpu}.", Cause::TaintNotTolerated),
    ("0/2 nodes are available: 2 node(s) had untolerated taint(s).", Cause::TaintNotTolerated),
    (
        "0/2 nodes are available: 2 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate.",
        Cause::TaintNotTolerated,
    ),
    ("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.", Cause::PodAffinityUnsatisfied),
    ("0/2 nodes are available: 2 node(s) didn't match pod affinity rules.", Cause::PodAffinityUnsatisfied),
    (
        "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints (missing required label).",
        Cause::PodAffinityUnsatisfied,
    ),
    ("0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.", Cause::HostPortConflict),
    ("0/2 nodes are available: 2 node(s) had volume node affinity conflict.", Cause::VolumeNodeConflict),
    ("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.", Cause::Unschedulable),
    ("0/1 nodes are available: persistentvolumeclaim \"absent\" not found.", Cause::ClaimMissing),
    ("0/1 nodes are available: 1 node(s) were unschedulable.", Cause::Unschedulable),
    ("no nodes available to schedule pods", Cause::Unschedulable),
];

#[test]
fn the_node_that_came_closest_tells_the_cause() {
    for (message, cause) in MESSAGES {
        let mut w = World::new();
        w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", pending("Unschedulable", message, 500));
        let found = w.examine(Kind::Deployment, "web").findings;
        assert_eq!(found.iter().map(|f| f.cause).collect::<Vec<_>>(), [*cause], "{message}");
        assert!(
            !found[0].summary.contains("reemption"),
            "what preemption could not do is no reason: {}",
            found[0].summary
        );
    }
}

#[test]
fn a_pod_that_was_just_made_is_given_time() {
    let message = "0/1 nodes are available: 1 Insufficient cpu.";
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", pending("Unschedulable", message, 598));
    let analysis = w.examine(Kind::Deployment, "web");
    assert!(analysis.findings.is_empty());
    assert_eq!(analysis.recheck.unwrap().to_string(), at(603));
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(
        1,
        "bcdfg",
        pending("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", 560),
    );
    assert!(w.web().is_empty(), "a gate is for another controller to open");
    w.now = at(621).parse().unwrap();
    assert!(w.web()[0].starts_with("SchedulingGateLeft "));
}

#[test]
fn a_revision_that_asks_for_more_goes_back_to_the_one_that_fitted() {
    let asking = |cpu: &str| spec(json!({"resources": {"requests": {"cpu": cpu}}}));
    let message = "0/1 nodes are available: 1 Insufficient cpu.";
    let mut w = World::new();
    w.deployment(1, &[asking("100m"), asking("64")]).well(1, "bcdfg");
    w.pod(2, "hjklm", pending("Unschedulable", message, 500));
    assert!(w.web()[0].ends_with("-> RolloutUndo(1)"), "{:?}", w.web());
    let mut w = World::new();
    let mut newer = asking("100m");
    newer["containers"][0]["image"] = json!("shop/web:2");
    w.deployment(1, &[asking("100m"), newer]).well(1, "bcdfg");
    w.pod(2, "hjklm", pending("Unschedulable", message, 500));
    assert!(!w.web()[0].contains("->"), "the cluster is full, whichever revision: {:?}", w.web());
}

#[test]
fn a_taint_is_the_nodes_matter() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]).well(1, "bcdfg");
    w.pod(
        2,
        "hjklm",
        pending("Unschedulable", "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}.", 500),
    );
    assert!(!w.web()[0].contains("->"), "{:?}", w.web());
}

#[test]
fn a_volume_that_is_tied_to_a_node_that_left_says_so() {
    let mut w = World::new();
    w.put(Kind::Node, json!({"metadata": {"name": "n2", "labels": {"kubernetes.io/hostname": "n2"}}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    w.put(Kind::PersistentVolume, json!({"metadata": {"name": "pv-1"}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}]}}}, "status": {"phase": "Bound"}}));
    w.put(
        Kind::PersistentVolumeClaim,
        json!({"metadata": {"name": "data"}, "spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"}}),
    );
    let mut mounts = spec(json!({}));
    mounts["volumes"] = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]);
    w.deployment(1, &[mounts.clone()]);
    let message = "0/1 nodes are available: 1 node(s) had volume node affinity conflict. preemption: none";
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", mounts, pending("Unschedulable", message, 500));
    assert_eq!(
        w.web(),
        [
            "VolumeNodeConflict Critical: no node takes the pod: \"1 node(s) had volume node affinity conflict\"; volume \"pv-1\" is only for \"kubernetes.io/hostname in (n1)\", which no node is"
        ]
    );
}
