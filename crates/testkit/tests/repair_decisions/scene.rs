//! A namespace with people who propose and decide, an operator, and objects to decide about.

use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{
    Audit, InForce, Namespace, Need, OperatorProcess, Outside, ProcessOptions, Proposal, Proposer, Result, SECONDS,
    TestCluster,
};
use serde_json::{Value, json};

pub(crate) struct Scene {
    pub(crate) cluster: TestCluster,
    pub(crate) namespace: Namespace,
    pub(crate) anna: Proposer,
    pub(crate) bob: Proposer,
    pub(crate) carol: Proposer,
    /// Approves, but no mandate names him.
    pub(crate) dave: Proposer,
    pub(crate) audit: Audit,
    pub(crate) operator: OperatorProcess,
    pub(crate) outside: Outside,
    _mandate: InForce,
}

impl Scene {
    /// `limits` are laid over those without delays.
    pub(crate) async fn set(prefix: &str, quorum: u32, more: Value, options: ProcessOptions) -> Result<Option<Self>> {
        let needs = [Need::Images, Need::Audit, Need::OperatorProgram];
        let Some(cluster) = TestCluster::needing(&needs).await? else { return Ok(None) };
        let outside = cluster.outside().await?;
        cluster.no_mandates().await?;
        cluster.resume().await?;
        let mut limits = TestCluster::quick_limits();
        if let (Some(limits), Some(more)) = (limits.as_object_mut(), more.as_object()) {
            limits.extend(more.clone());
        }
        let rules =
            json!([{"approval": "human", "approvers": {"users": ["bob@vote", "carol@vote"]}, "quorum": quorum}]);
        let mandate = cluster.mandate(rules, limits).await?;
        let namespace = cluster.namespace(prefix).in_territory().create().await?;
        let person = async |name: &str| namespace.proposer(&cluster, name).await;
        let (anna, bob) = (person("anna@vote").await?, person("bob@vote").await?);
        let (carol, dave) = (person("carol@vote").await?, person("dave@vote").await?);
        let mut operator = outside.start(options)?;
        operator.ready(60 * SECONDS).await?;
        let audit = cluster.audit()?;
        Ok(Some(Self { cluster, namespace, anna, bob, carol, dave, audit, operator, outside, _mandate: mandate }))
    }

    /// Anna proposes to delete a quota that was made for it.
    pub(crate) async fn quota(&self, name: &str) -> Result<Proposal> {
        self.anna.propose_deletion(&self.namespace, name).await
    }

    /// A Deployment that serves.
    pub(crate) async fn serving(&self, name: &str) -> Result<()> {
        self.namespace.serving(name, &self.cluster.images()?.good[0]).await
    }

    /// Anna proposes the other good image for a Deployment.
    pub(crate) async fn image(&self, name: &str) -> Result<Proposal> {
        let target = self.namespace.deployment(name).await?;
        let image = json!({"value": self.cluster.images()?.good[1], "origin": {"human": {}}});
        self.anna.propose(name, json!({"setImage": {"container": "main", "image": image}}), &target).await
    }

    /// How many writes the audit log shows for a Change.
    pub(crate) async fn writes(&self, change: &Proposal) -> Result<usize> {
        self.audit.writes_of(change).await
    }

    /// Fails unless the Change ended so, for one of these reasons, and nothing was written.
    pub(crate) async fn ended_unwritten(&self, change: &Proposal, phase: Phase, codes: &[Code]) -> Result<Record> {
        let record = change.phase(phase, 90 * SECONDS).await?;
        let reason = record.timeline.last().and_then(|t| t.reason.as_ref()).map(|r| r.code);
        assert!(reason.is_some_and(|code| codes.contains(&code)), "{}: {:?}", change.name(), record.timeline);
        assert_eq!(self.writes(change).await?, 0, "{}: something was written", change.name());
        assert!(record.executions.iter().all(|e| !e.is_applied()), "{}: {:?}", change.name(), record.executions);
        Ok(record)
    }
}
