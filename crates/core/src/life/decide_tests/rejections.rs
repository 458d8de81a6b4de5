//! A person's no beats every yes, whenever it comes before the write was begun.

use super::scene::*;
use crate::life::{Effect, Phase};
use crate::reason::Code;

/// A Change at the point where it waits for people.
fn waiting() -> Scene {
    let mut scene = normal().until(Phase::AwaitingApproval);
    scene.play();
    scene
}

#[test]
fn a_no_beats_every_yes_also_at_the_same_moment_and_in_any_order() {
    for no_first in [true, false] {
        let mut scene = waiting();
        if no_first {
            scene.reject("bob");
            scene.approve("alice");
        } else {
            scene.approve("alice");
            scene.reject("bob").reason = "on \u{1b}[2J fire".into();
        }
        scene.play();
        assert_eq!((scene.phase(), scene.code()), (Phase::Rejected, Some(Code::RejectedByHuman)));
        let message = &scene.record.reason.as_ref().unwrap().message;
        assert!(!message.contains('\u{1b}'), "words are quoted: {message}");
        assert_eq!(scene.writes(), 0);
    }
}

#[test]
fn a_no_on_an_older_digest_still_counts_and_a_strangers_does_not() {
    let mut scene = waiting();
    scene.reject("mallory");
    scene.next();
    assert_eq!(scene.phase(), Phase::AwaitingApproval);
    scene.reject("alice").digest = "of the first plan".into();
    scene.play();
    assert_eq!(scene.phase(), Phase::Rejected);
}

#[test]
fn a_no_is_heard_until_the_write_is_begun() {
    for phase in [Phase::Approved, Phase::Granting] {
        let mut scene = waiting();
        scene.approve("alice");
        scene = scene.until(phase);
        scene.reject("bob");
        scene.play();
        assert_eq!((scene.phase(), scene.code()), (Phase::Rejected, Some(Code::RejectedByHuman)), "{phase}");
        assert_eq!(scene.writes(), 0);
        assert!(scene.live_accounts().is_empty());
    }
}

#[test]
fn a_no_after_the_proof_and_before_the_write_is_heard() {
    let mut scene = waiting();
    scene.approve("alice");
    scene = scene.until(Phase::Granting);
    scene.answer(&Effect::Arm { execution: 0 });
    scene.reject("bob");
    scene.play();
    assert_eq!(scene.phase(), Phase::Rejected);
    assert_eq!(scene.writes(), 0);
}

/// Once begun, a write can only be observed: a later no neither hides it nor ends the watching.
#[test]
fn a_no_after_the_write_was_begun_does_not_stop_the_watching() {
    let mut scene = waiting();
    scene.approve("alice");
    scene = scene.until(Phase::Executing);
    scene.reject("bob");
    scene.answer(&Effect::Write { execution: 0 });
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn a_no_after_a_write_that_was_proved_not_to_have_happened_is_heard() {
    let mut scene = waiting();
    scene.approve("alice");
    scene = scene.until(Phase::Executing);
    scene.reject("bob");
    scene.report(not_applied(0, Code::WriteUnclear));
    scene.play();
    assert_eq!(scene.phase(), Phase::Rejected);
    assert_eq!(scene.writes(), 1);
}
