//! A node without a kubelet, a namespace in the territory, a mandate for it, and an operator outside of the cluster.

use std::time::Duration;

use anyhow::Context as _;
use bailiwick_api::{Change, Incident};
use bailiwick_testkit::{
    Audit, InForce, Namespace, Need, OperatorProcess, Outside, ProcessOptions, Proposal, Result, SECONDS, Seen,
    TestCluster, Workload, wait_for,
};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::kubelet::Kubelet;

/// A label by which the mandate finds this suite's namespaces.
const LABEL: (&str, &str) = ("bailiwick-test/suite", "guards");

/// Long enough on a machine that does other things as well.
pub(crate) const LATER: Duration = Duration::from_secs(90);

pub(crate) struct Scene {
    pub(crate) cluster: TestCluster,
    pub(crate) namespace: Namespace,
    pub(crate) kubelet: Kubelet,
    pub(crate) outside: Outside,
    pub(crate) audit: Audit,
    mandate: InForce,
    limits: Value,
}

impl Scene {
    /// Everything but the operator. `limits` stand beside those under which tests do not wait.
    pub(crate) async fn set(prefix: &str, limits: Value) -> Result<Option<Self>> {
        let Some(cluster) = TestCluster::needing(&[Need::Audit, Need::OperatorProgram]).await? else { return Ok(None) };
        let outside = cluster.outside().await?;
        cluster.resume().await?;
        cluster.no_mandates().await?;
        let limits = with(TestCluster::quick_limits(), limits);
        let mandate = cluster.mandate(rules(), limits.clone()).await?;
        let prefix = format!("guards-{prefix}");
        let namespace = cluster.namespace(&prefix).in_territory().label(LABEL.0, LABEL.1).create().await?;
        let kubelet = Kubelet::start(&cluster, namespace.name()).await?;
        let audit = cluster.audit()?;
        Ok(Some(Self { cluster, namespace, kubelet, outside, audit, mandate, limits }))
    }

    /// Other limits beside those under which the scene was set.
    pub(crate) async fn limit(&self, others: Value) -> Result<()> {
        self.mandate.replace(rules(), with(self.limits.clone(), others)).await
    }

    /// An operator that is ready.
    pub(crate) async fn operator(&self, mut options: ProcessOptions) -> Result<OperatorProcess> {
        // A machine busy with a storm must not cost it the lease.
        let lease = [("LEASE", "30"), ("RENEW", "20")];
        options.env.extend(lease.map(|(what, seconds)| (format!("BAILIWICK_{what}_SECONDS"), seconds.to_owned())));
        let mut operator = self.outside.start(options)?;
        operator.ready(60 * SECONDS).await?;
        Ok(operator)
    }

    /// One replica of so many containers on the node without a kubelet. A new pod comes before the old one goes.
    pub(crate) fn workload(&self, name: &str, image: &str, containers: usize) -> Value {
        let surge = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        let fields = self.kubelet.pod_fields().into_iter();
        let made =
            fields.fold(Workload::new(name, image).without_readiness(), |w, (key, value)| w.pod_field(key, value));
        let mut object = made.spec_field("strategy", surge).deployment();
        let one = object["spec"]["template"]["spec"]["containers"][0].clone();
        let numbered = (0..containers).map(|n| {
            let mut container = one.clone();
            container["name"] = json!(format!("c{n}"));
            container
        });
        object["spec"]["template"]["spec"]["containers"] = numbered.collect();
        object
    }

    /// Makes it, of an image that is well now; returns when it serves.
    pub(crate) async fn serving(&self, name: &str, image: &str, containers: usize) -> Result<()> {
        self.namespace.apply(&self.workload(name, image, containers)).await?;
        self.namespace.available(name, LATER).await.map(|_| ())
    }

    /// Rolls another image out, in every container.
    pub(crate) async fn roll_out(&self, name: &str, image: &str) -> Result<()> {
        let api: Api<Deployment> = self.namespace.api();
        let live = api.get(name).await.with_context(|| format!("read {name}"))?;
        let spec = live.spec.and_then(|s| s.template.spec).context("a Deployment without pods")?;
        let all: Vec<Value> = spec.containers.iter().map(|c| json!({"name": c.name, "image": image})).collect();
        let patch = json!({"spec": {"template": {"spec": {"containers": all}}}});
        api.patch(name, &PatchParams::default(), &Patch::Strategic(&patch)).await.context("roll an image out")?;
        Ok(())
    }

    /// Anna proposes to restart it, which the mandate approves.
    pub(crate) async fn restart(&self, name: &str) -> Result<Proposal> {
        let anna = self.namespace.proposer(&self.cluster, "anna@guards").await?;
        anna.propose(name, json!({"rolloutRestart": {}}), &self.namespace.deployment(name).await?).await
    }

    pub(crate) async fn incidents(&self) -> Result<Vec<Incident>> {
        let api: Api<Incident> = self.namespace.api();
        Ok(api.list(&ListParams::default()).await.context("list the Incidents")?.items)
    }

    /// Waits until the Incidents are as wanted.
    pub(crate) async fn until_incidents(
        &self,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&[Incident]) -> bool,
    ) -> Result<Vec<Incident>> {
        wait_for(what, timeout, async || {
            let all = self.incidents().await?;
            Ok(if wanted(&all) { Seen::Yes(all) } else { Seen::NotYet(format!("{} of them", all.len())) })
        })
        .await
    }

    pub(crate) async fn changes(&self) -> Result<Vec<Change>> {
        let api: Api<Change> = self.namespace.api();
        Ok(api.list(&ListParams::default()).await.context("list the Changes")?.items)
    }

    /// Waits until the Changes are as wanted.
    pub(crate) async fn until_changes(
        &self,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&[Change]) -> bool,
    ) -> Result<Vec<Change>> {
        wait_for(what, timeout, async || {
            let all = self.changes().await?;
            let brief = all.iter().map(|c| c.status.clone().unwrap_or_default());
            let brief: Vec<_> = brief.map(|r| (r.phase, r.reason.map(|r| r.code))).collect();
            Ok(if wanted(&all) { Seen::Yes(all) } else { Seen::NotYet(format!("{brief:?}")) })
        })
        .await
    }
}

fn rules() -> Value {
    let selector = json!({"matchLabels": {LABEL.0: LABEL.1}});
    json!([
        {"namespaceSelector": selector, "types": ["RolloutUndo"], "approval": "preApproved"},
        {"namespaceSelector": selector, "types": ["RolloutRestart"], "approval": "preApproved", "proposers": ["anna@guards"]},
        {"namespaceSelector": selector, "approval": "refused"},
    ])
}

fn with(mut limits: Value, others: Value) -> Value {
    if let (Some(limits), Value::Object(others)) = (limits.as_object_mut(), others) {
        limits.extend(others);
    }
    limits
}
