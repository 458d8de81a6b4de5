//! Tests of nodes.

use crate::action::Action;
use crate::analyze::fixture::{World, at, merge, spec};
use crate::finding::Candidate;
use crate::object::Kind;
use serde_json::{Value, json};

fn node(w: &mut World, more: Value) -> Vec<String> {
    let mut object =
        json!({"metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    merge(&mut object, more);
    w.put(Kind::Node, object);
    w.findings(Kind::Node, "n1")
}

fn silent(since: i64) -> Value {
    json!({"status": {"conditions": [
        {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.", "lastTransitionTime": at(since)},
        {"type": "MemoryPressure", "status": "Unknown"}]}})
}

#[test]
fn a_node_that_does_not_answer_is_told_after_a_minute_and_its_pods_with_it() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", json!({"phase": "Running"}));
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    assert_eq!(node(&mut w, silent(580)), [""; 0]);
    assert_eq!(
        node(&mut w, silent(500)),
        [
            "NodeNotReady Warning: the node is not ready (NodeStatusUnknown): \"Kubelet stopped posting node status.\"; 1 pods are on it"
        ]
    );
    assert_eq!(w.findings(Kind::Service, "front"), [""; 0], "the node's finding says why");
}

#[test]
fn a_shortage_is_named() {
    let mut w = World::new();
    let short = |kind: &str| {
        json!({"status": {"conditions": [{"type": "Ready", "status": "True"},
        {"type": kind, "status": "True", "message": "kubelet has it", "lastTransitionTime": at(100)}]}})
    };
    for (kind, what) in [
        ("MemoryPressure", "is short of memory"),
        ("DiskPressure", "is short of disk space"),
        ("PIDPressure", "is short of process numbers"),
        ("NetworkUnavailable", "has no network"),
    ] {
        assert_eq!(
            node(&mut w, short(kind)),
            [format!("NodeUnderPressure Warning: the node {what}: \"kubelet has it\"")]
        );
    }
}

fn cordon(annotations: Value, taints: Value) -> Value {
    json!({"metadata": {"annotations": annotations, "managedFields": [
        {"manager": "kubectl", "time": at(60), "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}]}, "spec": {"unschedulable": true, "taints": taints}})
}

#[test]
fn a_cordon_that_nothing_explains_is_told_with_who_and_when() {
    let mut w = World::new();
    let by = "by \"kubectl\" at 2026-01-01T00:01:00Z, and no annotation says why";
    assert_eq!(node(&mut w, cordon(json!({}), json!([]))), [format!("NodeCordoned Info: the node is cordoned {by}")]);
    w.put(
        Kind::Pod,
        json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at(500),
         "message": "0/1 nodes are available: 1 node(s) were unschedulable. preemption: none"}]}}),
    );
    assert_eq!(
        node(&mut w, cordon(json!({}), json!([]))),
        [format!(
            "NodeCordoned Warning: the node is cordoned {by}; one pod waits for a node that takes it -> Uncordon"
        )]
    );
    assert_eq!(w.findings(Kind::Pod, "lone"), [""; 0], "no node takes pods at all");
}

#[test]
fn where_pods_wait_for_a_cordoned_node_it_is_proposed_to_let_it_take_them() {
    let mut w = World::new();
    let proposed = |w: &mut World| {
        node(w, cordon(json!({}), json!([])));
        let found = w.examine(Kind::Node, "n1").findings;
        let of = |c: &Candidate| (c.action.clone(), c.target.kind, c.target.name.to_string(), c.target.uid.is_some());
        found.iter().flat_map(|f| &f.candidates).map(of).collect::<Vec<_>>()
    };
    assert_eq!(proposed(&mut w), []);
    w.put(
        Kind::Pod,
        json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at(500),
         "message": "0/1 nodes are available: 1 node(s) were unschedulable. preemption: none"}]}}),
    );
    assert_eq!(proposed(&mut w), [(Action::Uncordon {}, Kind::Node, "n1".to_owned(), true)]);
}

#[test]
fn who_drains_a_node_and_whom_no_cordon_keeps_away_is_no_reason_to_let_it_take_pods() {
    let pending = |w: &mut World, since: i64, why: &str| {
        w.put(
            Kind::Pod,
            json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at(since),
             "message": format!("0/3 nodes are available: 1 node(s) were unschedulable, {why}. preemption: none")}]}}),
        );
    };
    let mut w = World::new();
    for (since, why, severity) in [
        (500, "2 Insufficient cpu", "Warning"),
        (570, "2 Insufficient cpu", "Info"),
        (500, "2 node(s) didn't match Pod's node affinity/selector", "Info"),
        (500, "2 node(s) had untolerated taint {dedicated: db}", "Info"),
    ] {
        pending(&mut w, since, why);
        let found = node(&mut w, cordon(json!({}), json!([])));
        assert!(found[0].starts_with(&format!("NodeCordoned {severity}")), "{why} since {since}: {found:?}");
        assert_eq!(found[0].ends_with("-> Uncordon"), severity == "Warning", "{found:?}");
    }
    pending(&mut w, 500, "2 Insufficient cpu");
    let mut drained = cordon(json!({}), json!([]));
    drained["metadata"]["managedFields"][0]["manager"] = json!("kubectl-drain");
    let found = node(&mut w, drained);
    assert!(found[0].starts_with("NodeCordoned Warning") && !found[0].contains("Uncordon"), "{found:?}");
}

#[test]
fn a_cordon_on_purpose_is_well() {
    for (annotations, taints) in [
        (json!({"example.com/maintenance": "disk swap"}), json!([])),
        (json!({}), json!([{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}])),
        (json!({}), json!([{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}])),
    ] {
        assert_eq!(node(&mut World::new(), cordon(annotations.clone(), taints)), [""; 0], "{annotations}");
    }
}

#[test]
fn a_node_that_is_away_for_its_announced_maintenance_is_well() {
    let mut away = cordon(json!({"example.com/maintenance": "disk swap"}), json!([]));
    merge(&mut away, silent(100));
    assert_eq!(node(&mut World::new(), away.clone()), [""; 0]);
    merge(&mut away, json!({"spec": {"unschedulable": false}}));
    assert!(node(&mut World::new(), away)[0].starts_with("NodeNotReady"), "it is back, and does not answer");
}

#[test]
fn whoever_set_a_taint_is_named_where_it_keeps_a_pod_away() {
    let mut w = World::new();
    node(
        &mut w,
        json!({"metadata": {"managedFields": [{"manager": "kubectl-taint", "time": at(60), "fieldsV1": {"f:spec": {"f:taints": {}}}}]},
        "spec": {"taints": [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]}}),
    );
    w.put(
        Kind::Pod,
        json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at(500),
         "message": "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: db}. preemption: none"}]}}),
    );
    assert_eq!(
        w.findings(Kind::Pod, "lone"),
        [
            "TaintNotTolerated Critical: no node takes the pod: \"1 node(s) had untolerated taint {dedicated: db}\"; node \"n1\" was tainted by \"kubectl-taint\" at 2026-01-01T00:01:00Z"
        ]
    );
}
