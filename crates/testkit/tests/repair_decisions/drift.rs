//! The target becomes another between the approval and the write.

use bailiwick_core::life::Phase;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Proposal, Result, SECONDS, Workload};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::DeleteParams;
use serde_json::json;

use crate::scene::Scene;

/// What somebody else does to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meddling {
    /// Its specification is changed elsewhere than where the plan changes it.
    Changed,
    /// It is deleted and made again by the same name.
    Replaced,
    /// It is deleted.
    Deleted,
    /// A GitOps controller takes it over.
    Adopted,
}

const ALL: [Meddling; 4] = [Meddling::Changed, Meddling::Replaced, Meddling::Deleted, Meddling::Adopted];

impl Meddling {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    async fn happen(self, scene: &Scene) -> Result<()> {
        let name = self.name();
        let same = Workload::new(&name, &scene.cluster.images()?.good[0]);
        let api = scene.namespace.api::<Deployment>();
        match self {
            Self::Changed => scene.namespace.apply(&same.env("MEDDLED", "yes").deployment()).await.map(|_| ()),
            Self::Adopted => {
                let taken = same.label("argocd.argoproj.io/instance", "shop");
                let mut object = taken.deployment();
                // The label of the object alone: that of the pods' template would be another change.
                object["spec"] = Workload::new(&name, &scene.cluster.images()?.good[0]).deployment()["spec"].clone();
                scene.namespace.apply(&object).await.map(|_| ())
            }
            Self::Deleted | Self::Replaced => {
                api.delete(&name, &DeleteParams::background()).await?;
                scene.namespace.gone::<Deployment>(&name, 20 * SECONDS).await?;
                if self == Self::Replaced {
                    scene.namespace.apply(&same.deployment()).await?;
                }
                Ok(())
            }
        }
    }

    /// What must come of the approved Change.
    async fn judge(self, scene: &Scene, change: &Proposal) -> Result<()> {
        match self {
            Self::Changed => Box::pin(planned_anew(scene, change)).await,
            // The operator may have looked while there was none.
            Self::Replaced => refused(scene, change, &[Code::TargetReplaced, Code::TargetMissing]).await,
            Self::Deleted => refused(scene, change, &[Code::TargetMissing]).await,
            Self::Adopted => refused(scene, change, &[Code::ManagedElsewhere]).await,
        }
    }
}

async fn refused(scene: &Scene, change: &Proposal, codes: &[Code]) -> Result<()> {
    scene.ended_unwritten(change, Phase::Refused, codes).await.map(|_| ())
}

/// The plan is another, so the approval is void; a new one makes it happen, on what the target is now.
async fn planned_anew(scene: &Scene, change: &Proposal) -> Result<()> {
    let void = |r: &bailiwick_core::life::Record| {
        let ignored = r.approvals.iter().any(|a| a.ignored.as_ref().is_some_and(|i| i.code == Code::OtherDigest));
        r.phase == Phase::AwaitingApproval && ignored
    };
    let record = change.until("its approval void", 40 * SECONDS, void).await?;
    assert_eq!(scene.writes(change).await?, 0, "{}: something was written", change.name());
    let drifted = record.timeline.iter().any(|t| t.reason.as_ref().is_some_and(|r| r.code == Code::Drifted));
    assert!(drifted, "{:?}", record.timeline);
    let first = &record.approvals[0].digest;
    assert_ne!(record.plan.as_ref().map(|p| &p.digest), Some(first), "the digest stayed");
    scene.bob.approve(change).await?;
    change.phase(Phase::Recovered, 60 * SECONDS).await?;
    assert_eq!(scene.writes(change).await?, 1);
    let web: Deployment = scene.namespace.available(change.name(), 30 * SECONDS).await?;
    let text = serde_json::to_string(&web.spec)?;
    assert!(text.contains("MEDDLED") && text.contains(&scene.cluster.images()?.good[1]), "{text}");
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
        change.phase(Phase::AwaitingApproval, 20 * SECONDS).await?;
    }
    scene.cluster.suspend().await?;
    for change in &changes {
        scene.bob.approve(change).await?;
    }
    for (meddling, change) in ALL.iter().zip(&changes) {
        let held = |r: &bailiwick_core::life::Record| r.reason.as_ref().is_some_and(|r| r.code == Code::Suspended);
        change.until("held by the switch", 20 * SECONDS, |r| r.phase == Phase::Approved && held(r)).await?;
        meddling.happen(&scene).await?;
    }
    scene.cluster.resume().await?;
    for (meddling, change) in ALL.iter().zip(&changes) {
        meddling.judge(&scene, change).await.map_err(|e| e.context(format!("{meddling:?}")))?;
    }
    Ok(())
}

/// The grant is live and the intent to write recorded: what is left are the request's own tests and the fence. Neither sees an adoption, which changes no field that the plan is about: only the look before the grant does.
#[tokio::test]
async fn between_intent_and_write() -> Result<()> {
    for meddling in [Meddling::Changed, Meddling::Replaced, Meddling::Deleted] {
        let slow = ProcessOptions { failpoints: "write-before=1*sleep(4000)".to_owned(), ..ProcessOptions::default() };
        let Some(scene) = Box::pin(Scene::set("late", 1, json!({}), slow)).await? else { return Ok(()) };
        scene.serving(&meddling.name()).await?;
        let change = scene.image(&meddling.name()).await?;
        scene.bob.approve(&change).await?;
        change.phase(Phase::Executing, 20 * SECONDS).await?;
        meddling.happen(&scene).await?;
        let record = change.record().await?;
        assert_eq!(record.phase, Phase::Executing, "{meddling:?} came too late to be of use");
        let judged = meddling.judge(&scene, &change).await;
        judged.map_err(|e| e.context(format!("{meddling:?}\n{}", scene.operator.last_words())))?;
    }
    Ok(())
}
