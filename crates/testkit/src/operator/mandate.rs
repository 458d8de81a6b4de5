//! Mandates that are in force as long as a test needs them.
//!
//! Writes as the administrator. Must never leave one behind that would bind later tests.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use bailiwick_api::Mandate;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::apply::apply;
use crate::cluster::TestCluster;
use crate::identity::client;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A Mandate that is deleted when this is dropped.
pub struct InForce {
    cluster: TestCluster,
    name: String,
}

impl TestCluster {
    /// Limits under which tests do not wait: no delays, no rates.
    pub fn quick_limits() -> Value {
        json!({
            "healthyDelaySeconds": 0, "holdSeconds": 1, "recoveryWindowSeconds": 300, "lateRecoverySeconds": 0,
            "coolDownSeconds": 0, "concurrent": 100, "perHour": 10000, "breakerFailures": 100,
            "stormIncidents": 10000, "cascadeWindowSeconds": 0, "flapRecurrences": 20, "flapWindowSeconds": 1,
        })
    }

    /// Puts a Mandate of these rules and limits in force beside those that are.
    ///
    /// # Errors
    /// Fails where the API server refuses it.
    pub async fn mandate(&self, rules: Value, limits: Value) -> Result<InForce> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let made = InForce { cluster: self.clone(), name: format!("test-{:x}-{number}", std::process::id()) };
        made.replace(rules, limits).await?;
        Ok(made)
    }

    /// The same, which asks for copies of what is good, too, unless `keep` is null.
    ///
    /// # Errors
    /// Fails where the API server refuses it.
    pub async fn mandate_keeping(&self, rules: Value, limits: Value, keep: Value) -> Result<InForce> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let made = InForce { cluster: self.clone(), name: format!("test-{:x}-{number}", std::process::id()) };
        let mut spec = json!({"changes": rules, "limits": limits});
        if !keep.is_null() {
            spec["keepCopies"] = keep;
        }
        made.put(spec).await?;
        Ok(made)
    }

    /// Deletes every Mandate: one that a killed run left behind would bind this one.
    ///
    /// # Errors
    /// Fails where the API server refuses.
    pub async fn no_mandates(&self) -> Result<()> {
        let api: Api<Mandate> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        let (how, all) = (DeleteParams::default(), ListParams::default());
        match api.delete_collection(&how, &all).await {
            Ok(_) => Ok(()),
            // Nothing is installed.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error).context("delete every mandate"),
        }
    }
}

impl InForce {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it other rules and limits.
    ///
    /// # Errors
    /// Fails where the API server refuses them.
    pub async fn replace(&self, rules: Value, limits: Value) -> Result<()> {
        self.put(json!({"changes": rules, "limits": limits})).await
    }

    async fn put(&self, spec: Value) -> Result<()> {
        let object = json!({
            "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Mandate",
            "metadata": {"name": self.name, "namespace": SYSTEM_NAMESPACE},
            "spec": spec,
        });
        apply(&self.cluster.admin(), &object, None).await.map(|_| ()).context("put a mandate in force")
    }
}

impl Drop for InForce {
    /// The test's runtime cannot be used here.
    fn drop(&mut self) {
        let (config, name) = (self.cluster.config().clone(), std::mem::take(&mut self.name));
        let farewell = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let api: Api<Mandate> = Api::namespaced(client(config)?, SYSTEM_NAMESPACE);
                api.delete(&name, &DeleteParams::default()).await.map(|_| ()).context("delete a mandate")
            })
        });
        let _the_cluster_may_be_gone_already = farewell.join();
    }
}
