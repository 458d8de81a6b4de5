//! Putting objects into the cluster from YAML, JSON or values, as whoever holds the client.
//!
//! Finds a kind's resource by discovery, so that custom kinds work as well. One request per object; nothing is tried again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{self, Scope};
use kube::{Api, Client};
use serde_json::Value;

use crate::wait::{Seen, wait_for};

/// The field manager of everything that tests apply.
pub(crate) const MANAGER: &str = "bailiwick-testkit";

/// The objects in a text: JSON, or YAML with any number of documents.
///
/// # Errors
/// Fails where a document is not an object.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let all: Vec<Value> = serde_saphyr::from_multiple(text).context("read YAML")?;
    Ok(all.into_iter().filter(|v| !v.is_null()).collect())
}

/// The API of the object's kind, in its namespace or else in `namespace`.
///
/// # Errors
/// Fails where the object names no kind, or the cluster does not serve it.
pub async fn api_for(client: &Client, object: &Value, namespace: Option<&str>) -> Result<Api<DynamicObject>> {
    let (resource, scope) = resource_of(client, object).await?;
    let own = object.pointer("/metadata/namespace").and_then(Value::as_str);
    Ok(match (scope, own.or(namespace)) {
        (Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
        (Scope::Namespaced, place) => Api::namespaced_with(client.clone(), place.unwrap_or("default"), &resource),
    })
}

async fn resource_of(client: &Client, object: &Value) -> Result<(ApiResource, Scope)> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let (version, kind) =
        (text("apiVersion").context("an object has no apiVersion")?, text("kind").context("an object has no kind")?);
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let gvk = GroupVersionKind::gvk(group, version, kind);
    // A kind whose definition was created just now is served a moment later.
    let (resource, capabilities) = wait_for(&format!("the kind {kind}"), Duration::from_secs(30), async || {
        Ok(Seen::Yes(discovery::pinned_kind(client, &gvk).await?))
    })
    .await
    .with_context(|| format!("find {group}/{version} {kind}"))?;
    Ok((resource, capabilities.scope))
}

fn name_of(object: &Value) -> Result<&str> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    name.context("an object has no name")
}

/// Server-side applies one object, taking over fields that others own.
///
/// # Errors
/// The API server's refusal is the source: see [`crate::refusal`].
pub async fn apply(client: &Client, object: &Value, namespace: Option<&str>) -> Result<DynamicObject> {
    let name = name_of(object)?;
    let params = PatchParams::apply(MANAGER).force();
    let api = api_for(client, object, namespace).await?;
    api.patch(name, &params, &Patch::Apply(object)).await.with_context(|| format!("apply {} {name}", object["kind"]))
}

/// Creates one object.
///
/// # Errors
/// The API server's refusal is the source: see [`crate::refusal`].
pub async fn create(client: &Client, object: &Value, namespace: Option<&str>) -> Result<DynamicObject> {
    create_with(client, object, namespace, false).await
}

/// Asks the API server whether it would create the object; nothing is stored.
///
/// # Errors
/// The API server's refusal is the source: see [`crate::refusal`].
pub async fn dry_run_create(client: &Client, object: &Value, namespace: Option<&str>) -> Result<DynamicObject> {
    create_with(client, object, namespace, true).await
}

async fn create_with(client: &Client, object: &Value, namespace: Option<&str>, dry_run: bool) -> Result<DynamicObject> {
    let api = api_for(client, object, namespace).await?;
    let typed: DynamicObject = serde_json::from_value(object.clone()).context("read an object")?;
    let params = PostParams { dry_run, ..PostParams::default() };
    api.create(&params, &typed).await.with_context(|| format!("create {}", object["kind"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_and_empty_ones_dropped() {
        let two = "---\nkind: A\n---\n\n---\nkind: B\nlist: [1, 2]\n";
        let read = documents(two).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1]["list"][1], 2);
        assert_eq!(documents(r#"{"kind": "A"}"#).unwrap()[0]["kind"], "A");
    }
}
