//! The demo's own Deployments, made of an image that breaks on request.
//!
//! Owns their form: every one passes Pod Security `restricted`, so that what a drill breaks is
//! what it meant to break. No IO.

use serde_json::{Value, json};

/// Name of the one container.
pub(super) const CONTAINER: &str = "main";

/// Memory of the container: request and limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// The request.
    pub(super) request: &'static str,
    /// The limit.
    pub(super) limit: &'static str,
}

/// A Deployment of one replica.
pub(super) fn deployment((namespace, name): (&str, &str), image: &str, args: &[&str], memory: Option<Memory>) -> Value {
    let mut container = json!({
        "name": CONTAINER,
        "image": image,
        "args": args,
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    });
    if let Some(memory) = memory {
        container["resources"] = json!({"requests": {"memory": memory.request}, "limits": {"memory": memory.limit}});
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "automountServiceAccountToken": false,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                },
            },
        },
    })
}

/// Where a Deployment is served.
pub(super) fn path(namespace: &str, name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
}

/// The patch that sets its image, as a developer's `kubectl set image` would.
pub(super) fn image_patch(image: &str) -> Value {
    json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}])
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::apps::v1::Deployment;

    #[test]
    fn a_deployment_is_one() {
        let memory = Memory { request: "16Mi", limit: "32Mi" };
        let object = deployment(("shop", "web"), "i:1", &["--port", "8080"], Some(memory));
        let typed: Deployment = serde_json::from_value(object).unwrap();
        let pod = typed.spec.unwrap().template.spec.unwrap();
        let limits = pod.containers[0].resources.clone().unwrap().limits.unwrap();
        assert_eq!(limits["memory"].0, "32Mi");
    }
}
