//! From Proposed to the verdict: planning grants, refusals with a diff, drift.

use super::scene::*;
use crate::life::world::TargetNow;
use crate::life::{Effect, Phase, Report};
use crate::mandate::Outcome;
use crate::reason::{Code, Reason};

fn plan_as(account: &str) -> Option<Effect> {
    Some(Effect::Plan { account: account.into() })
}

fn revoke(account: &str) -> Option<Effect> {
    Some(Effect::Revoke { account: account.into() })
}

#[test]
fn the_planning_account_is_recorded_before_it_is_used() {
    let mut scene = standard();
    assert_eq!(scene.next(), plan_as("bwk-c0ffee00-p0"));
    let planning = scene.record.planning.as_ref().unwrap();
    assert_eq!(planning.account, "bwk-c0ffee00-p0");
    assert_eq!(planning.granted_at, scene.now);
    assert_eq!(scene.next(), plan_as("bwk-c0ffee00-p0"), "same after a crash");
    assert_eq!(scene.record.plannings, 1);
}

#[test]
fn the_first_phase_opens_the_timeline_once() {
    let mut scene = standard();
    scene.next();
    scene.next();
    let proposed = scene.record.timeline.iter();
    let proposed = proposed.filter(|t| t.phase == Phase::Proposed);
    assert_eq!(proposed.count(), 1);
    assert_eq!(scene.record.observed_generation, 1);
}

#[test]
fn an_unreadable_proposal_is_refused_with_its_reason() {
    let mut scene = standard();
    scene.proposal = Err(Reason::new(Code::InvalidSpec, "no such field"));
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Refused, Some(Code::InvalidSpec)));
}

#[test]
fn a_refused_change_is_planned_for_show_without_any_account() {
    let mut scene = standard();
    scene.verdict = verdict(Outcome::Refused);
    assert_eq!(scene.next(), Some(Effect::PlanUnconfirmed));
    scene.answer(&Effect::PlanUnconfirmed);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Refused, Some(Code::RefusedByMandate)));
    assert!(scene.record.planning.is_none() && scene.record.executions.is_empty());
    assert!(!scene.record.plan.as_ref().unwrap().is_executable());
}

#[test]
fn a_refused_change_that_cannot_even_be_drafted_keeps_the_verdicts_reason() {
    let mut scene = standard();
    scene.verdict = verdict(Outcome::Refused);
    scene.next();
    scene.report(Report::PlanRefused(Reason::plain(Code::NothingToChange)));
    scene.play();
    assert_eq!(scene.code(), Some(Code::RefusedByMandate));
}

#[test]
fn a_dry_run_that_is_refused_ends_the_change_and_its_account() {
    let mut scene = standard();
    scene.next();
    scene.report(Report::PlanRefused(Reason::plain(Code::PlanNotReproducible)));
    assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"));
    scene.answer(&Effect::Revoke { account: "bwk-c0ffee00-p0".into() });
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Refused, Some(Code::PlanNotReproducible)));
    assert!(scene.live_accounts().is_empty());
}

#[test]
fn a_verdict_that_turns_while_planning_revokes_the_planning_account() {
    let mut scene = standard();
    scene.next();
    scene.verdict = verdict(Outcome::Refused);
    scene.play();
    assert_eq!(scene.phase(), Phase::Refused);
    assert!(scene.live_accounts().is_empty());
}

#[test]
fn a_no_before_any_plan_counts() {
    let mut scene = normal();
    scene.reject("alice");
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Rejected, Some(Code::RejectedByHuman)));
    assert!(scene.story.iter().all(|l| !l.contains("plan")), "{:?}", scene.story);
}

#[test]
fn the_mandate_decides_where_a_planned_change_goes() {
    for (outcome, phase) in [
        (Outcome::PreApproved, Phase::PreApproved),
        (Outcome::NeedsApproval, Phase::AwaitingApproval),
        (Outcome::Refused, Phase::Refused),
    ] {
        let mut scene = standard().until(Phase::Planned);
        scene.verdict = verdict(outcome);
        scene.decide();
        if outcome == Outcome::Refused {
            scene.play();
        }
        assert_eq!(scene.phase(), phase);
        let recorded = scene.record.verdict.as_ref().map(|v| v.outcome);
        assert_eq!(recorded, Some(outcome));
    }
}

#[test]
fn only_the_pre_approved_keep_the_planning_account_for_their_write() {
    let standard = standard().until(Phase::Granting);
    assert_eq!(standard.live_accounts(), ["bwk-c0ffee00-p0"; 2]);
    let mut normal = normal().until(Phase::AwaitingApproval);
    assert_eq!(normal.next(), revoke("bwk-c0ffee00-p0"));
    normal.play();
    assert!(normal.live_accounts().is_empty());
    normal.approve("alice");
    let normal = normal.until(Phase::Granting);
    assert_eq!(normal.live_accounts(), ["bwk-c0ffee00-a0"]);
}

#[test]
fn a_target_that_moved_before_the_grant_is_planned_again() {
    for moved in [TargetNow::Present("f1".into()), TargetNow::Absent] {
        let mut scene = standard().until(Phase::PreApproved);
        scene.target = moved;
        scene.decide();
        assert_eq!((scene.phase(), scene.code()), (Phase::Proposed, Some(Code::Drifted)));
        assert!(scene.record.plan.is_none() && scene.record.verdict.is_none());
        assert!(scene.record.executions.is_empty());
    }
}

#[test]
fn a_target_that_cannot_be_looked_at_is_waited_for() {
    for phase in [Phase::PreApproved, Phase::Granting] {
        let mut scene = standard().until(phase);
        scene.target = TargetNow::Unknown;
        assert_eq!(scene.next(), None, "{phase}");
        assert_eq!(scene.phase(), phase);
        scene.target = TargetNow::Present("f0".into());
        scene.play();
        assert_eq!(scene.phase(), Phase::Verifying);
    }
}

#[test]
fn what_is_to_be_created_must_be_absent() {
    let mut scene = standard();
    scene.target = TargetNow::Absent;
    scene = scene.until(Phase::PreApproved);
    let mut taken = scene.clone();
    assert!(matches!(scene.next(), Some(Effect::Arm { .. })));
    taken.target = TargetNow::Present("another".into());
    taken.decide();
    assert_eq!(taken.phase(), Phase::Proposed);
}

/// The same account must not dry-run the next plan with the fence entry of the last one's write.
#[test]
fn drift_while_granting_revokes_the_old_account_before_planning_anew() {
    for scene in [standard(), approved()] {
        let mut scene = scene.until(Phase::Granting);
        let old = scene.record.executions[0].grant.account.clone();
        scene.report(not_proved(0, Code::Drifted));
        assert_eq!(scene.next(), revoke(&old));
        assert_eq!(scene.phase(), Phase::Proposed);
        scene.answer(&revoke(&old).unwrap());
        assert_eq!(scene.next(), plan_as("bwk-c0ffee00-p1"));
        assert_eq!(scene.live_accounts(), ["bwk-c0ffee00-p1"]);
    }
}

fn approved() -> Scene {
    let mut scene = normal().until(Phase::AwaitingApproval);
    scene.approve("alice");
    scene
}

#[test]
fn a_target_that_never_stops_drifting_is_given_up() {
    let mut scene = standard();
    for round in 0..30 {
        scene.target = TargetNow::Present(format!("f{round}"));
        if scene.record.phase.is_terminal() || scene.record.ending.is_some() {
            break;
        }
        scene = scene.until(Phase::PreApproved);
        scene.target = TargetNow::Present("moved".into());
        scene.decide();
    }
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::Drifted)));
    assert!(scene.live_accounts().is_empty());
    assert_eq!(scene.writes(), 0);
}

#[test]
fn an_altered_plan_is_never_granted() {
    let mut scene = standard().until(Phase::PreApproved);
    scene.record.plan.as_mut().unwrap().patch = "[{}]".into();
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::PlanAltered)));
    assert!(scene.record.executions.is_empty());
}
