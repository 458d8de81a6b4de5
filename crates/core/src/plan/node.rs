//! `Cordon` and `Uncordon`: whether a node takes new pods.
//!
//! Owns their bounds and what they mean in fields. Must never touch a node that people or an
//! autoscaler keep out of service on purpose, nor leave pods without any node. No IO.

use super::bounds::Facts;
use super::object::{is_live, text_at};
use crate::analyze::node::removes;
use crate::index::names::explains;
use crate::reason::{Code, Reason};
use serde_json::{Value, json};

/// The node with or without its cordon.
pub(super) fn apply(after: &mut Value, takes_pods: bool) -> Result<(), Reason> {
    let spec = after.get_mut("spec").and_then(Value::as_object_mut).ok_or_else(|| Reason::plain(Code::WrongKind))?;
    if takes_pods {
        spec.remove("unschedulable");
    } else {
        spec.insert("unschedulable".to_owned(), json!(true));
    }
    Ok(())
}

/// Nobody keeps the node out of service on purpose.
pub(super) fn check(facts: &Facts) -> Result<(), Reason> {
    let node = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let kept = |why: String| Err(Reason::new(Code::OutOfService, why));
    if !is_live(node) {
        return kept("the node is being deleted".to_owned());
    }
    let annotations = node.pointer("/metadata/annotations").and_then(Value::as_object);
    if let Some((key, _)) =
        annotations.into_iter().flatten().find(|(key, value)| explains(key, value.as_str().unwrap_or_default()))
    {
        return kept(format!("the annotation {key:?} says that the node is under maintenance"));
    }
    let taints = node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten();
    match taints.filter_map(|taint| text_at(taint, "/key")).find(|key| removes(key)) {
        Some(key) => kept(format!("the taint {key:?} says that the node is being removed")),
        None => Ok(()),
    }
}

/// Some other node takes what this one no longer does.
pub(super) fn check_cordon(facts: &Facts) -> Result<(), Reason> {
    if facts.takers == 0 {
        return Err(Reason::new(Code::OutOfBounds, "no other node is ready and takes pods"));
    }
    Ok(())
}
