//! Suspension, a missing fence and a missing key: nothing is begun and no grant is left waiting.

use super::scene::*;
use crate::life::{Effect, Phase, Report};
use crate::oracle::Health;
use crate::reason::{Code, Reason};

type Hold = (&'static str, fn(&mut Scene), fn(&mut Scene), Code);

const HOLDS: [Hold; 3] = [
    ("suspended", |s| s.suspended = true, |s| s.suspended = false, Code::Suspended),
    ("no fence", |s| s.fence = Err(Reason::plain(Code::FenceAbsent)), |s| s.fence = Ok(()), Code::FenceAbsent),
    ("no key", |s| s.key = false, |s| s.key = true, Code::NoSigningKey),
];

/// Plays while held, then checks that nothing but revoking was done.
fn held(scene: &mut Scene, name: &str) {
    scene.story.clear();
    scene.play();
    let idle = |l: &String| !l.starts_with("  ") || l.contains("revoke") || l.contains("read back");
    assert!(scene.story.iter().all(idle), "{name}: {:?}", scene.story);
    assert!(scene.live_accounts().is_empty(), "{name}: a grant is left while nothing happens");
    let before = scene.record.clone();
    scene.pass(86_400);
    scene.play();
    assert_eq!(scene.record.executions.len(), before.executions.len(), "{name}: waiting makes nothing");
}

#[test]
fn nothing_is_planned_while_held() {
    for (name, on, off, code) in HOLDS {
        let mut scene = standard();
        on(&mut scene);
        assert_eq!(scene.next(), None, "{name}");
        assert_eq!((scene.phase(), scene.code()), (Phase::Proposed, Some(code)), "{name}");
        assert!(scene.record.planning.is_none());
        off(&mut scene);
        scene.play();
        assert_eq!(scene.phase(), Phase::Verifying, "{name}");
    }
}

#[test]
fn a_planning_grant_does_not_outlive_the_planning() {
    for (name, on, off, _) in HOLDS {
        let mut scene = standard();
        scene.next();
        assert_eq!(scene.live_accounts(), ["bwk-c0ffee00-p0"]);
        on(&mut scene);
        held(&mut scene, name);
        off(&mut scene);
        let again = Effect::Plan { account: "bwk-c0ffee00-p1".into() };
        assert_eq!(scene.next(), Some(again), "{name}");
    }
}

#[test]
fn a_dry_run_that_is_refused_only_because_all_is_held_refuses_nothing() {
    for (name, on, off, code) in HOLDS {
        let mut scene = standard();
        scene.next();
        scene.report(Report::PlanRefused(Reason::plain(code)));
        assert_eq!(scene.record.ending, None, "{name}");
        on(&mut scene);
        held(&mut scene, name);
        assert_eq!((scene.phase(), scene.code()), (Phase::Proposed, Some(code)), "{name}");
        off(&mut scene);
        scene.play();
        assert_eq!(scene.phase(), Phase::Verifying, "{name}");
    }
}

#[test]
fn a_pre_approved_change_waits_without_a_grant() {
    for (name, on, off, code) in HOLDS {
        let mut scene = standard().until(Phase::PreApproved);
        on(&mut scene);
        held(&mut scene, name);
        assert_eq!((scene.phase(), scene.code()), (Phase::PreApproved, Some(code)), "{name}");
        off(&mut scene);
        scene.play();
        assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 1), "{name}");
        assert_eq!(scene.record.executions[0].grant.account, "bwk-c0ffee00-a0");
    }
}

#[test]
fn guards_hold_without_a_grant_and_say_how_long() {
    let mut scene = standard().until(Phase::PreApproved);
    let wait = jiff::SignedDuration::from_secs(900);
    scene.guards = Err((Reason::plain(Code::CoolingDown), wait));
    held(&mut scene, "guards");
    assert_eq!(scene.code(), Some(Code::CoolingDown));
    assert_eq!(scene.decide().recheck, Some(wait));
    scene.guards = Ok(());
    scene.play();
    assert_eq!(scene.phase(), Phase::Verifying);
}

#[test]
fn an_approved_change_waits_and_at_last_expires() {
    for (name, on, _, code) in HOLDS {
        let mut scene = normal().until(Phase::AwaitingApproval);
        scene.approve("alice");
        scene = scene.until(Phase::Approved);
        on(&mut scene);
        scene.play();
        assert_eq!((scene.phase(), scene.code()), (Phase::Approved, Some(code)), "{name}");
        scene.pass(3601);
        scene.key = true;
        scene.play();
        assert_eq!(scene.phase(), Phase::Expired, "{name}");
    }
}

#[test]
fn a_grant_in_the_making_is_revoked_and_the_change_goes_back() {
    for (name, on, off, code) in HOLDS {
        for proved in [false, true] {
            let mut scene = standard().until(Phase::Granting);
            if proved {
                scene.answer(&Effect::Arm { execution: 0 });
            }
            on(&mut scene);
            held(&mut scene, name);
            assert_eq!((scene.phase(), scene.code()), (Phase::PreApproved, Some(code)), "{name}");
            assert_eq!(scene.writes(), 0);
            off(&mut scene);
            scene.play();
            assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 1), "{name}");
            let accounts: Vec<_> = scene.record.executions.iter().map(|e| e.grant.account.as_str()).collect();
            assert_eq!(accounts, ["bwk-c0ffee00-p0", "bwk-c0ffee00-a1"], "never the revoked one again");
        }
    }
}

#[test]
fn a_proof_that_the_suspension_prevented_goes_back_too() {
    let mut scene = standard().until(Phase::Granting);
    scene.report(not_proved(0, Code::Suspended));
    scene.suspended = true;
    held(&mut scene, "suspended");
    assert_eq!(scene.phase(), Phase::PreApproved);
}

/// A write under way when the switch is thrown is resolved, never begun again while it is on.
#[test]
fn a_write_in_doubt_is_resolved_and_not_repeated_while_held() {
    for (name, on, off, _) in HOLDS {
        let mut scene = standard().until(Phase::Executing);
        scene.report(not_applied(0, Code::WriteUnclear));
        on(&mut scene);
        held(&mut scene, name);
        assert_eq!((scene.phase(), scene.writes()), (Phase::PreApproved, 0), "{name}");
        off(&mut scene);
        scene.play();
        assert_eq!((scene.phase(), scene.writes()), (Phase::Verifying, 1), "{name}");
    }
}

#[test]
fn watching_goes_on_while_held() {
    for (name, on, _, _) in HOLDS {
        let mut scene = standard().until(Phase::Verifying);
        on(&mut scene);
        scene.health = Some(Health::Healthy("all".into()));
        scene.play();
        assert!(scene.live_accounts().is_empty(), "{name}: revoked whatever else");
        scene.pass(30);
        scene.key = true;
        scene.play();
        assert_eq!(scene.phase(), Phase::Recovered, "{name}");
    }
}

#[test]
fn a_cluster_that_says_suspended_for_ever_does_not_grow_the_record_for_ever() {
    let mut scene = standard();
    for _ in 0..1000 {
        match scene.next() {
            Some(Effect::Arm { execution }) => scene.report(not_proved(execution, Code::Suspended)),
            Some(effect) => scene.answer(&effect),
            None => break,
        }
    }
    assert_eq!((scene.phase(), scene.code()), (Phase::Failed, Some(Code::Suspended)));
    assert!(scene.record.executions.len() <= 30 && scene.live_accounts().is_empty());
}

#[test]
fn no_way_back_is_begun_while_held_and_no_grant_for_it_is_left() {
    for (name, on, off, _) in HOLDS {
        for steps in 0..3 {
            let mut scene = standard().until(Phase::Verifying);
            scene.health = Some(Health::Worse("down".into()));
            scene = scene.until(Phase::RollingBack);
            for _ in 0..steps {
                let effect = scene.next().unwrap();
                scene.answer(&effect);
            }
            let written = scene.writes();
            on(&mut scene);
            held(&mut scene, name);
            assert_eq!(scene.phase(), Phase::RollingBack, "{name} after {steps}");
            off(&mut scene);
            scene.play().play();
            assert_eq!(scene.phase(), Phase::RolledBack, "{name} after {steps}");
            assert_eq!(scene.writes(), 1, "{name}: {written} before");
        }
    }
}
