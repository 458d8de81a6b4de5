//! Properties of `decide` and `fold` over arbitrary worlds and arbitrary answers.

use super::events::{Event, event, happen, stray};
use super::scene::*;
use crate::life::{Decision, DecisionKind, Effect, Phase, Record};
use crate::mandate::Outcome;
use proptest::prelude::*;

/// Written anew from the words of the design, not from the code under test.
fn may_write(scene: &Scene, record: &Record, execution: usize) -> bool {
    let Some(run) = record.executions.get(execution) else {
        return false;
    };
    let plan = if run.purpose == crate::life::Purpose::RollBack { &record.undo_plan } else { &record.plan };
    let Some(plan) = plan.as_ref().filter(|p| p.is_executable() && p.digest == run.digest) else {
        return false;
    };
    let held = scene.suspended || !scene.key || scene.fence.is_err() || !scene.namespace || !scene.territory;
    let fresh = run.attempts == 1
        && run.grant.revoked_at.is_none()
        && run.grant.proved_at.is_some()
        && run.started_at == Some(scene.now);
    if held || !fresh || run.outcome.is_some() {
        return false;
    }
    run.purpose == crate::life::Purpose::RollBack || allowed(scene, &plan.digest)
}

fn allowed(scene: &Scene, digest: &str) -> bool {
    let listed = |b: &&crate::life::world::Ballot| ["alice", "bob"].contains(&b.approver.as_str());
    let rejected = scene.ballots.iter().filter(listed).any(|b| b.decision == DecisionKind::Reject);
    let yes = scene.ballots.iter().filter(listed).any(|b| {
        b.decision == DecisionKind::Approve && b.digest == digest && scene.now.duration_since(b.at).as_secs() <= 3600
    });
    !rejected && scene.verdict.outcome != Outcome::Refused && (yes || scene.verdict.outcome == Outcome::PreApproved)
}

fn check(before: &Record, scene: &Scene, decision: &Decision) -> Result<(), TestCaseError> {
    let after = &decision.record;
    if before.phase.is_terminal() && after.phase != before.phase {
        prop_assert_eq!((before.phase, after.phase), (Phase::Failed, Phase::Recovered));
    }
    if after.phase.is_terminal() && after.phase != before.phase {
        prop_assert!(after.receipts.iter().any(|r| r.about == after.phase.as_str()));
        let grants = after.executions.iter().map(|e| &e.grant).chain(&after.planning);
        prop_assert!(grants.into_iter().all(|g| g.revoked_at.is_some()), "shown with live authority");
    }
    if let Some(effect) = &decision.effect {
        prop_assert!(announced(after, effect), "{:?} of {:#?}", effect, after);
        prop_assert_eq!(decision.recheck, None, "an effect is followed by its report, not by a wait");
        let may_act = !after.phase.is_terminal() || after.ending.is_some();
        prop_assert!(may_act, "{:?} after {}", effect, after.phase);
    }
    if let Some(Effect::Write { execution }) = decision.effect {
        prop_assert!(may_write(scene, after, execution), "{:#?}", after);
    }
    if let Some(Effect::Arm { execution }) = decision.effect {
        prop_assert!(after.executions[execution].grant.revoked_at.is_none());
        prop_assert!(!scene.suspended, "no new authority while suspended");
    }
    for (old, new) in before.executions.iter().zip(&after.executions) {
        prop_assert!(!old.is_applied() || old == new || old.grant.revoked_at.is_none(), "an applied execution changed");
        prop_assert!(new.attempts <= 1);
    }
    prop_assert!(after.executions.len() <= before.executions.len() + 1);
    Ok(())
}

/// Whatever an effect is about is in the record that is persisted before it runs.
fn announced(after: &Record, effect: &Effect) -> bool {
    let run = |n: &usize| after.executions.get(*n);
    let live = |account: &String| {
        let grants = after.executions.iter().map(|e| &e.grant).chain(&after.planning);
        grants.into_iter().any(|g| g.account == *account && g.revoked_at.is_none())
    };
    match effect {
        Effect::Plan { account } => after.planning.as_ref().is_some_and(|g| g.account == *account) && live(account),
        Effect::PlanUnconfirmed => after.phase == Phase::Proposed,
        Effect::PlanUndo { account } => after.phase == Phase::RollingBack && live(account),
        Effect::Revoke { account } => live(account),
        Effect::Arm { execution } => run(execution).is_some_and(|e| e.started_at.is_none() && e.outcome.is_none()),
        Effect::Write { execution } => run(execution).is_some_and(|e| e.started_at.is_some()),
        // Nothing can arrive any more when the world is asked whether it arrived.
        Effect::ReadBack { execution } => {
            run(execution).is_some_and(|e| e.started_at.is_some() && e.grant.revoked_at.is_some())
        }
        Effect::Receipt { about } => !after.receipts.iter().any(|r| r.about == *about),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_world_and_no_answer_makes_decide_overstep(events in prop::collection::vec(event(), 20..160), asks in any::<bool>()) {
        let mut scene = if asks { normal() } else { standard() };
        let mut pending = None;
        for event in &events {
            happen(&mut scene, &mut pending, event);
            if matches!(event, Event::Decide) {
                let before = scene.record.clone();
                let decision = scene.decide();
                check(&before, &scene, &decision)?;
                pending = decision.effect;
            }
        }
    }

    #[test]
    fn the_decision_depends_on_nothing_but_its_arguments(events in prop::collection::vec(event(), 20..80)) {
        let mut scene = standard();
        let mut pending = None;
        for event in &events {
            happen(&mut scene, &mut pending, event);
            let twice = [0, 1].map(|_| crate::life::decide(&scene.record, &scene.world()));
            prop_assert_eq!(&twice[0], &twice[1]);
            if matches!(event, Event::Decide) {
                pending = scene.decide().effect;
            }
        }
    }

    #[test]
    fn what_is_applied_stays_applied(events in prop::collection::vec(event(), 40..160), strays in prop::collection::vec((0..6usize, 0..3usize), 0..20)) {
        let mut scene = standard();
        let mut pending = None;
        for event in &events {
            happen(&mut scene, &mut pending, event);
            if matches!(event, Event::Decide) {
                pending = scene.decide().effect;
            }
        }
        let known: Vec<_> = scene.record.executions.iter().map(|e| e.applied_at).collect();
        for (kind, execution) in strays {
            scene.report(stray(kind, execution));
        }
        for (before, after) in known.iter().zip(&scene.record.executions) {
            prop_assert!(before.is_none() || *before == after.applied_at);
        }
    }
}
