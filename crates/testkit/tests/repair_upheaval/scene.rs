//! A namespace in the territory, people, and a mandate without delays; the operator is started by the test.

use std::time::Duration;

use anyhow::Context as _;
use bailiwick_api::Mandate;
use bailiwick_api::kinds::mandate::condition::FENCE_PROVED;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::Condition;
use bailiwick_testkit::{Audit, InForce, Namespace, Need, Proposal, Proposer, Result, TestCluster};
use kube::Api;
use serde_json::{Value, json};

/// Long enough for a rollout on a machine that does other things as well.
pub(crate) const LATER: Duration = Duration::from_secs(90);

pub(crate) struct Scene {
    pub(crate) cluster: TestCluster,
    pub(crate) namespace: Namespace,
    pub(crate) anna: Proposer,
    pub(crate) bob: Proposer,
    pub(crate) audit: Audit,
    pub(crate) mandate: InForce,
}

impl Scene {
    /// Everything is installed, nothing is suspended, no operator runs.
    pub(crate) async fn set(prefix: &str) -> Result<Option<Self>> {
        let needs = [Need::Images, Need::Audit, Need::OperatorImage];
        let Some(cluster) = TestCluster::needing(&needs).await? else { return Ok(None) };
        cluster.install().await?;
        cluster.stop_operator().await?;
        cluster.resume().await?;
        cluster.no_mandates().await?;
        let rules = json!([
            {"types": ["RolloutUndo"], "approval": "preApproved"},
            {"types": ["RolloutRestart"], "approval": "preApproved", "proposers": ["anna@upheaval"]},
            {"approval": "human", "approvers": {"users": ["bob@upheaval"]}},
        ]);
        let mandate = cluster.mandate(rules, TestCluster::quick_limits()).await?;
        let namespace = cluster.namespace(&format!("up-{prefix}")).in_territory().create().await?;
        let anna = namespace.proposer(&cluster, "anna@upheaval").await?;
        let bob = namespace.proposer(&cluster, "bob@upheaval").await?;
        let audit = cluster.audit()?;
        Ok(Some(Self { cluster, namespace, anna, bob, audit, mandate }))
    }

    /// Anna proposes to delete a quota that was made for it.
    pub(crate) async fn quota(&self, name: &str) -> Result<Proposal> {
        self.anna.propose_deletion(&self.namespace, name).await
    }

    pub(crate) async fn serving(&self, name: &str) -> Result<()> {
        self.namespace.serving(name, &self.cluster.images()?.good[0]).await
    }

    /// Anna proposes to restart a Deployment, which the mandate approves.
    pub(crate) async fn restart(&self, workload: &str, name: &str) -> Result<Proposal> {
        let target = self.namespace.deployment(workload).await?;
        self.anna.propose(name, json!({"rolloutRestart": {}}), &target).await
    }

    /// How many writes the audit log shows for a Change.
    pub(crate) async fn writes(&self, change: &Proposal) -> Result<usize> {
        self.audit.writes_of(change).await
    }

    /// What the mandate says of the fence.
    pub(crate) async fn fence(&self) -> Result<Condition> {
        let api: Api<Mandate> = Api::namespaced(self.cluster.admin(), SYSTEM_NAMESPACE);
        let conditions = api.get(self.mandate.name()).await?.status.map(|s| s.conditions).unwrap_or_default();
        conditions.into_iter().find(|c| c.kind == FENCE_PROVED).context("the mandate says nothing of the fence")
    }
}

/// An object's text at a pointer.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
