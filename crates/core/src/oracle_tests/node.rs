//! The oracle of nodes: the cluster acts on what was set, and a node that takes pods is ready for them.

use super::cluster::*;
use crate::action::ChangeType;
use crate::object::Kind;
use crate::oracle::Health;
use serde_json::{Value, json};

fn object(cordoned: bool) -> Value {
    let taint = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    let spec = if cordoned { json!({"unschedulable": true, "taints": [taint]}) } else { json!({"taints": []}) };
    json!({"kind": "Node", "metadata": {"uid": "u-1"}, "spec": spec,
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn set(change_type: ChangeType) -> Case {
    let mut case = done(change_type, Kind::Node);
    let cordons = change_type == ChangeType::Cordon;
    case.plan.changed = vec!["/spec/unschedulable".to_owned()];
    case.plan.before = object(!cordons).to_string();
    case.plan.result = object(cordons).to_string();
    case.seen.target = Some(object(cordons));
    case
}

#[test]
fn a_node_that_takes_pods_again_is_ready_and_has_lost_the_taint() {
    let free = || set(ChangeType::Uncordon);
    healthy(&free());
    not_yet(&free().set("/status/conditions/0/status", json!("Unknown")), "not ready");
    let tainted = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
    not_yet(&free().set("/spec/taints", tainted), "still has the taint");
    let mut again = free();
    again.seen.target = Some(object(true));
    not_yet(&again, "unschedulable was changed again");
    assert_eq!(free().set("/metadata/uid", json!("u-2")).judge(), Health::Vanished);
}

#[test]
fn a_cordon_is_in_force_with_its_taint() {
    let cordoned = || set(ChangeType::Cordon);
    healthy(&cordoned());
    healthy(&cordoned().set("/status/conditions/0/status", json!("False")));
    not_yet(&cordoned().set("/spec/taints", json!([])), "has no taint");
    not_yet(&cordoned().set("/spec/unschedulable", json!(false)), "unschedulable was changed again");
}
