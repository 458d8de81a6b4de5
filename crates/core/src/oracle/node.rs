//! Nodes: whether the cluster acts on what was set.
//!
//! Owns the reading of a node's taints and conditions. Must never take the field that was written
//! for its effect. No IO.

use super::Health;
use crate::plan::object::{has_condition, text_at};
use serde_json::Value;

/// What keeps pods from a cordoned node.
const TAINT: &str = "node.kubernetes.io/unschedulable";

/// The taint of a cordon is there, or it is gone and the node is ready for pods.
pub(super) fn follows(node: &Value) -> Health {
    let cordoned = node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true);
    let taints = node.pointer("/spec/taints").and_then(Value::as_array);
    let tainted = taints.is_some_and(|all| all.iter().any(|taint| text_at(taint, "/key") == Some(TAINT)));
    match (cordoned, tainted) {
        (true, true) => Health::Healthy("the node takes no new pods".to_owned()),
        (true, false) => Health::NotYet(format!("the node has no taint {TAINT} yet")),
        (false, true) => Health::NotYet(format!("the node still has the taint {TAINT}")),
        (false, false) if has_condition(node, "Ready", "True") => {
            Health::Healthy("the node is ready and takes pods".to_owned())
        }
        (false, false) => Health::NotYet("the node is not ready".to_owned()),
    }
}
