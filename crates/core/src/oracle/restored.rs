//! Whether an object that was put back does its work.
//!
//! Owns what counts as that: its content is there, a Service has ready pods behind it, and no pod waits for
//! a ConfigMap any more. Must never conclude it from the write alone where somebody uses the object. No IO.

use super::{Health, Observation, any_container, serves};
use crate::object::Kind;
use crate::plan::Plan;
use crate::plan::object::{is_live, name_of, shows, text_at};
use serde_json::Value;

/// Judges an object that was put back.
pub(super) fn judge(plan: &Plan, seen: &Observation) -> Health {
    let (Some(live), Some(result)) = (&seen.target, plan.result_object()) else {
        return Health::Vanished;
    };
    if !shows(live, &result, &plan.free) {
        return Health::NotYet("the object exists with other content".to_owned());
    }
    if plan.target.kind == Kind::Service {
        return serves(plan, seen);
    }
    if plan.target.kind == Kind::ConfigMap
        && let Some(pod) = waiting(&seen.pods, name_of(live))
    {
        return Health::NotYet(format!("pod {pod} still waits for it"));
    }
    Health::Healthy("the object exists as it was kept".to_owned())
}

/// A pod that is made with the ConfigMap and whose containers could not be made yet.
fn waiting<'a>(pods: &'a [Value], config_map: &str) -> Option<&'a str> {
    let refused = |pod: &Value| {
        any_container(std::slice::from_ref(pod), |_, container| {
            matches!(
                text_at(container, "/state/waiting/reason"),
                Some("CreateContainerConfigError" | "ContainerCreating" | "PodInitializing")
            )
        })
    };
    let pod = pods.iter().find(|pod| is_live(pod) && names(pod.get("spec"), config_map) && refused(pod))?;
    text_at(pod, "/metadata/name")
}

/// True where a pod's specification refers to a ConfigMap of that name, in whatever way.
fn names(spec: Option<&Value>, config_map: &str) -> bool {
    const REFERENCES: &[&str] = &["configMap", "configMapRef", "configMapKeyRef"];
    match spec {
        Some(Value::Object(map)) => map.iter().any(|(key, value)| {
            (REFERENCES.contains(&key.as_str()) && text_at(value, "/name") == Some(config_map))
                || names(Some(value), config_map)
        }),
        Some(Value::Array(items)) => items.iter().any(|item| names(Some(item), config_map)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => false,
    }
}
