//! The target becomes another between the approval and the write.

use bailiwick_core::life::Phase;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Proposal, Result, SECONDS, Workload};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::freeze;
use crate::scene::Scene;

/// What somebody else does to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meddling {
    /// Its specification is changed elsewhere than where the plan changes it.
    Changed,
    /// It gets a label that means nothing to anybody here.
    Relabelled,
    /// It is deleted and made again by the same name.
    Replaced,
    /// It is deleted.
    Deleted,
    /// A GitOps controller takes it over, by label.
    Labelled,
    /// The same by annotation.
    Annotated,
    /// Another operator's object becomes its owner.
    Owned,
}

const ALL: [Meddling; 7] = [
    Meddling::Changed,
    Meddling::Relabelled,
    Meddling::Replaced,
    Meddling::Deleted,
    Meddling::Labelled,
    Meddling::Annotated,
    Meddling::Owned,
];

impl Meddling {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    async fn happen(self, scene: &Scene) -> Result<()> {
        let name = self.name();
        let same = Workload::new(&name, &scene.cluster.images()?.good[0]);
        let api = scene.namespace.api::<Deployment>();
        let metadata = match self {
            Self::Changed => return scene.namespace.apply(&same.env("MEDDLED", "yes").deployment()).await.map(|_| ()),
            Self::Deleted | Self::Replaced => {
                api.delete(&name, &DeleteParams::background()).await?;
                scene.namespace.gone::<Deployment>(&name, 60 * SECONDS).await?;
                if self == Self::Replaced {
                    scene.namespace.apply(&same.deployment()).await?;
                }
                return Ok(());
            }
            Self::Relabelled => json!({"labels": {"example.com/seen-by": "anna"}}),
            Self::Labelled => json!({"labels": {"argocd.argoproj.io/instance": "shop"}}),
            Self::Annotated => {
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}})
            }
            Self::Owned => json!({"ownerReferences": [owner(scene).await?]}),
        };
        let patch = Patch::Merge(json!({"metadata": metadata}));
        api.patch(&name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// What must come of the approved Change.
    async fn judge(self, scene: &Scene, change: &Proposal) -> Result<()> {
        match self {
            Self::Changed | Self::Relabelled => Box::pin(planned_anew(scene, change, self)).await,
            // The operator may have looked while there was none.
            Self::Replaced => refused(scene, change, &[Code::TargetReplaced, Code::TargetMissing]).await,
            Self::Deleted => refused(scene, change, &[Code::TargetMissing]).await,
            Self::Labelled | Self::Annotated | Self::Owned => refused(scene, change, &[Code::ManagedElsewhere]).await,
        }
    }
}

/// An object that is nobody's built-in controller, as the controller of another.
async fn owner(scene: &Scene) -> Result<Value> {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let made = serde_json::to_value(scene.namespace.apply(&map).await?)?;
    let uid = &made["metadata"]["uid"];
    Ok(json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "controller": true}))
}

async fn refused(scene: &Scene, change: &Proposal, codes: &[Code]) -> Result<()> {
    scene.ended_unwritten(change, Phase::Refused, codes).await.map(|_| ())
}

/// The plan is another, so the approval is void; a new one makes it happen, on what the target is now.
async fn planned_anew(scene: &Scene, change: &Proposal, meddling: Meddling) -> Result<()> {
    let void = |r: &bailiwick_core::life::Record| {
        let ignored = r.approvals.iter().any(|a| a.ignored.as_ref().is_some_and(|i| i.code == Code::OtherDigest));
        r.phase == Phase::AwaitingApproval && ignored
    };
    let record = change.until("its approval void", 90 * SECONDS, void).await?;
    assert_eq!(scene.writes(change).await?, 0, "{}: something was written", change.name());
    let drifted = record.timeline.iter().any(|t| t.reason.as_ref().is_some_and(|r| r.code == Code::Drifted));
    assert!(drifted, "{:?}", record.timeline);
    let first = &record.approvals[0].digest;
    assert_ne!(record.plan.as_ref().map(|p| &p.digest), Some(first), "the digest stayed");
    scene.bob.approve(change).await?;
    change.phase(Phase::Recovered, 60 * SECONDS).await?;
    assert_eq!(scene.writes(change).await?, 1);
    let web: Deployment = scene.namespace.available(change.name(), 30 * SECONDS).await?;
    let text = serde_json::to_string(&web)?;
    let sign = if meddling == Meddling::Changed { "MEDDLED" } else { "example.com/seen-by" };
    assert!(text.contains(sign) && text.contains(&scene.cluster.images()?.good[1]), "{text}");
    Ok(())
}

/// Approved while suspended, so that nothing is granted yet: the last look before a grant sees it.
#[tokio::test]
async fn before_anything_is_granted() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("drift", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    let mut changes = Vec::new();
    for meddling in ALL {
        scene.serving(&meddling.name()).await?;
        changes.push(scene.image(&meddling.name()).await?);
    }
    for change in &changes {
        change.phase(Phase::AwaitingApproval, 60 * SECONDS).await?;
    }
    scene.cluster.suspend().await?;
    for change in &changes {
        scene.bob.approve(change).await?;
    }
    for (meddling, change) in ALL.iter().zip(&changes) {
        let held = |r: &bailiwick_core::life::Record| r.reason.as_ref().is_some_and(|r| r.code == Code::Suspended);
        change.until("held by the switch", 60 * SECONDS, |r| r.phase == Phase::Approved && held(r)).await?;
        meddling.happen(&scene).await?;
    }
    scene.cluster.resume().await?;
    for (meddling, change) in ALL.iter().zip(&changes) {
        meddling.judge(&scene, change).await.map_err(|e| e.context(format!("{meddling:?}")))?;
    }
    Ok(())
}

/// The grant is live and the intent to write recorded: what is left are the request's own tests and the fence.
#[tokio::test]
async fn between_intent_and_write() -> Result<()> {
    let slow = freeze::delayed("write-before=sleep(4000)");
    let Some(scene) = Box::pin(Scene::set("late", 1, json!({}), slow)).await? else { return Ok(()) };
    for meddling in ALL {
        scene.serving(&meddling.name()).await?;
        let change = scene.image(&meddling.name()).await?;
        scene.bob.approve(&change).await?;
        change.phase(Phase::Executing, 60 * SECONDS).await?;
        // Nothing is written while somebody meddles, however long that takes.
        scene.operator.freeze()?;
        let reached = (change.record().await?.phase, scene.writes(&change).await?);
        assert_eq!(reached, (Phase::Executing, 0), "{meddling:?}: frozen too late to be of use");
        meddling.happen(&scene).await?;
        scene.operator.thaw()?;
        let judged = meddling.judge(&scene, &change).await;
        judged.map_err(|e| e.context(format!("{meddling:?}\n{}", scene.operator.last_words())))?;
    }
    Ok(())
}
