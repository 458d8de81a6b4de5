//! Reading and pruning of Kubernetes objects as JSON.
//!
//! Owns what counts as bookkeeping of the server and what as content. Must never drop a field
//! that a user wrote. No IO.

use crate::canonical;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Metadata that the server itself sets or that changes with every status write.
const BOOKKEEPING: &[&str] = &[
    "managedFields",
    "resourceVersion",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Annotations that controllers rewrite by themselves and that say nothing about intent.
pub const CONTROLLER_ANNOTATIONS: &[&str] =
    &["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"];

/// Reads the text at a JSON pointer.
pub fn text_at<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// Reads an integer at a JSON pointer; absent or other counts as `default`.
pub fn int_at(object: &Value, pointer: &str, default: i64) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(default)
}

/// The object's name; empty where it has none.
pub fn name_of(object: &Value) -> &str {
    text_at(object, "/metadata/name").unwrap_or_default()
}

/// True for an object that is not being deleted.
pub fn is_live(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_none()
}

/// The object's labels.
pub fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").cloned();
    labels.and_then(|labels| serde_json::from_value(labels).ok()).unwrap_or_default()
}

/// A label of the object.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(key)?.as_str()
}

/// An annotation of the object.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// The controlling owner reference: kind, name and uid.
pub fn controller(object: &Value) -> Option<(&str, &str, &str)> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|o| o.get("controller").and_then(Value::as_bool) == Some(true))?;
    Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?, owner.get("uid")?.as_str()?))
}

/// True for a pod that is ready.
pub fn is_ready(pod: &Value) -> bool {
    has_condition(pod, "Ready", "True")
}

/// True if the object's status has the condition with that status.
pub fn has_condition(object: &Value, kind: &str, status: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let is_so = |c: &Value| text_at(c, "/type") == Some(kind) && text_at(c, "/status") == Some(status);
    conditions.is_some_and(|c| c.iter().any(is_so))
}

/// Labels as a selector's text; none where there are no labels, which would select everything.
pub fn selector_text(labels: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// What a Service selects, as a selector's text.
pub fn selector_of(service: &Value) -> Option<String> {
    let selector = service.pointer("/spec/selector")?.clone();
    selector_text(&serde_json::from_value(selector).ok()?)
}

/// The object without status and server bookkeeping: what the plan records and the digest covers.
#[must_use]
pub fn pruned(object: &Value) -> Value {
    let mut object = object.clone();
    if let Value::Object(map) = &mut object {
        map.remove("status");
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            for key in BOOKKEEPING {
                metadata.remove(*key);
            }
            metadata.remove("generation");
        }
    }
    object
}

/// The object as it would be created again: content, name, labels and annotations only.
#[must_use]
pub fn recreatable(object: &Value) -> Value {
    let mut object = pruned(object);
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        let kept: Map<String, Value> = std::mem::take(metadata)
            .into_iter()
            .filter(|(key, _)| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations"))
            .collect();
        *metadata = kept;
    }
    object
}

/// The object without the annotations that controllers rewrite by themselves.
#[must_use]
pub fn without_controllers_words(object: &Value) -> Value {
    let mut object = object.clone();
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return object };
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.retain(|key, _| !CONTROLLER_ANNOTATIONS.contains(&key.as_str()));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}

/// The object without the keys of `.spec` that others own.
pub(super) fn without_free(object: &Value, free: &[String]) -> Value {
    let mut object = object.clone();
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        spec.retain(|key, _| !free.contains(key));
    }
    object
}

/// SHA-256 over everything of the live object that must not move between plan and write:
/// uid, generation (where no key is free), labels, annotations, owners and content.
pub fn fingerprint(object: &Value, free: &[String]) -> String {
    let generation = object.pointer("/metadata/generation").cloned().unwrap_or(Value::Null);
    let object = without_free(&without_controllers_words(&pruned(object)), free);
    let generation = if free.is_empty() { generation } else { Value::Null };
    canonical::sha256_hex(&canonical::to_bytes(&json!([generation, object])))
}

/// True if the live object shows the planned content: every top-level field but metadata and
/// status equals the result, free keys of `.spec` aside.
pub fn shows(live: &Value, result: &Value, free: &[String]) -> bool {
    let content = |object: &Value| -> Value {
        let mut object = without_free(object, free);
        if let Value::Object(map) = &mut object {
            map.remove("metadata");
            map.remove("status");
        }
        object
    };
    content(live) == content(result)
}

/// Where a named container stands: `/spec/template/spec/containers/<i>` or `initContainers`.
pub fn container_pointer(workload: &Value, container: &str) -> Option<String> {
    ["containers", "initContainers"].iter().find_map(|list| {
        let base = format!("/spec/template/spec/{list}");
        let containers = workload.pointer(&base)?.as_array()?;
        let index = containers.iter().position(|c| c.get("name").and_then(Value::as_str) == Some(container))?;
        Some(format!("{base}/{index}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Value {
        json!({
            "metadata": {"name": "web", "uid": "u", "generation": 3, "resourceVersion": "9", "managedFields": [],
                "annotations": {"deployment.kubernetes.io/revision": "3", "team": "a"}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "app", "image": "i:1"}]}}},
            "status": {"replicas": 2}
        })
    }

    #[test]
    fn the_fingerprint_moves_with_intent_and_not_with_status() {
        let base = fingerprint(&deployment(), &[]);
        let mut status = deployment();
        status["status"]["replicas"] = json!(1);
        status["metadata"]["resourceVersion"] = json!("10");
        status["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("4");
        assert_eq!(fingerprint(&status, &[]), base);
        for (pointer, value) in [
            ("/metadata/uid", json!("other")),
            ("/metadata/generation", json!(4)),
            ("/metadata/annotations/team", json!("b")),
            ("/spec/replicas", json!(3)),
        ] {
            let mut moved = deployment();
            *moved.pointer_mut(pointer).unwrap() = value;
            assert_ne!(fingerprint(&moved, &[]), base, "{pointer}");
        }
    }

    #[test]
    fn a_free_key_may_move() {
        let free = ["replicas".to_owned()];
        let mut scaled = deployment();
        scaled["spec"]["replicas"] = json!(7);
        scaled["metadata"]["generation"] = json!(4);
        assert_eq!(fingerprint(&scaled, &free), fingerprint(&deployment(), &free));
        assert!(shows(&scaled, &deployment(), &free));
        assert!(!shows(&scaled, &deployment(), &[]));
    }
}
