//! The kill switch, as a person with the right to it throws it.
//!
//! Writes as the administrator. Must never leave a cluster suspended after the test.

use anyhow::{Context as _, Result};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use crate::apply::create;
use crate::cluster::TestCluster;

impl TestCluster {
    /// Suspends every one-shot account.
    ///
    /// # Errors
    /// Fails where the API server refuses, or it is suspended already.
    pub async fn suspend(&self) -> Result<()> {
        let switch = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 0, "data": {"grants": {}},
            "metadata": {"name": SUSPEND_REVISION, "labels": {FENCE_LABEL: FENCE_VALUE}},
        });
        create(&self.admin(), &switch, Some(GRANTS_NAMESPACE)).await.map(|_| ()).context("suspend")
    }

    /// Takes the switch back; nothing happens if it is not thrown.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn resume(&self) -> Result<()> {
        let api: Api<ControllerRevision> = Api::namespaced(self.admin(), GRANTS_NAMESPACE);
        match api.delete(SUSPEND_REVISION, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map(|_| ()).context("resume"),
        }
    }
}
