//! The lives that are cut short: how each Change comes to be, and what may come of it.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use bailiwick_api::Change;
use bailiwick_core::life::Phase;
use bailiwick_testkit::{Proposal, Result, SECONDS, Workload};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::stage::Stage;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// One way of a Change from its proposal to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// A quota is deleted with a person's approval.
    Quota,
    /// A Deployment is restarted; the mandate approves.
    Restart,
    /// An image that does not exist is set with a person's approval, and taken back.
    RollBack,
    /// A rollout fails; the operator itself proposes to undo it, and the mandate approves.
    Incident,
}

impl Life {
    /// How it must end.
    pub(crate) fn end(self) -> Phase {
        match self {
            Self::RollBack => Phase::RolledBack,
            Self::Quota | Self::Restart | Self::Incident => Phase::Recovered,
        }
    }

    /// How many writes the workload must have seen.
    pub(crate) fn writes(self) -> usize {
        match self {
            Self::RollBack => 2,
            Self::Quota | Self::Restart | Self::Incident => 1,
        }
    }

    /// What must have a receipt, in order; an approval's begins with `Approval/`.
    pub(crate) fn receipts(self) -> &'static [&'static str] {
        match self {
            Self::Quota => &["Approval/", "Recovered"],
            Self::RollBack => &["Approval/", "RollBack", "RolledBack"],
            Self::Restart | Self::Incident => &["Recovered"],
        }
    }

    /// Up to where an unarmed operator brings it: only what follows is cut short.
    pub(crate) fn spared_until(self) -> Option<Phase> {
        (self == Self::RollBack).then_some(Phase::Verifying)
    }

    /// Makes what the Change is about, and its cause.
    pub(crate) async fn begin(self, stage: &Stage) -> Result<Begun> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", format!("{self:?}").to_lowercase());
        let propose = async |action: Value, target: &Value| {
            anyhow::Ok(Begun::Proposed(Box::new(stage.anna.propose(&name, action, target).await?)))
        };
        match self {
            Self::Quota => {
                let proposed = stage.anna.propose_deletion(&stage.namespace, &name).await?;
                Ok(Begun::Proposed(Box::new(proposed)))
            }
            Self::Restart => propose(json!({"rolloutRestart": {}}), &stage.web().await?).await,
            Self::RollBack => {
                let image = json!({"value": stage.cluster.images()?.absent, "origin": {"human": {}}});
                let action = json!({"setImage": {"container": "main", "image": image}});
                propose(action, &stage.web().await?).await
            }
            Self::Incident => {
                let workload = stage.spare()?;
                stage.namespace.apply(&Workload::new(&workload, &stage.cluster.images()?.absent).deployment()).await?;
                Ok(Begun::Broken(workload))
            }
        }
    }
}

/// What there is of a Change so far.
pub(crate) enum Begun {
    /// It.
    Proposed(Box<Proposal>),
    /// The fault that it shall answer, by the workload's name.
    Broken(String),
}

impl Begun {
    /// The Change, if there is one by now; more than one is an error.
    pub(crate) async fn change(&self, stage: &Stage) -> Result<Option<Proposal>> {
        let workload = match self {
            Self::Proposed(proposal) => return Ok(Some(proposal.as_ref().clone())),
            Self::Broken(workload) => workload,
        };
        let api: Api<Change> = stage.namespace.api();
        let all = api.list(&ListParams::default()).await.context("list the Changes")?;
        let about: Vec<&Change> = all.iter().filter(|c| c.spec.target.name.as_str() == workload).collect();
        anyhow::ensure!(about.len() < 2, "{workload} has {} Changes: {about:#?}", about.len());
        Ok(about.first().map(|change| stage.namespace.proposal(change)))
    }
}

/// Whether what the Change is about is as it shall be.
pub(crate) async fn is_repaired(life: Life, stage: &Stage, change: &Proposal) -> Result<()> {
    match life {
        Life::Quota => {
            let quotas: Api<ResourceQuota> = stage.namespace.api();
            anyhow::ensure!(quotas.get_opt(change.name()).await?.is_none(), "the quota is still there");
        }
        Life::Restart | Life::RollBack | Life::Incident => {
            let target = change.read().await?.spec.target.name.to_string();
            let found: Deployment = stage.namespace.available(&target, 30 * SECONDS).await?;
            let image = serde_json::to_value(found)?["spec"]["template"]["spec"]["containers"][0]["image"].clone();
            anyhow::ensure!(image == stage.cluster.images()?.good[0].as_str(), "{target} has the image {image}");
        }
    }
    Ok(())
}
