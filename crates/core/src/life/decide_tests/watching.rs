//! Verifying: held for a time, from observations only, within a window.

use super::scene::*;
use crate::life::{Effect, Phase};
use crate::oracle::Health;
use crate::reason::Code;

fn healthy() -> Option<Health> {
    Some(Health::Healthy("2 of 2".into()))
}

fn not_yet() -> Option<Health> {
    Some(Health::NotYet("1 of 2".into()))
}

/// A Change whose write is acknowledged and whose authority is gone.
fn watching() -> Scene {
    let mut scene = standard().until(Phase::Verifying);
    scene.health = not_yet();
    scene.play();
    assert!(scene.live_accounts().is_empty());
    scene
}

#[test]
fn recovery_takes_the_whole_hold() {
    let mut scene = watching();
    scene.health = healthy();
    scene.play();
    scene.pass(29);
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
    scene.pass(1);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Recovered, Some(Code::Held)));
}

#[test]
fn any_break_begins_the_hold_anew() {
    for broken in [not_yet(), None] {
        let mut scene = watching();
        scene.health = healthy();
        scene.play();
        scene.pass(20);
        scene.health = broken.clone();
        scene.play();
        scene.pass(20);
        scene.health = healthy();
        scene.play();
        assert_eq!(scene.phase(), Phase::Verifying, "{broken:?}");
        scene.pass(30);
        scene.play();
        assert_eq!(scene.phase(), Phase::Recovered, "{broken:?}");
    }
}

#[test]
fn a_clock_that_steps_back_only_lengthens_the_hold() {
    let mut scene = watching();
    scene.health = healthy();
    scene.play();
    scene.pass(-300);
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
    scene.pass(329);
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn the_window_ends_from_the_acknowledged_write_on() {
    let mut scene = watching();
    scene.pass(599);
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
    scene.pass(1);
    scene.decide();
    assert_eq!((scene.phase(), scene.code()), (Phase::RollingBack, Some(Code::WindowEnded)));
    let message = &scene.record.reason.as_ref().unwrap().message;
    assert!(message.contains("1 of 2"), "{message}");
}

#[test]
fn a_hold_that_began_within_the_window_may_end_after_it() {
    let mut scene = watching();
    scene.pass(590);
    scene.health = healthy();
    scene.play();
    scene.pass(30);
    scene.play();
    assert_eq!(scene.phase(), Phase::Recovered);
}

/// The operator was down for the whole window: nothing is known, so nothing is put back.
#[test]
fn nothing_is_put_back_that_was_not_observed() {
    let mut scene = watching();
    scene.health = None;
    scene.pass(1200);
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
    scene.health = healthy();
    scene.play();
    scene.pass(30);
    scene.play();
    assert_eq!(scene.phase(), Phase::Recovered);
}

#[test]
fn what_can_never_be_observed_ends_with_people() {
    let mut scene = watching();
    scene.health = None;
    scene.pass(600 + 1800);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::WindowEnded)));
    assert_eq!(scene.record.executions.len(), 1, "no rollback in the dark");
}

#[test]
fn a_workload_that_got_worse_turns_back_at_once() {
    let mut scene = watching();
    scene.health = Some(Health::Worse("0 of 2".into()));
    scene.decide();
    assert_eq!((scene.phase(), scene.code()), (Phase::RollingBack, Some(Code::GotWorse)));
}

#[test]
fn a_target_that_vanished_fails() {
    let mut scene = watching();
    scene.health = Some(Health::Vanished);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::TargetVanished)));
    assert_eq!(scene.record.executions.len(), 1);
}

#[test]
fn nothing_is_watched_before_the_authority_is_gone() {
    let mut scene = standard().until(Phase::Verifying);
    scene.health = healthy();
    for _ in 0..3 {
        assert!(matches!(scene.next(), Some(Effect::Revoke { .. })));
        scene.pass(60);
    }
    assert!(scene.record.verification.is_none());
}

#[test]
fn what_was_observed_is_noted_when_it_changes() {
    let mut scene = watching();
    let first = scene.record.verification.clone().unwrap();
    scene.pass(2);
    scene.next();
    assert_eq!(scene.record.verification, Some(first.clone()), "no churn");
    scene.health = Some(Health::NotYet("2 of 2, one restarted".into()));
    scene.next();
    let second = scene.record.verification.clone().unwrap();
    assert_eq!(second.observed, "2 of 2, one restarted");
    assert_eq!(second.at, Some(scene.now));
    assert_ne!(second.at, first.at);
}

/// Nothing is put back: the former content would leave the pod as it is. Who deletes it has it recover.
#[test]
fn what_waits_for_a_pod_fails_after_the_hold_and_recovers_late() {
    let mut scene = watching();
    scene.health = Some(Health::Blocked("pod web-1 has to be deleted".into()));
    scene.pass(29);
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
    scene.pass(1);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::PodInTheWay)));
    assert_eq!(scene.record.executions.len(), 1);
    scene.health = healthy();
    scene.play();
    scene.pass(30);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Recovered, Some(Code::HeldLate)));
}

#[test]
fn a_failed_change_that_recovers_late_says_so() {
    let mut scene = failed();
    scene.pass(600);
    scene.health = healthy();
    scene.play();
    assert_eq!(scene.phase(), Phase::Failed);
    scene.pass(30);
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Recovered, Some(Code::HeldLate)));
    let about: Vec<_> = scene.record.receipts.iter().map(|r| r.about.as_str()).collect();
    assert_eq!(about, ["Failed", "Recovered"]);
    assert!(scene.record.reason.as_ref().unwrap().message.contains("630 s"));
}

#[test]
fn late_recovery_ends_with_its_time() {
    let mut scene = failed();
    scene.pass(1800);
    scene.health = healthy();
    scene.play();
    scene.pass(60);
    scene.play();
    assert_eq!(scene.phase(), Phase::Failed);
}

#[test]
fn what_was_never_written_or_was_put_back_does_not_recover_late() {
    let mut refused = standard().until(Phase::Executing);
    refused.report(not_applied(0, Code::WriteRefused));
    let mut put_back = watching();
    put_back.health = Some(Health::Worse("down".into()));
    for (scene, phase) in [(&mut refused, Phase::Failed), (&mut put_back, Phase::RolledBack)] {
        scene.play();
        scene.health = healthy();
        scene.play();
        scene.pass(60);
        scene.play();
        assert_eq!(scene.phase(), phase);
    }
}

/// A Change that failed without having been put back.
fn failed() -> Scene {
    let mut scene = watching();
    scene.health = Some(Health::Vanished);
    scene.play();
    assert_eq!(scene.phase(), Phase::Failed);
    scene
}
