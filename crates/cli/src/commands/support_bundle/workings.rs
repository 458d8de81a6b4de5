//! How the operator and what guards it are doing: Deployment, pods, logs, metrics, fence, rights.
//!
//! Owns which of them are taken along. Must never take an account's token or a grant's content.
//! Reads from the API server, which asks the operator's pods for logs and metrics.

use super::pack::Bundle;
use super::read::{MOST, Newest};
use super::{Gathering, MIB, scrub};
use crate::cluster::Cluster;
use bailiwick_api::manifests::{ADMIN_PORT, OPERATOR, PART_OF, PRODUCT};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::names::ObjectName;
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::Api;
use kube::api::LogParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;
use std::time::Duration;

/// Of one container's log.
const LOG: usize = 8 * MIB;
const LOG_LINES: i64 = 50_000;
/// Where an answer is cut: its end, which is what is wanted, is then missing.
const ANSWER: usize = 4 * LOG;
/// Pods of the operator whose logs and metrics are read.
const PODS: usize = 10;
/// A pod that does not answer is what a bundle is for: the API server is asked again and again no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for one container's log.
const LOG_PATIENCE: Duration = Duration::from_secs(60);

impl Gathering<'_> {
    /// All of it.
    pub(super) async fn workings(&mut self) {
        self.begin("reading the operator, its logs and its metrics");
        let by_name = format!("app.kubernetes.io/name={OPERATOR}");
        self.file::<Deployment>("operator/deployments.json", SYSTEM_NAMESPACE, None).await;
        self.file::<Lease>("operator/leases.json", SYSTEM_NAMESPACE, None).await;
        let pods = self.file::<Pod>("operator/pods.json", SYSTEM_NAMESPACE, Some(&by_name)).await;
        for pod in pods.iter().take(PODS) {
            self.pod(pod).await;
        }
        self.begin("reading the fence and the rights of the product");
        let fence = format!("{FENCE_LABEL}={FENCE_VALUE}");
        self.fence(&fence).await;
        self.file::<ServiceAccount>("fence/accounts.json", GRANTS_NAMESPACE, None).await;
        self.cluster_wide::<ValidatingAdmissionPolicy>("fence/policies.json").await;
        self.cluster_wide::<ValidatingAdmissionPolicyBinding>("fence/bindings.json").await;
        self.cluster_wide::<ClusterRole>("rbac/clusterroles.json").await;
        self.cluster_wide::<ClusterRoleBinding>("rbac/clusterrolebindings.json").await;
        self.cluster_wide::<Role>("rbac/roles.json").await;
        self.cluster_wide::<RoleBinding>("rbac/rolebindings.json").await;
    }

    /// A file with the masked objects of one namespace; gives them, too.
    async fn file<K>(&mut self, path: &str, namespace: &str, labels: Option<&str>) -> Vec<Value>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K: Clone + DeserializeOwned + Debug + Serialize,
        K::DynamicType: Default,
    {
        let api = self.cluster.within::<K>(namespace);
        let Some(found) = self.masked(path, &api, labels).await else { return Vec::new() };
        let objects = found.objects.clone();
        self.bundle.objects(path, found);
        objects
    }

    /// A file with what carries the product's label, wherever it is.
    async fn cluster_wide<K>(&mut self, path: &str)
    where
        K: kube::Resource + Clone + DeserializeOwned + Debug + Serialize,
        K::DynamicType: Default,
    {
        let ours = format!("{PART_OF}={PRODUCT}");
        let api = Api::<K>::all(self.cluster.client.clone());
        if let Some(found) = self.masked(path, &api, Some(&ours)).await {
            self.bundle.objects(path, found);
        }
    }

    /// Which grants there are, without the objects that they let through.
    async fn fence(&mut self, labels: &str) {
        let api = self.cluster.within::<ControllerRevision>(GRANTS_NAMESPACE);
        let path = "fence/revisions.json";
        let mut found = Newest::new(MOST);
        if self.each(path, &api, Some(labels), |one| found.add(one.revision, one)).await {
            self.bundle.objects(path, found.shown(|one| revision(&one)));
        }
    }

    /// The logs of a pod's containers, and its metrics.
    async fn pod(&mut self, pod: &Value) {
        let names = match named(pod) {
            Ok(names) => names,
            Err(why) => return self.bundle.lacks("operator/logs", why),
        };
        for container in &names.containers {
            self.container(&names.pod, container).await;
        }
        let name = &names.pod;
        let path = format!("operator/metrics/{name}.txt");
        match metrics(&self.cluster, name).await {
            Ok(text) => put_log(&mut self.bundle, &path, &text),
            Err(why) => self.bundle.lacks(path, why),
        }
    }

    async fn container(&mut self, pod: &str, name: &str) {
        for previous in [false, true] {
            let path = format!("operator/logs/{pod}/{name}.{}", if previous { "previous.log" } else { "log" });
            match log(&self.cluster, (pod, name), previous, self.since).await {
                Ok(text) => put_log(&mut self.bundle, &path, &text),
                // That there was no container before this one is the rule.
                Err(_) if previous => {}
                Err(why) => self.bundle.lacks(path, why),
            }
        }
    }
}

/// What is asked for logs.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    pod: String,
    containers: Vec<String>,
}

/// The names of a pod and of its containers, which become those of files.
fn named(pod: &Value) -> Result<Names, String> {
    let name = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        ObjectName::parse(name).map(|_| name.to_owned()).map_err(|e| e.to_string())
    };
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    Ok(Names { pod: name(&pod["metadata"])?, containers: containers.map(name).collect::<Result<_, _>>()? })
}

fn put_log(bundle: &mut Bundle, path: &str, text: &str) {
    bundle.tail(path, &scrub::log(text), LOG);
}

/// A revision of the fence: metadata, and of each grant everything but the object it lets through.
fn revision(found: &ControllerRevision) -> Value {
    let mut value = serde_json::to_value(found).unwrap_or(Value::Null);
    let mut grants = value.pointer("/data/grants").cloned().unwrap_or(Value::Null);
    for grant in grants.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        if let Some(fields) = grant.as_object_mut() {
            fields.remove("result");
        }
    }
    value["grants"] = grants;
    scrub::object(value)
}

/// The end of a container's log.
async fn log(
    cluster: &Cluster,
    (pod, container): (&str, &str),
    previous: bool,
    since: Option<Duration>,
) -> Result<String, String> {
    let mut params = LogParams {
        container: Some(container.to_owned()),
        previous,
        limit_bytes: i64::try_from(ANSWER).ok(),
        since_seconds: since.and_then(|s| i64::try_from(s.as_secs()).ok()),
        ..LogParams::default()
    };
    let api = cluster.within::<Pod>(SYSTEM_NAMESPACE);
    let read = async {
        let mut lines = LOG_LINES;
        loop {
            params.tail_lines = Some(lines);
            let text = api.logs(pod, &params).await?;
            match fewer(lines, text.len()) {
                Some(less) => lines = less,
                None => return Ok(text),
            }
        }
    };
    let read = tokio::time::timeout(LOG_PATIENCE, read).await;
    let read = read.map_err(|_| format!("{pod} gave none within {} s", LOG_PATIENCE.as_secs()))?;
    read.map_err(|e| cluster.fault(&format!("read the log of {container} in {pod}"), &e).what)
}

/// How many lines to ask for instead, where an answer of so many bytes may have been cut.
const fn fewer(lines: i64, bytes: usize) -> Option<i64> {
    if bytes >= ANSWER - LOG && lines > 1 { Some(lines / 2) } else { None }
}

/// What the operator says at its admin port, by way of the API server.
async fn metrics(cluster: &Cluster, pod: &str) -> Result<String, String> {
    let path = format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods/{pod}:{ADMIN_PORT}/proxy/metrics");
    let request = http::Request::get(path).body(Vec::new()).map_err(|e| e.to_string())?;
    let answer = tokio::time::timeout(PATIENCE, cluster.client.request_text(request)).await;
    let answer = answer.map_err(|_| format!("{pod} gave none within {} s", PATIENCE.as_secs()))?;
    answer.map_err(|e| cluster.fault(&format!("read the metrics of {pod}"), &e).what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_container_is_asked_by_a_name_that_may_be_a_files() {
        let pod = |containers: Value| json!({"metadata": {"name": "a"}, "spec": {"containers": containers}});
        let names = named(&pod(json!([{"name": "operator"}, {"name": "sidecar"}]))).unwrap();
        assert_eq!(names, Names { pod: "a".to_owned(), containers: vec!["operator".to_owned(), "sidecar".to_owned()] });
        assert!(named(&pod(json!([{"name": "../../x"}]))).is_err());
        assert!(named(&json!({})).is_err());
    }

    #[test]
    fn of_an_answer_that_may_be_cut_fewer_lines_are_asked_for() {
        assert_eq!(fewer(LOG_LINES, ANSWER), Some(LOG_LINES / 2));
        assert_eq!(fewer(LOG_LINES, 2 * LOG), None);
        assert_eq!(fewer(1, ANSWER), None);
    }
}
