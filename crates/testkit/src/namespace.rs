//! A namespace for one test, gone when the test ends.
//!
//! Its description is left among the artifacts first, because its events go with it. Deletion is asked for, not waited for.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace as Kind, ServiceAccount};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::{Api, Client, Config, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::apply::{MANAGER, apply, create};
use crate::cluster::TestCluster;
use crate::diagnose::diagnose;
use crate::identity::client;
use crate::need::current_test;
use crate::wait::{until, until_gone};

/// The label that draws the territory in tests: the product's default.
const TERRITORY: (&str, &str) = ("autofix", "true");

/// The API server may be down when a test ends.
const FAREWELL: Duration = Duration::from_secs(20);

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A namespace to be.
#[must_use = "it is made by `create`"]
pub struct NewNamespace {
    cluster: TestCluster,
    name: String,
    labels: BTreeMap<String, String>,
}

impl NewNamespace {
    pub(crate) fn new(cluster: TestCluster, prefix: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{:x}-{number}", std::process::id());
        Self { cluster, name, labels: BTreeMap::new() }
    }

    /// Inside the territory.
    pub fn in_territory(self) -> Self {
        self.label(TERRITORY.0, TERRITORY.1)
    }

    /// With one more label.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Makes it; returns when pods can be created in it.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn create(self) -> Result<Namespace> {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self.name, "labels": self.labels, "annotations": {"bailiwick.dev/test": current_test()}},
        });
        create(&self.cluster.admin(), &object, None).await?;
        let made = Namespace { cluster: self.cluster, name: self.name };
        let what = ("its default account", Duration::from_secs(30));
        until(&made.api::<ServiceAccount>(), "default", what, |account| account.is_some()).await?;
        Ok(made)
    }
}

/// A namespace that is deleted when this is dropped.
pub struct Namespace {
    cluster: TestCluster,
    name: String,
}

impl Namespace {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The administrator's API for a kind in it.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.cluster.admin(), &self.name)
    }

    /// Applies an object into it, as the administrator.
    ///
    /// # Errors
    /// The API server's refusal is the source.
    pub async fn apply(&self, object: &Value) -> Result<DynamicObject> {
        apply(&self.cluster.admin(), object, Some(&self.name)).await
    }

    /// Watches an object in it until `condition` holds.
    ///
    /// # Errors
    /// Fails when the time is over, with what the namespace looks like.
    pub async fn until<K>(
        &self,
        name: &str,
        what: (&str, Duration),
        condition: impl Fn(Option<&K>) -> bool,
    ) -> Result<Option<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + Send
            + DeserializeOwned
            + Serialize
            + 'static,
    {
        until(&self.api::<K>(), name, what, condition).await
    }

    /// Returns when the newest template of the Deployment has all its replicas available.
    ///
    /// # Errors
    /// Fails when `timeout` is over, with what the namespace looks like.
    pub async fn available(&self, name: &str, timeout: Duration) -> Result<Deployment> {
        let found =
            self.until(name, ("its replicas", timeout), |d: Option<&Deployment>| d.is_some_and(is_available)).await?;
        found.context("it was seen and is gone")
    }

    /// Returns when the object is gone.
    ///
    /// # Errors
    /// Fails when `timeout` is over.
    pub async fn gone<K>(&self, name: &str, timeout: Duration) -> Result<()>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + Send
            + DeserializeOwned
            + Serialize
            + 'static,
    {
        until_gone(&self.api::<K>(), name, timeout).await
    }

    /// Takes it into the territory, or out of it.
    ///
    /// # Errors
    /// The API server's refusal is the source.
    pub async fn set_territory(&self, inside: bool) -> Result<()> {
        let value = inside.then_some(TERRITORY.1);
        let patch = json!({"metadata": {"labels": {TERRITORY.0: value}}});
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let api: Api<Kind> = Api::all(self.cluster.admin());
        api.patch(&self.name, &params, &Patch::Merge(&patch)).await.context("set the territory label")?;
        Ok(())
    }

    /// Describes it.
    pub async fn diagnose(&self) -> String {
        diagnose(&self.cluster.admin(), &self.name).await
    }
}

pub(crate) fn is_available(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let Some(status) = &deployment.status else {
        return false;
    };
    status.observed_generation >= deployment.metadata.generation
        && status.updated_replicas.unwrap_or(0) == wanted
        && status.available_replicas.unwrap_or(0) == wanted
        && status.replicas.unwrap_or(0) == wanted
}

impl Drop for Namespace {
    /// The test's runtime cannot be used here: a thread with one of its own says goodbye.
    fn drop(&mut self) {
        if self.cluster.env().keep {
            return;
        }
        let config = self.cluster.config().clone();
        let name = std::mem::take(&mut self.name);
        let note = self.cluster.artifacts("namespaces").map(|dir| dir.join(format!("{name}.txt")));
        let farewell = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let text = tokio::time::timeout(FAREWELL, remove(config, name)).await??;
                Ok(std::fs::write(note?, text)?)
            })
        });
        let _the_cluster_may_be_gone_already = farewell.join();
    }
}

async fn remove(config: Config, name: String) -> Result<String> {
    let client: Client = client(config)?;
    let description = diagnose(&client, &name).await;
    Api::<Kind>::all(client).delete(&name, &DeleteParams::background()).await?;
    Ok(description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_available_when_nothing_old_is_left() {
        let deployment = |replicas: i32| -> Deployment {
            serde_json::from_value(json!({
                "metadata": {"generation": 2},
                "spec": {"replicas": 2, "selector": {}, "template": {}},
                "status": {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": replicas},
            }))
            .unwrap()
        };
        assert!(is_available(&deployment(2)));
        assert!(!is_available(&deployment(3)));
    }
}
