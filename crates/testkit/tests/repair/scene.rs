//! A namespace of its own for each test, one operator and one mandate for all.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bailiwick_api::{Change, Incident};
use bailiwick_core::index::SERVED_FOR;
use bailiwick_core::life::{Phase, Record};
use bailiwick_testkit::{
    Audit, InForce, Namespace, Need, Proposal, Proposer, Result, SECONDS, Seen, TestCluster, Workload, wait_for,
};
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A label by which the mandate finds this suite's namespaces.
const LABEL: (&str, &str) = ("bailiwick-test/suite", "repair");

/// Long enough for a rollout on a machine that does other things as well.
pub(crate) const LATER: Duration = Duration::from_secs(90);

pub(crate) struct Scene {
    pub(crate) cluster: TestCluster,
    pub(crate) namespace: Namespace,
    pub(crate) anna: Proposer,
    pub(crate) bob: Proposer,
    audit: Audit,
    _mandate: Arc<InForce>,
}

/// The first test of the process starts the operator; the last to end takes the mandate back.
async fn prepared(cluster: &TestCluster) -> Result<Arc<InForce>> {
    static STARTED: OnceLock<()> = OnceLock::new();
    static MANDATE: Mutex<Weak<InForce>> = Mutex::const_new(Weak::new());
    let mut shared = MANDATE.lock().await;
    if STARTED.get().is_none() {
        cluster.no_mandates().await?;
        cluster.start_operator().await?;
        cluster.resume().await?;
        let _first = STARTED.set(());
    }
    if let Some(mandate) = shared.upgrade() {
        return Ok(mandate);
    }
    let mut limits = TestCluster::quick_limits();
    // An Incident is told to be open before something is proposed.
    limits["healthyDelaySeconds"] = json!(1);
    // What waits for another change is looked at until that is done.
    limits["lateRecoverySeconds"] = json!(300);
    let mandate = Arc::new(cluster.mandate(rules(), limits).await?);
    *shared = Arc::downgrade(&mandate);
    Ok(mandate)
}

fn rules() -> Value {
    let selector = json!({"matchLabels": {LABEL.0: LABEL.1}});
    json!([
        {"namespaceSelector": selector, "types": ["RolloutUndo"], "approval": "preApproved"},
        {"namespaceSelector": selector, "types": ["SetResources"], "approval": "preApproved", "bounds": {"maxMemory": "128Mi"}},
        {"namespaceSelector": selector, "types": ["RolloutRestart", "DeletePod"], "approval": "preApproved", "proposers": ["anna@repair"]},
        {"namespaceSelector": selector, "approval": "human", "approvers": {"users": ["bob@repair"]}, "bounds": {"maxReplicas": 3}},
    ])
}

impl Scene {
    pub(crate) async fn set(prefix: &str) -> Result<Option<Self>> {
        let needs = [Need::Images, Need::Audit, Need::OperatorImage];
        let Some(cluster) = TestCluster::needing(&needs).await? else { return Ok(None) };
        let mandate = prepared(&cluster).await?;
        let prefix = format!("repair-{prefix}");
        let namespace = cluster.namespace(&prefix).in_territory().label(LABEL.0, LABEL.1).create().await?;
        let anna = namespace.proposer(&cluster, "anna@repair").await?;
        let bob = namespace.proposer(&cluster, "bob@repair").await?;
        let audit = cluster.audit()?;
        Ok(Some(Self { cluster, namespace, anna, bob, audit, _mandate: mandate }))
    }

    /// A workload of the first good image.
    pub(crate) fn good(&self, name: &str) -> Result<Workload> {
        Ok(Workload::new(name, &self.cluster.images()?.good[0]))
    }

    /// The same of an image that does not exist.
    pub(crate) fn bad(&self, name: &str) -> Result<Workload> {
        Ok(Workload::new(name, &self.cluster.images()?.absent))
    }

    /// Returns when the workload has been ready for so long that its revision counts as good.
    pub(crate) async fn served(&self, kind: &str, name: &str) -> Result<()> {
        let mut since: Option<Instant> = None;
        let enough = Duration::try_from(SERVED_FOR)? + SECONDS;
        wait_for(&format!("{kind} {name} to have served"), LATER, async || {
            let live = self.live(kind, name).await?;
            let ready = is_complete(&live);
            since = if ready { since.or_else(|| Some(Instant::now())) } else { None };
            Ok(Seen::when(since.is_some_and(|s| s.elapsed() >= enough), (), &live["status"]))
        })
        .await
    }

    /// An object of `apps/v1`, or the core, as it is.
    pub(crate) async fn live(&self, kind: &str, name: &str) -> Result<Value> {
        let version = if ["Pod", "ResourceQuota"].contains(&kind) { "v1" } else { "apps/v1" };
        let reference = json!({"apiVersion": version, "kind": kind});
        let api = bailiwick_testkit::api_for(&self.cluster.admin(), &reference, Some(self.namespace.name())).await?;
        let found = api.get(name).await.with_context(|| format!("read {kind} {name}"))?;
        let mut object = serde_json::to_value(found)?;
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        Ok(object)
    }

    /// The one Change that the operator proposed for the object.
    pub(crate) async fn answer(&self, subject: &str) -> Result<Proposal> {
        wait_for(&format!("a Change for {subject}"), LATER, async || {
            let changes = self.changes(subject).await?;
            let incidents: Vec<Incident> = self.incidents().await?;
            Ok(match changes.first() {
                Some(change) => Seen::Yes(self.namespace.proposal(change)),
                None => Seen::NotYet(format!("incidents: {}", serde_json::to_string(&incidents)?)),
            })
        })
        .await
    }

    /// Changes that the operator proposed for the object.
    pub(crate) async fn changes(&self, subject: &str) -> Result<Vec<Change>> {
        let api: Api<Change> = self.namespace.api();
        let all = api.list(&ListParams::default()).await.context("list the Changes")?.items;
        let about = |c: &Change| c.spec.target.name.as_str() == subject && c.spec.incident_ref.is_some();
        Ok(all.into_iter().filter(about).collect())
    }

    pub(crate) async fn incidents(&self) -> Result<Vec<Incident>> {
        let api: Api<Incident> = self.namespace.api();
        Ok(api.list(&ListParams::default()).await.context("list the Incidents")?.items)
    }

    /// Waits for the end; then the Change must have recovered by one write of one account, with its receipts.
    pub(crate) async fn recovered(&self, change: &Proposal) -> Result<Record> {
        let record = match change.phase(Phase::Recovered, LATER).await {
            Ok(record) => record,
            Err(error) => return Err(error.context(self.namespace.diagnose().await)),
        };
        let writes = self.audit.writes_by(&change.accounts()).await?;
        ensure!(writes.len() == 1, "{} writes: {writes:#?}", writes.len());
        let stored = self.cluster.receipts().await?.about(change.uid());
        let known: Vec<&str> = record.receipts.iter().map(|r| r.name.as_str()).collect();
        ensure!(stored == known && !known.is_empty(), "receipts {stored:?} are stored, {known:?} are known");
        Ok(record)
    }
}

/// The controller has seen the newest specification, and everything of it is there and nothing else.
fn is_complete(workload: &Value) -> bool {
    let at = |pointer: &str| workload.pointer(pointer).and_then(Value::as_i64);
    let seen = at("/status/observedGeneration") >= at("/metadata/generation");
    let (wanted, have, updated) = if workload["kind"] == "DaemonSet" {
        (at("/status/desiredNumberScheduled"), at("/status/numberAvailable"), at("/status/updatedNumberScheduled"))
    } else {
        (at("/spec/replicas"), at("/status/availableReplicas"), at("/status/updatedReplicas"))
    };
    seen && wanted > Some(0) && have == wanted && updated == wanted
}
