//! The way back: an execution of its own, once, with its own account, plan and receipt.

use super::scene::*;
use crate::life::{Effect, Phase, Purpose};
use crate::oracle::Health;
use crate::plan::{DryRun, Plan};
use crate::reason::Code;

/// A Change whose workload got worse, at the first step back.
fn turning_back() -> Scene {
    let mut scene = standard().until(Phase::Verifying);
    scene.health = Some(Health::Worse("0 of 2".into()));
    let mut scene = scene.until(Phase::RollingBack);
    scene.story.clear();
    scene
}

/// Answers everything up to and without the write that puts the state back.
fn writing_back() -> Scene {
    let mut scene = turning_back();
    loop {
        match scene.next() {
            Some(Effect::Write { .. }) => return scene,
            Some(effect) => scene.answer(&effect),
            None => panic!("{:#?}", scene.record),
        }
    }
}

#[test]
fn the_way_back_is_an_execution_of_its_own() {
    let mut scene = turning_back();
    scene.play();
    assert_eq!(scene.phase(), Phase::RolledBack);
    let [apply, back] = &scene.record.executions[..] else { panic!() };
    assert_eq!((apply.purpose, back.purpose), (Purpose::Apply, Purpose::RollBack));
    assert_eq!(back.key, "c0ffee00-1/1");
    assert_eq!(back.grant.account, "bwk-c0ffee00-r1");
    assert_eq!(back.digest, scene.record.undo_plan.as_ref().unwrap().digest);
    let about: Vec<_> = scene.record.receipts.iter().map(|r| r.about.as_str()).collect();
    assert_eq!(about, ["RollBack", "RolledBack"]);
    let message = &scene.record.reason.as_ref().unwrap().message;
    assert!(message.contains("0 of 2"), "the cause is told: {message}");
}

#[test]
fn what_cannot_be_undone_fails_and_is_not_touched_again() {
    let mut scene = standard().until(Phase::Verifying);
    let undoable = Plan { undoable: false, ..scene.record.plan.clone().unwrap() };
    scene.record.plan = Some(undoable.sealed());
    scene.health = Some(Health::Worse("down".into()));
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::GotWorse)));
    assert_eq!(scene.record.executions.len(), 1);
}

#[test]
fn a_way_back_that_cannot_be_planned_fails_and_says_why() {
    let mut scene = turning_back();
    scene.next();
    scene.report(crate::life::Report::PlanRefused(crate::reason::Reason::plain(Code::NoUndo)));
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::RollbackFailed)));
    assert!(scene.record.reason.as_ref().unwrap().message.contains("NoUndo"));
    assert!(scene.live_accounts().is_empty());
}

#[test]
fn a_way_back_that_no_api_server_confirmed_is_never_written() {
    let mut scene = turning_back();
    scene.next();
    let shown = Plan { dry_run: DryRun::NotDryRun, ..plan("back") };
    scene.report(crate::life::Report::Planned(Box::new(shown.sealed())));
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Failed, 0));
}

#[test]
fn a_way_back_that_was_altered_is_never_written() {
    let mut scene = writing_back_to_proof();
    scene.record.undo_plan.as_mut().unwrap().patch = "[{}]".into();
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Failed, 0));
    let mut scene = writing_back_to_proof();
    scene.record.undo_plan = Some(plan("another way"));
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Failed, 0));
}

fn writing_back_to_proof() -> Scene {
    let mut scene = turning_back();
    for _ in 0..3 {
        let effect = scene.next().unwrap();
        if matches!(effect, Effect::Arm { .. }) {
            return scene;
        }
        scene.answer(&effect);
    }
    panic!("{:?}", scene.story);
}

#[test]
fn after_a_crash_the_way_back_is_resolved_like_any_write() {
    let mut scene = writing_back();
    let account = scene.record.executions[1].grant.account.clone();
    assert_eq!(scene.next(), Some(Effect::Revoke { account: account.clone() }));
    scene.answer(&Effect::Revoke { account });
    assert_eq!(scene.next(), Some(Effect::ReadBack { execution: 1 }));
    scene.report(applied(1, Code::FoundWritten));
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::RolledBack, 1));
}

#[test]
fn a_way_back_that_is_lost_again_and_again_is_given_up() {
    let mut scene = turning_back();
    for _ in 0..100 {
        match scene.next() {
            Some(Effect::Write { execution }) => scene.report(not_applied(execution, Code::WriteUnclear)),
            Some(effect) => scene.answer(&effect),
            None if scene.phase() == Phase::RollingBack => scene.pass(2),
            None => break,
        }
    }
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::RollbackFailed)));
    assert_eq!(scene.writes(), 3);
    assert!(scene.live_accounts().is_empty());
}

#[test]
fn a_way_back_whose_target_drifts_is_planned_anew_a_few_times() {
    let mut scene = turning_back();
    for _ in 0..100 {
        match scene.next() {
            Some(Effect::Arm { execution }) => scene.report(not_proved(execution, Code::Drifted)),
            Some(effect) => scene.answer(&effect),
            None if scene.phase() == Phase::RollingBack => scene.pass(2),
            None => break,
        }
    }
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::RollbackFailed)));
    assert_eq!(scene.writes(), 0);
}

#[test]
fn outside_the_territory_there_is_no_way_back() {
    let mut scene = turning_back();
    scene.territory = false;
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::RollbackFailed)));
    assert_eq!(scene.writes(), 0);
    let mut scene = turning_back();
    scene.namespace = false;
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Cancelled, Some(Code::NamespaceGone)));
}

#[test]
fn a_rolled_back_execution_is_receipted_before_the_change_ends() {
    let mut scene = writing_back();
    scene.report(applied(1, Code::Written));
    scene.key = false;
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::RollingBack, Some(Code::NoSigningKey)));
    scene.key = true;
    scene.play();
    assert_eq!(scene.phase(), Phase::RolledBack);
    let about: Vec<_> = scene.record.receipts.iter().map(|r| r.about.as_str()).collect();
    assert_eq!(about, ["RollBack", "RolledBack"]);
}

#[test]
fn a_change_is_never_applied_again_after_it_was_put_back() {
    let mut scene = turning_back();
    scene.play();
    for health in [None, Some(Health::Healthy("all".into()))] {
        scene.health = health;
        scene.pass(60);
        scene.story.clear();
        scene.play();
        assert_eq!(scene.phase(), Phase::RolledBack);
        assert!(scene.story.is_empty());
    }
}
