//! Objects of any kind the product knows, as JSON.
//!
//! Owns the way from a kind to its URL. Must never read a Secret. Reads from the API server.

use crate::cluster::Cluster;
use crate::exit::Outcomes;
use bailiwick_core::object::Kind;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// The resource that serves a kind.
pub fn resource(kind: Kind) -> ApiResource {
    let served = kind.served();
    let gvk = GroupVersionKind::gvk(served.group, served.version, kind.as_str());
    ApiResource::from_gvk_with_plural(&gvk, served.resource)
}

/// Objects of a kind in one namespace; an empty one means the cluster.
pub fn dynamic(cluster: &Cluster, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    let resource = resource(kind);
    if kind.served().namespaced && !namespace.is_empty() {
        Api::namespaced_with(cluster.client.clone(), namespace, &resource)
    } else {
        Api::all_with(cluster.client.clone(), &resource)
    }
}

/// One object, if it exists.
///
/// # Errors
/// Where it cannot be read.
pub async fn get_value(cluster: &Cluster, kind: Kind, namespace: &str, name: &str) -> Outcomes<Option<Value>> {
    let found = dynamic(cluster, kind, namespace).get_opt(name).await;
    let found = found.map_err(|e| cluster.fault(&format!("read {kind} {name}"), &e))?;
    Ok(found.and_then(|object| serde_json::to_value(object).ok()))
}

/// The labels of a namespace; `None` if it does not exist or is terminating.
///
/// # Errors
/// Where it cannot be read.
pub async fn namespace_labels(cluster: &Cluster, name: &str) -> Outcomes<Option<BTreeMap<String, String>>> {
    let found = Api::<Namespace>::all(cluster.client.clone()).get_opt(name).await;
    let found = found.map_err(|e| cluster.fault(&format!("read namespace {name}"), &e))?;
    Ok(found.filter(|ns| ns.metadata.deletion_timestamp.is_none()).map(|ns| ns.metadata.labels.unwrap_or_default()))
}
