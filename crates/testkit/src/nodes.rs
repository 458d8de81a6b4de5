//! Nodes that no kubelet stands behind and that no pod is put on.
//!
//! Writes as the administrator. Owns no assertion. Must never leave one behind: pods would be counted against it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bailiwick_core::object::Kind;
use http::Method;
use jiff::Timestamp;
use kube::api::DeleteParams;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::answer::send;
use crate::apply::create;
use crate::cluster::TestCluster;
use crate::grants::{JSON_PATCH, path_of};
use crate::identity::client;
use crate::wait::{Seen, wait_for};

type Node = k8s_openapi::api::core::v1::Node;

/// A Node that is deleted when this is dropped.
pub struct EmptyNode {
    cluster: TestCluster,
    name: String,
}

impl TestCluster {
    /// A Node in the territory that takes pods but for a taint which none of them tolerates.
    ///
    /// # Errors
    /// Fails where the API server refuses it, or the cluster does not take notice of it.
    pub async fn empty_node(&self, name: &str) -> Result<EmptyNode> {
        let object = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"autofix": "true"}},
            "spec": {"taints": [{"key": "bailiwick-test/empty", "effect": "NoSchedule"}]},
        });
        create(&self.admin(), &object, None).await?;
        let made = EmptyNode { cluster: self.clone(), name: name.to_owned() };
        wait_for("the cluster to take notice of a node", Duration::from_secs(30), async || {
            let live = made.live().await?;
            let noted = live.pointer("/metadata/annotations/node.alpha.kubernetes.io~1ttl").is_some();
            // One more taint comes with a node, and goes when the node's controller has looked at it.
            let settled =
                live.pointer("/spec/taints").and_then(Value::as_array).is_some_and(|taints| taints.len() == 1);
            Ok(Seen::when(noted && settled, (), live))
        })
        .await?;
        Ok(made)
    }
}

impl EmptyNode {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Node as it is.
    ///
    /// # Errors
    /// Fails where it cannot be read.
    pub async fn live(&self) -> Result<Value> {
        let answer = send(&self.cluster.admin(), Method::GET, &path_of(Kind::Node, "", &self.name), None).await?;
        anyhow::ensure!(answer.is_success(), "read node {}: {answer:?}", self.name);
        Ok(answer.body)
    }

    /// Changes its metadata and specification by a merge patch.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn merge(&self, patch: &Value) -> Result<()> {
        self.patch("", "application/merge-patch+json", patch).await
    }

    /// Says that it is ready, as a kubelet does every few seconds.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn beat(&self) -> Result<()> {
        let now = Timestamp::now().to_string();
        let ready = json!({"type": "Ready", "status": "True", "reason": "Test", "message": "", "lastHeartbeatTime": now, "lastTransitionTime": now});
        let patch = json!([{"op": "add", "path": "/status/conditions", "value": [ready]}]);
        self.patch("/status", JSON_PATCH, &patch).await
    }

    async fn patch(&self, subresource: &str, kind: &str, patch: &Value) -> Result<()> {
        let path = path_of(Kind::Node, "", &self.name) + subresource;
        let answer = send(&self.cluster.admin(), Method::PATCH, &path, Some((kind, patch))).await?;
        anyhow::ensure!(answer.is_success(), "change node {}: {answer:?}", self.name);
        Ok(())
    }
}

impl Drop for EmptyNode {
    /// The test's runtime cannot be used here.
    fn drop(&mut self) {
        let (config, name) = (self.cluster.config().clone(), std::mem::take(&mut self.name));
        let farewell = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client: Client = client(config)?;
                Api::<Node>::all(client)
                    .delete(&name, &DeleteParams::default())
                    .await
                    .map(|_| ())
                    .context("delete a node")
            })
        });
        let _the_cluster_may_be_gone_already = farewell.join();
    }
}
