//! What the scenes of several suites are made of: a quota that is in nobody's way, a Deployment that serves, and Changes about them.
//!
//! Owns no assertion. Talks to the API server.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};

use crate::audit::Audit;
use crate::namespace::Namespace;
use crate::operator::{Proposal, Proposer};
use crate::workload::Workload;

/// Long enough for a rollout on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(90);

impl Namespace {
    /// Makes a quota that is in nobody's way; returns it as it was made.
    ///
    /// # Errors
    /// The API server's refusal is the source.
    pub async fn quota(&self, name: &str) -> Result<Value> {
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name},
            "spec": {"hard": {"count/configmaps": "100"}},
        });
        Ok(serde_json::to_value(self.apply(&quota).await?)?)
    }

    /// Makes a Deployment of the image; returns when it serves.
    ///
    /// # Errors
    /// Fails where the API server refuses it, or it does not become available.
    pub async fn serving(&self, name: &str, image: &str) -> Result<()> {
        self.apply(&Workload::new(name, image).deployment()).await?;
        self.available(name, PATIENCE).await.map(|_| ())
    }

    /// A Deployment as it is, with its version and kind.
    ///
    /// # Errors
    /// Fails where it cannot be read.
    pub async fn deployment(&self, name: &str) -> Result<Value> {
        let mut live = serde_json::to_value(self.api::<Deployment>().get(name).await?)?;
        live["apiVersion"] = json!("apps/v1");
        live["kind"] = json!("Deployment");
        Ok(live)
    }
}

impl Proposer {
    /// Proposes to delete a quota that is made for it, of the Change's name.
    ///
    /// # Errors
    /// The API server's refusal is the source.
    pub async fn propose_deletion(&self, namespace: &Namespace, name: &str) -> Result<Proposal> {
        let quota = namespace.quota(name).await?;
        self.propose(name, json!({"deleteResourceQuota": {}}), &quota).await
    }
}

impl Audit {
    /// How many writes by the one-shot accounts of a Change it shows.
    ///
    /// # Errors
    /// Fails where it cannot be read.
    pub async fn writes_of(&self, change: &Proposal) -> Result<usize> {
        Ok(self.writes_by(&change.accounts()).await?.len())
    }
}
