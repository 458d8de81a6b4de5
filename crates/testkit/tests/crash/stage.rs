//! What every killing stands on: the product without its operator, a namespace in the territory, people, and a mandate without delays.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use bailiwick_core::index::SERVED_FOR;
use bailiwick_testkit::{
    Baseline, InForce, Namespace, OperatorProcess, Outside, ProcessOptions, Proposer, Result, SECONDS, Seen,
    TestCluster, Workload, wait_for,
};
use serde_json::{Value, json};

use crate::life::Life;

/// How many workloads wait for being broken.
const SPARES: u32 = 18;

/// A label by which the mandate finds this suite's namespaces.
const LABEL: (&str, &str) = ("bailiwick-test/suite", "crash");

pub(crate) struct Stage {
    pub(crate) cluster: TestCluster,
    pub(crate) outside: Outside,
    pub(crate) namespace: Namespace,
    pub(crate) anna: Proposer,
    pub(crate) bob: Proposer,
    pub(crate) life: Life,
    pub(crate) baseline: Baseline,
    taken: AtomicU32,
    _mandate: InForce,
}

impl Stage {
    pub(crate) async fn set(cluster: TestCluster, life: Life) -> Result<Self> {
        let outside = cluster.outside().await?;
        cluster.no_mandates().await?;
        let mandate = cluster.mandate(rules(life), TestCluster::quick_limits()).await?;
        let prefix = format!("crash-{}", format!("{life:?}").to_lowercase());
        let namespace = cluster.namespace(&prefix).in_territory().label(LABEL.0, LABEL.1).create().await?;
        let anna = namespace.proposer(&cluster, "anna@crash").await?;
        let bob = namespace.proposer(&cluster, "bob@crash").await?;
        let baseline = quiet(&cluster, &outside).await?;
        let stage = Self {
            cluster,
            outside,
            namespace,
            anna,
            bob,
            life,
            baseline,
            taken: AtomicU32::new(0),
            _mandate: mandate,
        };
        stage.raise_workloads().await?;
        Ok(stage)
    }

    async fn raise_workloads(&self) -> Result<()> {
        let names = match self.life {
            Life::Quota => Vec::new(),
            Life::Restart | Life::RollBack => vec!["web".to_owned()],
            Life::Incident => (0..SPARES).map(spare).collect(),
        };
        for name in &names {
            let mut good = Workload::new(name, &self.cluster.images()?.good[0]);
            if self.life == Life::RollBack {
                // With its old pod gone first, a bad image makes it worse at once.
                good = good.spec_field("strategy", json!({"type": "Recreate"}));
            }
            self.namespace.apply(&good.deployment()).await?;
        }
        for name in &names {
            self.namespace.available(name, 60 * SECONDS).await?;
        }
        let begin = std::time::Instant::now();
        // What was available for a moment only is nothing to go back to.
        wait_for("the workloads to have served", 60 * SECONDS, async || {
            let enough = begin.elapsed() >= std::time::Duration::try_from(SERVED_FOR)? + SECONDS;
            Ok(Seen::when(enough || self.life != Life::Incident, (), begin.elapsed()))
        })
        .await
    }

    /// The Deployment `web` as it is.
    pub(crate) async fn web(&self) -> Result<Value> {
        self.namespace.deployment("web").await
    }

    /// The name of a workload that was not broken yet.
    pub(crate) fn spare(&self) -> Result<String> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        anyhow::ensure!(number < SPARES, "all {SPARES} workloads are used up");
        Ok(spare(number))
    }

    pub(crate) fn start(&self, options: ProcessOptions) -> Result<OperatorProcess> {
        self.outside.start(options)
    }
}

fn spare(number: u32) -> String {
    format!("spare-{number}")
}

/// What of grants is there although nothing runs: after one start of the operator, which sweeps.
async fn quiet(cluster: &TestCluster, outside: &Outside) -> Result<Baseline> {
    let mut operator = outside.start(ProcessOptions::default())?;
    operator.ready(30 * SECONDS).await?;
    let baseline = wait_for("nothing to be left of earlier grants", 30 * SECONDS, async || {
        let baseline = Baseline::take(cluster).await?;
        let left = baseline.all();
        Ok(Seen::when(left.is_empty(), baseline, left))
    });
    let baseline = baseline.await.context("before the first killing")?;
    operator.leave().await?;
    Ok(baseline)
}

fn rules(life: Life) -> Value {
    let selector = json!({"matchLabels": {LABEL.0: LABEL.1}});
    // Where the way back is watched, the operator's own proposal must not come before it.
    let undo = if life == Life::Incident { "preApproved" } else { "refused" };
    json!([
        {"namespaceSelector": selector, "types": ["RolloutRestart"], "approval": "preApproved", "proposers": ["anna@crash"]},
        {"namespaceSelector": selector, "types": ["RolloutUndo"], "approval": undo},
        {"namespaceSelector": selector, "approval": "human", "approvers": {"users": ["bob@crash"]}},
    ])
}
