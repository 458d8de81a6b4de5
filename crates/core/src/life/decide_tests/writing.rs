//! The one write: begun once per execution, resolved by taking the authority away first.

use super::scene::*;
use crate::life::{Effect, Phase, Purpose, Report};
use crate::reason::Code;

fn executing() -> Scene {
    let scene = standard().until(Phase::Executing);
    assert_eq!(scene.writes(), 1);
    scene
}

fn revoke(account: &str) -> Option<Effect> {
    Some(Effect::Revoke { account: account.into() })
}

#[test]
fn without_a_proof_there_is_no_write() {
    let mut scene = standard().until(Phase::Granting);
    for _ in 0..5 {
        assert_eq!(scene.next(), Some(Effect::Arm { execution: 0 }));
    }
    assert_eq!(scene.phase(), Phase::Granting);
}

#[test]
fn the_intent_is_in_the_record_that_asks_for_the_write() {
    let mut scene = standard().until(Phase::Granting);
    scene.answer(&Effect::Arm { execution: 0 });
    let decision = scene.decide();
    assert_eq!(decision.effect, Some(Effect::Write { execution: 0 }));
    assert_eq!(decision.record.phase, Phase::Executing);
    assert_eq!(decision.record.executions[0].started_at, Some(scene.now));
    assert_eq!(decision.record.executions[0].key, "c0ffee00-1/0");
}

#[test]
fn a_fence_that_was_not_seen_to_hold_ends_the_change() {
    for code in [Code::FenceUnproved, Code::GrantForged, Code::WriteRefused] {
        let mut scene = standard().until(Phase::Granting);
        scene.report(not_proved(0, code));
        scene.play();
        assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(code)));
        assert_eq!(scene.writes(), 0);
        assert!(scene.live_accounts().is_empty());
    }
}

#[test]
fn an_acknowledged_write_is_watched_after_its_authority_is_gone() {
    let mut scene = executing();
    scene.report(applied(0, Code::Written));
    assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"));
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn a_write_that_was_refused_is_not_sent_again() {
    let mut scene = executing();
    scene.report(not_applied(0, Code::WriteRefused));
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::WriteRefused)));
    assert_eq!(scene.writes(), 1);
    assert!(!scene.story.iter().any(|l| l.contains("read back")), "the reply was clear");
}

/// After a crash a request may still be on its way; what it finds must be no authority.
#[test]
fn after_a_crash_the_authority_goes_before_the_world_is_asked() {
    let mut scene = executing();
    assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"));
    assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"), "until it is seen gone");
    scene.answer(&revoke("bwk-c0ffee00-p0").unwrap());
    assert_eq!(scene.next(), Some(Effect::ReadBack { execution: 0 }));
    scene.report(applied(0, Code::FoundWritten));
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 1));
}

/// A read-back before the revocation proves nothing: the request may arrive right after it.
#[test]
fn what_was_read_while_the_request_could_still_arrive_is_read_again() {
    for code in [Code::WriteUnclear, Code::Drifted, Code::TargetMissing] {
        let mut scene = executing();
        scene.report(not_applied(0, code));
        assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"), "{code}");
        assert_eq!(scene.phase(), Phase::Executing);
        scene.answer(&revoke("bwk-c0ffee00-p0").unwrap());
        assert_eq!(scene.next(), Some(Effect::ReadBack { execution: 0 }), "{code}");
        scene.report(applied(0, Code::FoundWritten));
        scene.play();
        assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 1), "{code}");
    }
}

#[test]
fn a_write_proved_not_to_have_happened_is_tried_again_as_another_execution() {
    let mut scene = executing();
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 2));
    let executions = &scene.record.executions;
    let keys: Vec<_> = executions.iter().map(|e| (e.key.as_str(), e.grant.account.as_str(), e.attempts)).collect();
    assert_eq!(keys, [("c0ffee00-1/0", "bwk-c0ffee00-p0", 1), ("c0ffee00-1/1", "bwk-c0ffee00-a1", 1)]);
    assert_eq!(executions[0].digest, executions[1].digest);
    assert!(!executions[0].is_applied() && executions[1].is_applied());
}

#[test]
fn a_write_that_is_lost_again_and_again_is_given_up() {
    let mut scene = executing();
    for _ in 0..50 {
        match scene.next() {
            Some(Effect::Write { execution }) => scene.report(not_applied(execution, Code::WriteUnclear)),
            Some(effect) => scene.answer(&effect),
            None => break,
        }
    }
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::WriteUnclear)));
    assert_eq!(scene.writes(), 3);
    assert!(scene.live_accounts().is_empty());
}

#[test]
fn a_write_that_found_another_target_is_planned_anew() {
    let mut scene = executing();
    scene.next();
    scene.answer(&revoke("bwk-c0ffee00-p0").unwrap());
    assert_eq!(scene.next(), Some(Effect::ReadBack { execution: 0 }));
    scene.report(not_applied(0, Code::Drifted));
    scene.target = crate::life::world::TargetNow::Present("f1".into());
    scene.play();
    assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 2));
    let [first, second] = &scene.record.executions[..] else { panic!() };
    assert_ne!(first.digest, second.digest);
}

#[test]
fn a_deletion_found_done_says_that_its_author_is_unproven() {
    let mut scene = executing();
    scene.next();
    scene.answer(&revoke("bwk-c0ffee00-p0").unwrap());
    scene.next();
    scene.report(applied(0, Code::FoundGone));
    scene.play();
    let outcome = scene.record.executions[0].outcome.as_ref().unwrap();
    assert_eq!((scene.phase(), outcome.code), (Phase::Verifying, Code::FoundGone));
}

#[test]
fn a_namespace_that_goes_while_writing_is_resolved_first() {
    let mut scene = executing();
    scene.namespace = false;
    assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"));
    scene.answer(&revoke("bwk-c0ffee00-p0").unwrap());
    assert_eq!(scene.next(), Some(Effect::ReadBack { execution: 0 }));
    scene.report(not_applied(0, Code::TargetMissing));
    scene.play();
    assert_eq!((scene.phase(), scene.code()), (Phase::Cancelled, Some(Code::NamespaceGone)));
}

#[test]
fn a_late_refusal_of_the_proof_does_not_hide_a_write_under_way() {
    let mut scene = executing();
    scene.report(not_proved(0, Code::FenceUnproved));
    scene.report(Report::PlanRefused(crate::reason::Reason::plain(Code::DryRunRefused)));
    assert_eq!(scene.next(), revoke("bwk-c0ffee00-p0"), "still in doubt");
    assert_eq!(scene.phase(), Phase::Executing);
    assert_eq!(purpose(&scene), Some(Purpose::Apply));
}
