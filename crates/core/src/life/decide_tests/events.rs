//! Arbitrary events for the properties: answers good, bad and stray, and turns of the world.
//!
//! Owns the generator.

use super::scene::*;
use crate::life::world::TargetNow;
use crate::life::{DecisionKind, Effect, Report};
use crate::mandate::Outcome;
use crate::oracle::Health;
use crate::reason::{Code, Reason};
use proptest::prelude::*;

/// Something that happens to a Change or to the world around it.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Decide,
    AnswerWell,
    AnswerBadly(usize),
    Stray(usize, usize),
    Suspend(bool),
    Key(bool),
    Fence(bool),
    Territory(bool),
    Namespace(bool),
    Verdict(usize),
    Vote(usize, bool, bool),
    Target(usize),
    Health(usize),
    Time(i64),
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => Just(Event::Decide),
        12 => Just(Event::AnswerWell),
        3 => (0..8usize).prop_map(Event::AnswerBadly),
        2 => (0..6usize, 0..3usize).prop_map(|(a, b)| Event::Stray(a, b)),
        1 => any::<bool>().prop_map(Event::Suspend),
        1 => any::<bool>().prop_map(Event::Key),
        1 => any::<bool>().prop_map(Event::Fence),
        1 => prop::bool::weighted(0.8).prop_map(Event::Territory),
        1 => prop::bool::weighted(0.9).prop_map(Event::Namespace),
        1 => (0..3usize).prop_map(Event::Verdict),
        4 => (0..4usize, prop::bool::weighted(0.9), any::<bool>()).prop_map(|(w, y, d)| Event::Vote(w, y, d)),
        1 => (0..4usize).prop_map(Event::Target),
        4 => (0..6usize).prop_map(Event::Health),
        3 => (-10i64..2000).prop_map(Event::Time),
    ]
}

const CODES: [Code; 8] = [
    Code::WriteUnclear,
    Code::WriteRefused,
    Code::Drifted,
    Code::Suspended,
    Code::FenceUnproved,
    Code::TargetMissing,
    Code::GrantForged,
    Code::NoUndo,
];

fn worse(effect: &Effect, code: Code) -> Option<Report> {
    match effect {
        Effect::Plan { .. } | Effect::PlanUnconfirmed | Effect::PlanUndo { .. } => {
            Some(Report::PlanRefused(Reason::plain(code)))
        }
        Effect::Arm { execution } => Some(not_proved(*execution, code)),
        Effect::Write { execution } | Effect::ReadBack { execution } => Some(not_applied(*execution, code)),
        Effect::Revoke { .. } | Effect::Receipt { .. } => None,
    }
}

pub(super) fn stray(kind: usize, execution: usize) -> Report {
    match kind {
        0 => Report::Planned(Box::new(plan("stray"))),
        1 => Report::PlanRefused(Reason::plain(Code::DryRunRefused)),
        2 => not_proved(execution, Code::Drifted),
        3 => not_applied(execution, Code::WriteUnclear),
        4 => Report::Revoked { account: "bwk-other".into() },
        _ => Report::Proved { execution, refusal: "stray".into() },
    }
}

/// Lets an event happen.
pub(super) fn happen(scene: &mut Scene, pending: &mut Option<Effect>, event: &Event) {
    match event {
        Event::Decide => {}
        Event::AnswerWell => {
            if let Some(effect) = pending.take() {
                scene.answer(&effect);
            }
        }
        Event::AnswerBadly(code) => {
            if let Some(report) = pending.take().and_then(|e| worse(&e, CODES[*code])) {
                scene.report(report);
            }
        }
        Event::Stray(kind, execution) => scene.report(stray(*kind, *execution)),
        Event::Vote(who, yes, current) => vote(scene, *who, *yes, *current),
        Event::Time(seconds) => scene.pass(*seconds),
        other => turn(scene, other),
    }
}

fn vote(scene: &mut Scene, who: usize, yes: bool, current: bool) {
    let decision = if yes { DecisionKind::Approve } else { DecisionKind::Reject };
    let ballot = scene.vote(["alice", "bob", "mallory", OPERATOR][who], decision);
    if !current {
        ballot.digest = "other".into();
    }
}

/// Turns one switch of the world.
fn turn(scene: &mut Scene, event: &Event) {
    const OUTCOMES: [Outcome; 3] = [Outcome::PreApproved, Outcome::NeedsApproval, Outcome::Refused];
    match event {
        Event::Suspend(on) => scene.suspended = *on,
        Event::Key(on) => scene.key = *on,
        Event::Fence(true) => scene.fence = Ok(()),
        Event::Fence(false) => scene.fence = Err(Reason::plain(Code::FenceAbsent)),
        Event::Territory(on) => scene.territory = *on,
        Event::Namespace(on) => scene.namespace = *on,
        Event::Verdict(n) => scene.verdict = verdict(OUTCOMES[*n]),
        Event::Target(0) => scene.target = TargetNow::Unknown,
        Event::Target(1) => scene.target = TargetNow::Absent,
        Event::Target(n) => scene.target = TargetNow::Present(format!("f{}", n - 2)),
        Event::Health(0) => scene.health = None,
        Event::Health(1) => scene.health = Some(Health::Healthy("all".into())),
        Event::Health(2) => scene.health = Some(Health::NotYet("some".into())),
        Event::Health(3) => scene.health = Some(Health::Worse("fewer".into())),
        Event::Health(4) => scene.health = Some(Health::Blocked("one".into())),
        Event::Health(_) => scene.health = Some(Health::Vanished),
        _ => {}
    }
}
