//! How a Change ends: authority gone, receipt written, only then the phase is shown.

use super::scene::*;
use crate::life::{Effect, Phase, Transition};
use crate::oracle::Health;
use crate::reason::{Code, Reason};

/// A scene that decided to end but has shown nothing yet, for every terminal phase.
fn endings() -> Vec<(Phase, Scene)> {
    let mut refused = standard();
    refused.proposal = Err(Reason::plain(Code::InvalidSpec));
    let mut rejected = normal().until(Phase::AwaitingApproval);
    rejected.reject("alice");
    let mut expired = normal().until(Phase::AwaitingApproval);
    expired.pass(3600);
    let mut cancelled = standard().until(Phase::Granting);
    cancelled.namespace = false;
    let mut failed = standard().until(Phase::Granting);
    failed.report(not_proved(0, Code::FenceUnproved));
    let mut recovered = standard().until(Phase::Verifying);
    recovered.health = Some(Health::Healthy("all".into()));
    recovered.play();
    recovered.pass(30);
    let mut back = standard().until(Phase::Verifying);
    back.health = Some(Health::Worse("down".into()));
    vec![
        (Phase::Refused, refused),
        (Phase::Rejected, rejected),
        (Phase::Expired, expired),
        (Phase::Cancelled, cancelled),
        (Phase::Failed, failed),
        (Phase::Recovered, recovered),
        (Phase::RolledBack, back),
    ]
}

#[test]
fn every_end_is_receipted_before_it_is_shown_and_leaves_no_account() {
    for (phase, mut scene) in endings() {
        for _ in 0..20 {
            let effect = scene.next();
            if scene.phase() == phase {
                break;
            }
            assert!(!scene.phase().is_terminal(), "{phase}");
            if let Some(Effect::Receipt { about }) = &effect
                && about == phase.as_str()
            {
                assert!(scene.live_accounts().is_empty(), "{phase}: receipt after revocation");
            }
            scene.answer(&effect.unwrap());
        }
        assert_eq!(scene.phase(), phase);
        assert!(scene.record.ending.is_none());
        let receipts = scene.record.receipts.iter();
        assert_eq!(receipts.filter(|r| r.about == phase.as_str()).count(), 1);
        assert!(scene.record.reason.is_some(), "{phase} says why");
    }
}

#[test]
fn no_end_is_shown_without_a_key_and_it_waits_for_one() {
    for (phase, mut scene) in endings() {
        while scene.record.ending.is_none() {
            if let Some(effect) = scene.next().filter(|_| scene.record.ending.is_none()) {
                scene.answer(&effect);
            }
        }
        scene.key = false;
        scene.play();
        assert!(!scene.phase().is_terminal(), "{phase}");
        assert!(scene.live_accounts().is_empty(), "{phase}: authority goes without a key too");
        assert_eq!(scene.code(), Some(Code::NoSigningKey), "{phase}");
        scene.key = true;
        scene.play();
        assert_eq!(scene.phase(), phase);
    }
}

#[test]
fn an_end_once_decided_is_not_reconsidered() {
    for (phase, mut scene) in endings() {
        scene.next();
        if scene.record.ending.is_none() {
            continue;
        }
        scene.territory = true;
        scene.namespace = true;
        scene.ballots.clear();
        scene.approve("alice");
        scene.health = None;
        scene.play();
        assert_eq!(scene.phase(), phase);
    }
}

#[test]
fn terminal_phases_rest() {
    for phase in Phase::ALL.iter().filter(|p| p.is_terminal()) {
        let mut scene = standard();
        scene.record.phase = *phase;
        scene.record.timeline = vec![Transition { phase: *phase, at: scene.now, reason: None }];
        scene.reject("alice");
        scene.health = Some(Health::Healthy("all".into()));
        let decision = scene.decide();
        assert_eq!((scene.phase(), decision.effect, decision.recheck), (*phase, None, None));
    }
}

#[test]
fn a_phase_without_its_execution_fails_closed() {
    for phase in [Phase::Granting, Phase::Executing, Phase::RollingBack] {
        let mut scene = standard().until(Phase::PreApproved);
        scene.record.phase = phase;
        scene.play();
        assert_eq!(scene.phase(), Phase::Failed, "{phase}");
        assert_eq!(scene.writes(), 0);
    }
}

#[test]
fn a_wait_is_never_a_busy_loop() {
    let scenes = [standard().until(Phase::Verifying), normal().until(Phase::AwaitingApproval)];
    for mut scene in scenes {
        scene.play();
        let decision = scene.decide();
        assert!(decision.effect.is_none());
        assert!(decision.recheck.is_some_and(|r| r.as_millis() >= 200));
    }
}
