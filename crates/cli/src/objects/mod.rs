//! Objects of our kinds, fetched, listed and followed.
//!
//! Owns how they are found by name, and what is said where they are not. Must never stall on one
//! that does not parse: it is shown as unreadable. Reads from the API server.

pub mod apply;
mod find;
mod follow;
pub mod history;
mod me;
mod rest;

pub use find::{Story, find_change, find_story, nothing};
pub use follow::{Seen, follow, until};
pub use me::{Me, who_am_i};
pub use rest::{dynamic, get_value, namespace_labels, resource};

use crate::cluster::Cluster;
use crate::exit::Outcomes;
use crate::fault;
use kube::api::{DynamicObject, ListParams};
use kube::core::ApiResource;
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How many objects one page of a list holds.
const PAGE: u32 = 500;

/// One object as the server sent it, and as it parses.
#[derive(Debug, Clone)]
pub struct Loaded<K> {
    /// As sent.
    pub raw: Value,
    /// As parsed, or why not.
    pub typed: Result<K, String>,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its resource version.
    pub version: String,
}

impl<K: DeserializeOwned> Loaded<K> {
    /// Takes an object in.
    pub fn new(object: &DynamicObject) -> Self {
        let raw = serde_json::to_value(object).unwrap_or(Value::Null);
        Self {
            typed: serde_json::from_value(raw.clone()).map_err(|e| e.to_string()),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            version: object.resource_version().unwrap_or_default(),
            raw,
        }
    }
}

/// The resource that serves a kind of ours.
pub fn served<K>() -> ApiResource
where
    K: Resource,
    K::DynamicType: Default,
{
    ApiResource::erase::<K>(&K::DynamicType::default())
}

/// Lists objects of a kind in the scope of the run, page by page, by namespace and name.
///
/// # Errors
/// Where they cannot be listed.
pub async fn list<K>(cluster: &Cluster, selector: Option<&str>) -> Outcomes<Vec<Loaded<K>>>
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let resource = served::<K>();
    let api = cluster.dynamic(&resource, false);
    let doing = format!("list {} in {}", resource.plural, cluster.where_words());
    let mut params =
        ListParams { label_selector: selector.map(str::to_owned), limit: Some(PAGE), ..ListParams::default() };
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await.map_err(|e| cluster.fault(&doing, &e))?;
        all.extend(page.items.iter().map(Loaded::new));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => break,
        }
    }
    all.sort_by(|a: &Loaded<K>, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(all)
}

/// Lists objects of a kind, or nothing where the kind is not installed.
///
/// # Errors
/// Where they cannot be listed for another reason.
pub async fn list_if_installed<K>(cluster: &Cluster) -> Outcomes<Option<Vec<Loaded<K>>>>
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let missing = fault::not_installed();
    match list::<K>(cluster, None).await {
        Ok(all) => Ok(Some(all)),
        Err(failure) if failure == missing => Ok(None),
        Err(failure) => Err(failure),
    }
}
