//! Authority is looked at again right before it is made and right before it is used.

use super::scene::*;
use crate::life::{Effect, Phase};
use crate::mandate::Outcome;
use crate::oracle::Health;
use crate::reason::Code;

fn approved_until(phase: Phase) -> Scene {
    let mut scene = normal().until(Phase::AwaitingApproval);
    scene.approve("alice");
    scene.until(phase)
}

/// The fence is proved, the next decision would write.
fn armed(scene: Scene) -> Scene {
    let mut scene = scene.until(Phase::Granting);
    scene.answer(&Effect::Arm { execution: 0 });
    assert!(scene.record.executions[0].grant.proved_at.is_some());
    scene
}

fn ends_unwritten(scene: Scene, phase: Phase, code: Code) {
    ends(scene, (phase, code), 0);
}

fn ends(mut scene: Scene, (phase, code): (Phase, Code), writes: usize) {
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (phase, Some(code)), "{:?}", scene.story);
    assert_eq!(scene.writes(), writes, "{:?}", scene.story);
    assert!(scene.live_accounts().is_empty());
}

#[test]
fn an_armed_change_writes() {
    for scene in [standard(), approved_until(Phase::Approved)] {
        let mut scene = armed(scene);
        assert_eq!(scene.next(), Some(Effect::Write { execution: 0 }));
        let execution = &scene.record.executions[0];
        assert_eq!((execution.started_at, execution.attempts), (Some(scene.now), 1));
        assert_eq!(execution.digest, scene.record.plan.as_ref().unwrap().digest);
    }
}

#[test]
fn an_approval_that_expired_before_the_write_writes_nothing() {
    for phase in [Phase::Approved, Phase::Granting] {
        let mut scene = approved_until(phase);
        scene.pass(3601);
        ends_unwritten(scene, Phase::Expired, Code::ApprovalExpired);
    }
    let mut scene = armed(approved_until(Phase::Approved));
    scene.pass(3601);
    ends_unwritten(scene, Phase::Expired, Code::ApprovalExpired);
}

#[test]
fn coming_back_to_approved_does_not_lengthen_an_approvals_life() {
    let mut scene = approved_until(Phase::Granting);
    scene.pass(3000);
    scene.suspended = true;
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Approved, Some(Code::Suspended)));
    scene.suspended = false;
    scene.pass(601);
    ends_unwritten(scene, Phase::Expired, Code::ApprovalExpired);
}

#[test]
fn an_approval_that_was_taken_from_the_list_writes_nothing() {
    let mut scene = armed(approved_until(Phase::Approved));
    scene.ballots.clear();
    ends_unwritten(scene, Phase::Expired, Code::ApprovalExpired);
}

#[test]
fn a_person_whom_the_mandate_no_longer_names_does_not_count() {
    let mut scene = armed(approved_until(Phase::Approved));
    scene.verdict.approvers.users.retain(|u| u != "alice");
    ends_unwritten(scene, Phase::Expired, Code::ApprovalExpired);
}

#[test]
fn a_person_whom_only_todays_mandate_names_does_not_count_for_yesterdays_plan() {
    let mut scene = normal().until(Phase::AwaitingApproval);
    scene.play();
    scene.verdict.approvers.users.push("dave".into());
    scene.approve("dave");
    scene.play();
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
}

#[test]
fn a_quorum_raised_meanwhile_holds() {
    let mut scene = armed(approved_until(Phase::Approved));
    scene.verdict.quorum = 2;
    ends_unwritten(scene, Phase::Expired, Code::ApprovalExpired);
}

#[test]
fn a_mandate_that_refuses_before_the_write_ends_it_as_refused() {
    for scene in [standard(), approved_until(Phase::Approved)] {
        let mut scene = armed(scene);
        scene.verdict = verdict(Outcome::Refused);
        ends_unwritten(scene, Phase::Refused, Code::RefusedByMandate);
    }
}

/// The mandate's pre-approval is asked again; where it is gone people decide on the same plan.
#[test]
fn a_pre_approval_that_was_withdrawn_asks_people() {
    for armed_first in [false, true] {
        let mut scene = if armed_first { armed(standard()) } else { standard().until(Phase::PreApproved) };
        scene.verdict = verdict(Outcome::NeedsApproval);
        scene.play();
        assert_eq!(scene.phase(), Phase::AwaitingApproval);
        assert_eq!(scene.writes(), 0);
        assert!(scene.live_accounts().is_empty(), "no grant outlives the question");
        scene.approve("alice");
        scene.play();
        assert_eq!(scene.phase(), Phase::Verifying);
        assert_eq!(scene.writes(), 1);
    }
}

#[test]
fn a_withdrawn_territory_ends_it_at_every_phase_before_the_write() {
    for phase in [Phase::Planned, Phase::PreApproved, Phase::Granting] {
        let mut scene = standard().until(phase);
        scene.territory = false;
        scene.verdict = verdict(Outcome::Refused);
        ends_unwritten(scene, Phase::Cancelled, Code::TerritoryWithdrawn);
    }
    for phase in [Phase::AwaitingApproval, Phase::Approved, Phase::Granting] {
        let mut scene = approved_until(phase);
        scene.territory = false;
        scene.verdict = verdict(Outcome::Refused);
        ends_unwritten(scene, Phase::Cancelled, Code::TerritoryWithdrawn);
    }
    let mut scene = armed(standard());
    scene.territory = false;
    ends_unwritten(scene, Phase::Cancelled, Code::TerritoryWithdrawn);
}

#[test]
fn a_namespace_that_goes_cancels_at_every_phase() {
    let goes = |mut scene: Scene, writes: usize| {
        scene.namespace = false;
        scene.verdict = verdict(Outcome::Refused);
        scene.health = scene.health.map(|_| Health::Vanished);
        ends(scene, (Phase::Cancelled, Code::NamespaceGone), writes);
    };
    goes(standard(), 0);
    for phase in [Phase::Proposed, Phase::Planned, Phase::PreApproved, Phase::Granting] {
        goes(standard().until(phase), 0);
    }
    for phase in [Phase::AwaitingApproval, Phase::Approved, Phase::Granting] {
        goes(approved_until(phase), 0);
    }
    goes(armed(standard()), 0);
    goes(standard().until(Phase::Executing), 1);
    let mut watched = standard().until(Phase::Verifying);
    watched.health = Some(Health::Worse("0 of 2".into()));
    goes(watched.clone(), 1);
    goes(watched.until(Phase::RollingBack), 1);
}

#[test]
fn an_execution_writes_only_the_plan_it_was_made_for() {
    let mut scene = armed(approved_until(Phase::Approved));
    scene.record.plan = Some(plan("swapped"));
    ends_unwritten(scene, Phase::Failed, Code::PlanAltered);
}

#[test]
fn drift_between_proof_and_write_plans_anew() {
    let mut scene = armed(standard());
    scene.target = crate::life::world::TargetNow::Present("f1".into());
    let effect = scene.next();
    assert!(matches!(effect, Some(Effect::Revoke { .. })), "{effect:?}");
    assert_eq!((scene.phase(), scene.writes()), (Phase::Proposed, 0));
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 1));
    assert_eq!(scene.record.plan.as_ref().unwrap().fingerprint, "f1");
}
