//! Many Changes of one namespace, each about a quota of its own, and the two people who decide on them.

use anyhow::{Context as _, ensure};
use bailiwick_core::life::{Phase, Record};
use bailiwick_testkit::{
    Baseline, InForce, Namespace, OperatorProcess, Outside, ProcessOptions, Proposal, Proposer, Result, SECONDS,
    TestCluster,
};
use futures::future::try_join_all;
use serde_json::json;

/// Where Changes race, so many are under way at once.
pub(crate) const AT_ONCE: u64 = 25;

pub(crate) struct Crowd {
    pub(crate) cluster: TestCluster,
    pub(crate) namespace: Namespace,
    pub(crate) outside: Outside,
    pub(crate) anna: Proposer,
    pub(crate) bob: Proposer,
    pub(crate) carol: Proposer,
    baseline: Baseline,
    _mandate: InForce,
}

impl Crowd {
    /// Approvals count for so many seconds.
    pub(crate) async fn gather(cluster: TestCluster, counts_for: u32) -> Result<Self> {
        let outside = cluster.outside().await?;
        cluster.no_mandates().await?;
        let approvers = json!({"users": ["bob@races", "carol@races"]});
        let rules = json!([{"types": ["DeleteResourceQuota"], "approval": "human", "approvers": approvers}]);
        let mut limits = TestCluster::quick_limits();
        limits["approvalTtlSeconds"] = json!(counts_for);
        let mandate = cluster.mandate(rules, limits).await?;
        let namespace = cluster.namespace("races").in_territory().create().await?;
        let anna = namespace.proposer(&cluster, "anna@races").await?;
        let bob = namespace.proposer(&cluster, "bob@races").await?;
        let carol = namespace.proposer(&cluster, "carol@races").await?;
        let baseline = Baseline::take(&cluster).await?;
        Ok(Self { cluster, namespace, outside, anna, bob, carol, baseline, _mandate: mandate })
    }

    /// An operator that is ready.
    pub(crate) async fn operator(&self) -> Result<OperatorProcess> {
        let mut operator = self.outside.start(ProcessOptions::default())?;
        operator.ready(60 * SECONDS).await?;
        Ok(operator)
    }

    /// A Change for each seed.
    pub(crate) async fn propose(&self, seeds: impl Iterator<Item = u64>) -> Result<Vec<Proposal>> {
        try_join_all(seeds.map(|seed| self.proposed(seed))).await
    }

    async fn proposed(&self, seed: u64) -> Result<Proposal> {
        let name = format!("quota-{seed}");
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name},
            "spec": {"hard": {"count/configmaps": "100"}},
        });
        let made = serde_json::to_value(self.namespace.apply(&quota).await?)?;
        self.anna.propose(&name, json!({"deleteResourceQuota": {}}), &made).await
    }

    /// The digest of what people are asked to decide on.
    pub(crate) async fn asked(&self, change: &Proposal) -> Result<String> {
        let record = change.phase(Phase::AwaitingApproval, 60 * SECONDS).await?;
        Ok(record.plan.context("no plan to decide on")?.digest)
    }

    /// The records of all, once each has ended.
    pub(crate) async fn ends(&self, changes: &[Proposal]) -> Result<Vec<Record>> {
        try_join_all(changes.iter().map(|change| change.end(120 * SECONDS))).await
    }

    /// Nothing of any grant is left, and the receipts are sound with one for the end of each.
    pub(crate) async fn is_clean(&self, changes: &[Proposal], records: &[Record]) -> Result<()> {
        self.baseline.restored(&self.cluster, 60 * SECONDS).await?;
        let log = self.cluster.receipts().await?;
        for (change, record) in changes.iter().zip(records) {
            let known: Vec<&str> = record.receipts.iter().map(|r| r.name.as_str()).collect();
            let stored = log.about(change.uid());
            ensure!(stored == known, "{}: receipts {stored:?} are stored, {known:?} are known", change.name());
            let ends = record.receipts.iter().filter(|r| r.about == record.phase.as_str()).count();
            ensure!(ends == 1, "{}: {ends} receipts of its end", change.name());
        }
        Ok(())
    }
}
