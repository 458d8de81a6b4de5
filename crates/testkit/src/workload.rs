//! Workloads made of the workload image, which breaks on request.
//!
//! Pure. Every object passes Pod Security `restricted`, so that what a test breaks is what it meant to break. For the image's flags see `workload --help`.

use serde_json::{Map, Value, json};

/// A workload with one container, `main`.
#[derive(Debug, Clone)]
pub struct Workload {
    name: String,
    image: String,
    replicas: u32,
    args: Vec<String>,
    env: Map<String, Value>,
    memory: Option<String>,
    readiness: bool,
    labels: Map<String, Value>,
    container: Map<String, Value>,
    pod: Map<String, Value>,
    spec: Map<String, Value>,
}

impl Workload {
    /// One replica that serves.
    pub fn new(name: &str, image: &str) -> Self {
        Self {
            name: name.to_owned(),
            image: image.to_owned(),
            replicas: 1,
            args: Vec::new(),
            env: Map::new(),
            memory: None,
            readiness: true,
            labels: Map::new(),
            container: Map::new(),
            pod: Map::new(),
            spec: Map::new(),
        }
    }

    /// Sets the number of replicas.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Adds flags of the workload program.
    #[must_use]
    pub fn args<S: AsRef<str>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), json!(value));
        self
    }

    /// Limits memory; the request is the same.
    #[must_use]
    pub fn memory(mut self, limit: &str) -> Self {
        self.memory = Some(limit.to_owned());
        self
    }

    /// Leaves out the readiness probe.
    #[must_use]
    pub fn without_readiness(mut self) -> Self {
        self.readiness = false;
        self
    }

    /// Adds a label to the object and its pods.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), json!(value));
        self
    }

    /// Sets a field of the container, such as `livenessProbe` or `envFrom`.
    #[must_use]
    pub fn container(mut self, key: &str, value: Value) -> Self {
        self.container.insert(key.to_owned(), value);
        self
    }

    /// Sets a field of the pod's specification, such as `nodeSelector` or `volumes`.
    #[must_use]
    pub fn pod_field(mut self, key: &str, value: Value) -> Self {
        self.pod.insert(key.to_owned(), value);
        self
    }

    /// Sets a field of the workload's specification, such as `progressDeadlineSeconds`.
    #[must_use]
    pub fn spec_field(mut self, key: &str, value: Value) -> Self {
        self.spec.insert(key.to_owned(), value);
        self
    }

    /// A Deployment.
    pub fn deployment(&self) -> Value {
        self.of("apps/v1", "Deployment", &["replicas"])
    }

    /// A StatefulSet.
    pub fn stateful_set(&self) -> Value {
        self.of("apps/v1", "StatefulSet", &["replicas", "serviceName"])
    }

    /// A DaemonSet.
    pub fn daemon_set(&self) -> Value {
        self.of("apps/v1", "DaemonSet", &[])
    }

    /// A pod that nobody owns.
    pub fn bare_pod(&self) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": self.metadata(), "spec": self.pod_spec()})
    }

    /// A Service that selects its pods.
    pub fn service(&self, target_port: u16) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(),
            "spec": {"selector": {"app": self.name}, "ports": [{"port": 80, "targetPort": target_port}]},
        })
    }

    fn of(&self, version: &str, kind: &str, keys: &[&str]) -> Value {
        let mut spec = json!({
            "selector": {"matchLabels": {"app": self.name}},
            "template": {"metadata": {"labels": self.all_labels()}, "spec": self.pod_spec()},
        });
        if keys.contains(&"replicas") {
            spec["replicas"] = json!(self.replicas);
        }
        if keys.contains(&"serviceName") {
            spec["serviceName"] = json!(self.name);
        }
        extend(&mut spec, &self.spec);
        json!({"apiVersion": version, "kind": kind, "metadata": self.metadata(), "spec": spec})
    }

    fn metadata(&self) -> Value {
        json!({"name": self.name, "labels": self.all_labels()})
    }

    fn all_labels(&self) -> Value {
        let mut labels = json!({"app": self.name});
        extend(&mut labels, &self.labels);
        labels
    }

    fn pod_spec(&self) -> Value {
        let mut spec = json!({
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [self.main()],
        });
        extend(&mut spec, &self.pod);
        spec
    }

    fn main(&self) -> Value {
        let env: Vec<Value> = self.env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let mut container = json!({
            "name": "main",
            "image": self.image,
            "args": self.args,
            "env": env,
            "ports": [{"name": "http", "containerPort": 8080}],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        });
        if self.readiness {
            container["readinessProbe"] = json!({"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1});
        }
        if let Some(limit) = &self.memory {
            container["resources"] = json!({"requests": {"memory": limit}, "limits": {"memory": limit}});
        }
        extend(&mut container, &self.container);
        container
    }
}

fn extend(object: &mut Value, more: &Map<String, Value>) {
    if let Some(map) = object.as_object_mut() {
        map.extend(more.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_reach_their_place() {
        let web = Workload::new("web", "i:1")
            .replicas(3)
            .args(["--fail-readiness"])
            .env("A", "b")
            .memory("64Mi")
            .spec_field("progressDeadlineSeconds", json!(5))
            .pod_field("nodeSelector", json!({"disk": "none"}));
        let object = web.deployment();
        assert_eq!(object["spec"]["replicas"], 3);
        assert_eq!(object["spec"]["progressDeadlineSeconds"], 5);
        let pod = &object["spec"]["template"]["spec"];
        assert_eq!(pod["nodeSelector"]["disk"], "none");
        assert_eq!(pod["containers"][0]["resources"]["limits"]["memory"], "64Mi");
        assert_eq!(pod["containers"][0]["env"], json!([{"name": "A", "value": "b"}]));
        assert!(web.daemon_set()["spec"].get("replicas").is_none());
        assert_eq!(web.stateful_set()["spec"]["serviceName"], "web");
    }

    #[test]
    fn the_objects_are_of_their_kinds() {
        let web = Workload::new("web", "i:1");
        let read: k8s_openapi::api::apps::v1::Deployment = serde_json::from_value(web.deployment()).unwrap();
        assert_eq!(read.spec.unwrap().template.spec.unwrap().containers.len(), 1);
        let _: k8s_openapi::api::core::v1::Service = serde_json::from_value(web.service(8080)).unwrap();
        let _: k8s_openapi::api::core::v1::Pod = serde_json::from_value(web.bare_pod()).unwrap();
    }
}
