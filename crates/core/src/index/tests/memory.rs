//! How many bytes a pod costs, counted (not timed).

use super::apply;
use crate::index::Index;
use crate::object::Kind;
use serde_json::{Value, json};

const PODS: usize = 20_000;
const PER_SET: usize = 20;

fn uuid(n: usize) -> String {
    format!("{n:08x}-0000-4000-8000-{:012x}", n.wrapping_mul(0x9e37_79b9))
}

fn generated(n: usize) -> String {
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5).map(|i| char::from(alphabet[n / alphabet.len().pow(i) % alphabet.len()])).collect()
}

/// A pod as the API server sends it, with what real ones carry and the index must not keep.
fn pod(n: usize) -> Value {
    let set = n / PER_SET;
    let (namespace, app) = (format!("team-{}", set % 50), format!("service-{set}"));
    json!({
        "metadata": {
            "name": format!("{app}-7d4b9c6f5-{}", generated(n)), "namespace": namespace, "uid": uuid(n),
            "resourceVersion": (1_000_000 + n).to_string(), "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": "shop", "pod-template-hash": "7d4b9c6f5"},
            "annotations": {"prometheus.io/scrape": "true", "checksum/config": "0123456789abcdef".repeat(4)},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{app}-7d4b9c6f5"),
                "uid": uuid(1_000_000 + set), "controller": true}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {"f:conditions": {}}}}],
        },
        "spec": {
            "nodeName": format!("node-{}", n % 400), "restartPolicy": "Always",
            "containers": [
                {"name": "app", "image": format!("registry.example/{app}:1.2.3"), "ports": [{"name": "http", "containerPort": 8080}],
                 "env": [{"name": "MODE", "value": "production"}, {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}],
                 "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                 "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}}, "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}}},
                {"name": "proxy", "image": "registry.example/proxy:3"}],
            "volumes": [{"name": format!("kube-api-access-{}", generated(n)), "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}}],
        },
        "status": {
            "phase": "Running", "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:09Z"}],
            "containerStatuses": [
                {"name": "app", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:05Z"}}},
                {"name": "proxy", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:05Z"}}}],
        },
    })
}

#[test]
fn a_healthy_pod_costs_at_most_600_bytes_with_all_indexes() {
    let mut index = Index::new();
    let empty = index.heap_bytes();
    for n in 0..PODS {
        apply(&mut index, Kind::Pod, pod(n));
    }
    assert_eq!(index.pod_count(), PODS);
    let per_pod = (index.heap_bytes() - empty) / PODS;
    println!("bytes per indexed pod: {per_pod} ({PODS} pods, {PER_SET} per ReplicaSet; must 600, aim 200)");
    assert!(per_pod <= 600, "{per_pod} bytes per pod");
}
