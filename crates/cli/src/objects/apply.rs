//! Install objects, put in place and taken away.
//!
//! Owns server-side apply of whole objects under one field manager. Must never apply what is not
//! compiled in. Writes to the API server.

use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use crate::fault;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

/// The field manager of installations.
pub const MANAGER: &str = "bailiwick-install";

/// What an object is called: kind, namespace where it has one, name.
pub fn title(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}

/// The resource that serves an install object.
pub fn resource_of(object: &Value) -> ApiResource {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")))
}

fn api(cluster: &Cluster, object: &Value) -> (Api<DynamicObject>, String) {
    let resource = resource_of(object);
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let api = match object.pointer("/metadata/namespace").and_then(Value::as_str) {
        Some(namespace) => Api::namespaced_with(cluster.client.clone(), namespace, &resource),
        None => Api::all_with(cluster.client.clone(), &resource),
    };
    (api, name)
}

/// Puts an object in place.
///
/// # Errors
/// Where the API server refuses it.
pub async fn apply(cluster: &Cluster, object: &Value, dry_run: bool) -> Outcomes<()> {
    let (api, name) = api(cluster, object);
    let params =
        PatchParams { dry_run, force: true, field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let applied = api.patch(&name, &params, &Patch::Apply(object)).await;
    applied.map(drop).map_err(|e| cluster.fault(&format!("apply {}", title(object)), &e))
}

/// Takes an object away. False where it was not there.
///
/// # Errors
/// Where the API server refuses it.
pub async fn remove(cluster: &Cluster, object: &Value, dry_run: bool) -> Outcomes<bool> {
    let (api, name) = api(cluster, object);
    let mut params = DeleteParams::background();
    params.dry_run = dry_run;
    match api.delete(&name, &params).await {
        Ok(_) => Ok(true),
        Err(error) if fault::is_absent(&error) => Ok(false),
        Err(error) => Err(cluster.fault(&format!("delete {}", title(object)), &error)),
    }
}

/// The object as it is in the cluster; `None` where it, or its kind, is not there.
///
/// # Errors
/// Where it cannot be read.
pub async fn read(cluster: &Cluster, object: &Value) -> Outcomes<Option<Value>> {
    let (api, name) = api(cluster, object);
    match api.get_opt(&name).await {
        Ok(found) => found.map(|f| serde_json::to_value(f).map_err(|e| Failure::error(e.to_string()))).transpose(),
        Err(error) if fault::is_absent(&error) => Ok(None),
        Err(error) => Err(cluster.fault(&format!("read {}", title(object)), &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_api::manifests::{InstallOptions, install};

    #[test]
    fn every_install_object_has_the_plural_that_the_api_server_serves() {
        let steps = install(&InstallOptions::new("x").unwrap().with_replicas(2).unwrap());
        let mut plurals: Vec<String> = steps.iter().flat_map(|s| &s.objects).map(|o| resource_of(o).plural).collect();
        plurals.sort();
        plurals.dedup();
        let want = [
            "clusterrolebindings",
            "clusterroles",
            "customresourcedefinitions",
            "deployments",
            "namespaces",
            "poddisruptionbudgets",
            "rolebindings",
            "roles",
            "serviceaccounts",
            "services",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ];
        assert_eq!(plurals, want);
    }
}
