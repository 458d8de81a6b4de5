//! Authority that is taken away: the label, the switch, a policy of the fence.

use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Result, SECONDS, Seen, wait_for};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use kube::Api;
use kube::api::DeleteParams;

use crate::scene::{LATER, Scene};

fn held_by(code: Code) -> impl Fn(&Record) -> bool {
    move |record| record.reason.as_ref().is_some_and(|r| r.code == code)
}

/// The switch holds what was approved; the label taken away meanwhile ends it, and the switch taken back does not revive it.
#[tokio::test]
async fn an_approved_change_is_withdrawn_with_the_label() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("label")).await? else { return Ok(()) };
    scene.cluster.start_operator().await?;
    let change = scene.quota("tight").await?;
    change.phase(Phase::AwaitingApproval, LATER).await?;
    scene.cluster.suspend().await?;
    scene.bob.approve(&change).await?;
    change.until("held by the switch", LATER, |r| r.phase == Phase::Approved && held_by(Code::Suspended)(r)).await?;
    scene.namespace.set_territory(false).await?;
    let record = change.phase(Phase::Cancelled, LATER).await?;
    let reason = record.timeline.last().and_then(|t| t.reason.as_ref()).map(|r| r.code);
    assert_eq!(reason, Some(Code::TerritoryWithdrawn));
    scene.cluster.resume().await?;
    scene.namespace.set_territory(true).await?;
    let after = scene.quota("another").await?;
    scene.bob.approve(&after).await?;
    after.phase(Phase::Recovered, LATER).await?;
    assert_eq!((scene.writes(&change).await?, scene.writes(&after).await?), (0, 1));
    assert_eq!(change.record().await?.phase, Phase::Cancelled);
    Ok(())
}

/// While suspended nothing is planned, granted or written, not even by an operator that starts meanwhile.
#[tokio::test]
async fn suspension_holds_and_outlives_the_operator() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("switch")).await? else { return Ok(()) };
    // Two workloads: a restart that comes after another of the same one has nothing left to do.
    scene.serving("web").await?;
    scene.serving("shop").await?;
    scene.cluster.suspend().await?;
    scene.cluster.start_operator().await?;
    let change = scene.restart("web", "held").await?;
    change.until("held by the switch", LATER, held_by(Code::Suspended)).await?;
    scene.cluster.stop_operator().await?;
    scene.cluster.start_operator().await?;
    let second = scene.restart("shop", "second").await?;
    second.until("held by the switch", LATER, held_by(Code::Suspended)).await?;
    for held in [&change, &second] {
        let record = held.record().await?;
        assert!(record.executions.is_empty() && record.plan.is_none(), "{record:#?}");
        assert_eq!(scene.writes(held).await?, 0);
    }
    scene.cluster.resume().await?;
    for held in [&change, &second] {
        held.phase(Phase::Recovered, LATER).await?;
        assert_eq!(scene.writes(held).await?, 1);
    }
    Ok(())
}

/// Without one of its policies the fence is none: nothing is written, and both the mandate and the Change say why.
#[tokio::test]
async fn without_a_policy_the_operator_refuses_to_act() -> Result<()> {
    let Some(scene) = Box::pin(Scene::set("policy")).await? else { return Ok(()) };
    scene.serving("web").await?;
    scene.serving("shop").await?;
    scene.cluster.start_operator().await?;
    scene.restart("web", "before").await?.phase(Phase::Recovered, LATER).await?;
    assert_eq!(scene.fence_says("True").await?, "Refused");
    for policy in ["bailiwick-executor-fence", "bailiwick-executor-floor", "bailiwick-fence-guard"] {
        let policies: Api<ValidatingAdmissionPolicy> = Api::all(scene.cluster.admin());
        policies.delete(policy, &DeleteParams::default()).await?;
        // Proposed at once: the operator has not looked at the policies since.
        let at_once = scene.restart("web", &format!("at-once-{policy}")).await?;
        assert_eq!(scene.fence_says("False").await?, "FenceAbsent", "{policy}");
        assert!(scene.fence().await?.message.contains(policy), "{policy}: {:?}", scene.fence().await?);
        let later = scene.restart("shop", &format!("later-{policy}")).await?;
        later.until("held for lack of the fence", LATER, held_by(Code::FenceAbsent)).await?;
        let said = later.read().await?.status.map(|s| s.conditions).unwrap_or_default();
        assert!(said.iter().any(|c| c.reason == "FenceAbsent" || c.message.contains(policy)), "{said:#?}");
        for held in [&at_once, &later] {
            let record = held.record().await?;
            assert!(!record.phase.is_terminal() || record.phase == Phase::Failed, "{policy}: {record:#?}");
            assert_eq!(scene.writes(held).await?, 0, "{policy}: {record:#?}");
        }
        scene.cluster.install().await?;
        later.phase(Phase::Recovered, LATER).await?;
        at_once.end(LATER).await?;
        assert_eq!(scene.fence_says("True").await?, "Refused", "{policy}");
    }
    Ok(())
}

impl Scene {
    /// Waits until the mandate's condition has this status; returns its reason.
    async fn fence_says(&self, status: &str) -> Result<String> {
        wait_for(&format!("the mandate to say {status} of the fence"), 30 * SECONDS, async || {
            let said = self.fence().await?;
            Ok(Seen::when(said.status == status, said.reason.clone(), said))
        })
        .await
    }
}
