//! A namespace as a person would look at it when a test failed: pods, workloads, newest events.
//!
//! Reads only; never fails, because it explains another failure.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;

const MOST_EVENTS: usize = 25;
const MOST_BYTES: usize = 4000;

/// Describes `namespace` in a few lines.
pub async fn diagnose(client: &Client, namespace: &str) -> String {
    let mut lines = vec![format!("namespace {namespace}:")];
    lines.extend(deployments(client, namespace).await);
    lines.extend(pods(client, namespace).await);
    lines.extend(events(client, namespace).await);
    lines.join("\n")
}

async fn deployments(client: &Client, namespace: &str) -> Vec<String> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let Ok(list) = api.list(&ListParams::default()).await else {
        return vec!["  deployments cannot be listed".to_owned()];
    };
    list.iter()
        .map(|d| {
            let status = d.status.clone().unwrap_or_default();
            format!(
                "  deployment {}: {}/{} available, {} updated, generation {} seen {}",
                d.name_any(),
                status.available_replicas.unwrap_or(0),
                d.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1),
                status.updated_replicas.unwrap_or(0),
                d.metadata.generation.unwrap_or(0),
                status.observed_generation.unwrap_or(0),
            )
        })
        .collect()
}

async fn pods(client: &Client, namespace: &str) -> Vec<String> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let Ok(list) = api.list(&ListParams::default()).await else {
        return vec!["  pods cannot be listed".to_owned()];
    };
    list.iter().map(pod).collect()
}

fn pod(pod: &Pod) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let containers: Vec<String> = status
        .container_statuses
        .unwrap_or_default()
        .iter()
        .map(|c| {
            let state = serde_json::to_value(&c.state).unwrap_or(Value::Null);
            format!("{} restarts {} {state}", c.name, c.restart_count)
        })
        .collect();
    let phase = status.phase.unwrap_or_default();
    format!("  pod {}: {phase} {}", pod.name_any(), containers.join("; "))
}

async fn events(client: &Client, namespace: &str) -> Vec<String> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let Ok(mut list) = api.list(&ListParams::default()).await else {
        return vec!["  events cannot be listed".to_owned()];
    };
    list.items.sort_by_key(|e| e.metadata.creation_timestamp.clone());
    let newest = list.items.len().saturating_sub(MOST_EVENTS);
    list.items[newest..]
        .iter()
        .map(|e| {
            let about = &e.involved_object;
            format!(
                "  event {} {}/{}: {} {}",
                e.type_.as_deref().unwrap_or(""),
                about.kind.as_deref().unwrap_or(""),
                about.name.as_deref().unwrap_or(""),
                e.reason.as_deref().unwrap_or(""),
                e.message.as_deref().unwrap_or(""),
            )
        })
        .collect()
}

/// An object without what never explains anything.
pub(crate) fn brief(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let mut text = format!("{object:#}");
    if text.len() > MOST_BYTES {
        let cut = (0..=MOST_BYTES).rev().find(|n| text.is_char_boundary(*n));
        text.truncate(cut.unwrap_or(0));
        text.push_str("\n… (cut)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_object_is_cut_between_characters() {
        let text = brief(&json!({"metadata": {"managedFields": [1]}, "data": "ü".repeat(9000)}));
        assert!(text.ends_with("(cut)") && !text.contains("managedFields"));
    }
}
