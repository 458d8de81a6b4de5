//! The operator's Deployment and what belongs to it.
//!
//! Owns the pod's isolation: Pod Security `restricted`, no writable root, no rights by default.
//! Must never hold a key: it is mounted from a Secret that the installation made. No IO.

use super::options::InstallOptions;
use super::{ADMIN_PORT, OPERATOR, PART_OF, PRODUCT, SIGNING_KEY_SECRET};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use serde_json::{Value, json};

const SIGNING_KEY_DIR: &str = "/var/run/secrets/bailiwick.dev/signing";

pub(super) fn objects(options: &InstallOptions) -> Vec<Value> {
    let mut objects = vec![deployment(options), metrics_service()];
    if options.replicas() > 1 {
        objects.push(disruption_budget());
    }
    objects
}

fn name_label() -> Value {
    json!({ "app.kubernetes.io/name": OPERATOR })
}

fn metadata() -> Value {
    json!({
        "name": OPERATOR,
        "namespace": SYSTEM_NAMESPACE,
        "labels": {
            PART_OF: PRODUCT,
            "app.kubernetes.io/managed-by": "bailiwick-install",
            "app.kubernetes.io/name": OPERATOR,
        },
    })
}

fn deployment(options: &InstallOptions) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(),
        "spec": {
            "replicas": options.replicas(),
            "revisionHistoryLimit": 3,
            "selector": { "matchLabels": name_label() },
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 },
            },
            "template": {
                "metadata": { "labels": { PART_OF: PRODUCT, "app.kubernetes.io/name": OPERATOR } },
                "spec": pod(options),
            },
        },
    })
}

fn pod(options: &InstallOptions) -> Value {
    json!({
        "serviceAccountName": OPERATOR,
        "automountServiceAccountToken": true,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 30,
        "nodeSelector": { "kubernetes.io/os": "linux" },
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": name_label() },
        }],
        "containers": [container(options)],
        "volumes": [{
            "name": "signing-key",
            // Without the key the operator runs, watches and refuses to execute: it says so itself.
            "secret": { "secretName": SIGNING_KEY_SECRET, "optional": true, "defaultMode": 0o440 },
        }],
    })
}

fn container(options: &InstallOptions) -> Value {
    let probe = |path: &str, period: u32| {
        json!({
            "httpGet": { "path": path, "port": "admin" },
            "periodSeconds": period,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        })
    };
    json!({
        "name": "operator",
        "image": options.image(),
        "imagePullPolicy": options.pull_policy().as_str(),
        "env": environment(options),
        "ports": [{ "name": "admin", "containerPort": ADMIN_PORT, "protocol": "TCP" }],
        "livenessProbe": probe("/livez", 10),
        "readinessProbe": probe("/readyz", 2),
        "resources": {
            "requests": { "cpu": "50m", "memory": "64Mi" },
            "limits": { "memory": "1Gi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [{
            "name": "signing-key",
            "mountPath": SIGNING_KEY_DIR,
            "readOnly": true,
        }],
    })
}

fn environment(options: &InstallOptions) -> Value {
    let set = |name: &str, value: &str| json!({ "name": name, "value": value });
    let mut all = vec![
        set("BAILIWICK_TERRITORY_KEY", options.territory().key()),
        set("BAILIWICK_TERRITORY_VALUE", options.territory().value()),
        set("BAILIWICK_ADMIN_LISTEN", &format!("0.0.0.0:{ADMIN_PORT}")),
        set("BAILIWICK_SIGNING_KEY_DIR", SIGNING_KEY_DIR),
        set("BAILIWICK_LOG", options.log()),
        json!({
            "name": "BAILIWICK_IDENTITY",
            "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } },
        }),
    ];
    if let Some(points) = options.failpoints() {
        all.push(set("FAILPOINTS", points));
    }
    Value::Array(all)
}

fn metrics_service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(),
        "spec": {
            "selector": name_label(),
            "ports": [{ "name": "metrics", "port": ADMIN_PORT, "targetPort": "admin" }],
        },
    })
}

/// Only where there is a spare: with one replica a budget would only block the draining of nodes.
fn disruption_budget() -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(),
        "spec": { "minAvailable": 1, "selector": { "matchLabels": name_label() } },
    })
}
