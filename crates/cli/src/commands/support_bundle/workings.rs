//! How the operator and what guards it are doing: Deployment, pods, logs, metrics, fence, rights.
//!
//! Owns which of them are taken along. Must never take an account's token or a grant's content.
//! Reads from the API server, which asks the operator's pods for logs and metrics.

use super::ours::MOST;
use super::pack::Bundle;
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
/// Pods of the operator whose logs and metrics are read.
const PODS: usize = 10;
/// A pod that does not answer is what a bundle is for: the API server is asked again and again no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

impl Gathering<'_> {
    /// All of it.
    pub(super) async fn workings(&mut self) {
        self.begin("reading the operator, its logs and its metrics");
        let by_name = format!("app.kubernetes.io/name={OPERATOR}");
        self.file::<Deployment>("operator/deployments.json", SYSTEM_NAMESPACE, None).await;
        self.file::<Lease>("operator/leases.json", SYSTEM_NAMESPACE, None).await;
        let pods = self.file::<Pod>("operator/pods.json", SYSTEM_NAMESPACE, Some(&by_name)).await;
        for name in pods.iter().filter_map(|pod| pod.pointer("/metadata/name")?.as_str()).take(PODS) {
            match ObjectName::parse(name) {
                // The name becomes that of a file.
                Ok(_) => self.pod(name).await,
                Err(error) => self.bundle.lacks("operator/logs", error.to_string()),
            }
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
        self.bundle.objects(path, found.clone(), MOST);
        found
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
            self.bundle.objects(path, found, MOST);
        }
    }

    /// Which grants there are, without the objects that they let through.
    async fn fence(&mut self, labels: &str) {
        let api = self.cluster.within::<ControllerRevision>(GRANTS_NAMESPACE);
        let path = "fence/revisions.json";
        let mut found = Vec::new();
        if self.each(path, &api, Some(labels), |revision| found.push(revision)).await {
            found.sort_by_key(|revision| std::cmp::Reverse(revision.revision));
            self.bundle.objects(path, found.iter().map(revision).collect(), MOST);
        }
    }

    async fn pod(&mut self, name: &str) {
        for previous in [false, true] {
            let suffix = if previous { "previous.log" } else { "log" };
            match log(&self.cluster, name, previous, self.since).await {
                Ok(text) => put_log(&mut self.bundle, &format!("operator/logs/{name}.{suffix}"), &text),
                // That there was no container before this one is the rule.
                Err(_) if previous => {}
                Err(why) => self.bundle.lacks(format!("operator/logs/{name}.log"), why),
            }
        }
        let path = format!("operator/metrics/{name}.txt");
        match metrics(&self.cluster, name).await {
            Ok(text) => put_log(&mut self.bundle, &path, &text),
            Err(why) => self.bundle.lacks(path, why),
        }
    }
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

async fn log(cluster: &Cluster, pod: &str, previous: bool, since: Option<Duration>) -> Result<String, String> {
    let params = LogParams {
        previous,
        timestamps: false,
        tail_lines: Some(LOG_LINES),
        limit_bytes: Some(4 * LOG as i64),
        since_seconds: since.and_then(|s| i64::try_from(s.as_secs()).ok()),
        ..LogParams::default()
    };
    let read = cluster.within::<Pod>(SYSTEM_NAMESPACE).logs(pod, &params).await;
    read.map_err(|e| cluster.fault(&format!("read the log of {pod}"), &e).what)
}

/// What the operator says at its admin port, by way of the API server.
async fn metrics(cluster: &Cluster, pod: &str) -> Result<String, String> {
    let path = format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods/{pod}:{ADMIN_PORT}/proxy/metrics");
    let request = http::Request::get(path).body(Vec::new()).map_err(|e| e.to_string())?;
    let answer = tokio::time::timeout(PATIENCE, cluster.client.request_text(request)).await;
    let answer = answer.map_err(|_| format!("{pod} gave none within {} s", PATIENCE.as_secs()))?;
    answer.map_err(|e| cluster.fault(&format!("read the metrics of {pod}"), &e).what)
}
