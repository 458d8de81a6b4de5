//! While authority exists: proving the fence and the one write.
//!
//! Owns the order of these steps. Must never begin a write twice in one execution, and never
//! conclude that a doubtful write did not happen before its authority was seen revoked: until
//! then a request that is still under way may arrive. No IO.

use super::ballots::authority;
use super::decide::{Decision, Effect, POLL};
use super::ending::end;
use super::gate::{Look, ask_people, held_up, look, replan, withdrawn};
use super::world::World;
use super::{Execution, Phase, Purpose, Record};
use crate::reason::{Code, Reason};

/// How many executions of one purpose may end in doubt before the Change is given up.
pub(super) const MOST_DOUBTS: usize = 3;

/// How many executions one Change may have at all, however often it was suspended meanwhile: the
/// record must stay small.
pub(super) const MOST_EXECUTIONS: usize = 30;

pub(super) fn granting(mut record: Record, world: &World<'_>) -> Decision {
    let Some(index) = record.executions.len().checked_sub(1) else {
        let reason = Reason::plain(Code::PlanAltered);
        return end(record, Phase::Failed, reason, world);
    };
    if let Some(outcome) = record.executions[index].outcome.clone() {
        return stopped(record, outcome, world);
    }
    if let Some((next, reason)) = stop(&mut record, index, world) {
        record.executions[index].outcome = Some(reason.clone());
        return go(record, next, reason, world);
    }
    if look(&record, world) == Look::Unseen {
        return Decision::wait(record, POLL);
    }
    if record.executions[index].grant.proved_at.is_none() {
        return Decision::act(record, Effect::Arm { execution: index });
    }
    begin(&mut record.executions[index], world);
    record.enter(Phase::Executing, world.now, None);
    Decision::act(record, Effect::Write { execution: index })
}

/// Records the intent to write.
pub(super) fn begin(execution: &mut Execution, world: &World<'_>) {
    execution.started_at = Some(world.now);
    execution.attempts = execution.attempts.saturating_add(1);
}

/// Where a Change goes whose execution ended before its write was known to have happened.
enum Next {
    /// To this terminal phase.
    End(Phase),
    /// Back to planning.
    Replan,
    /// Back to where authority is checked anew and a new execution begins.
    Ready,
    /// To the people.
    Ask,
}

/// What still stops a change whose authority is being made.
fn stop(record: &mut Record, index: usize, world: &World<'_>) -> Option<(Next, Reason)> {
    if let Some((phase, reason)) = withdrawn(record, world) {
        return Some((Next::End(phase), reason));
    }
    let digest = record.executions[index].digest.as_str();
    let ours = |p: &crate::plan::Plan| p.is_executable() && p.digest == digest;
    if !record.plan.as_ref().is_some_and(ours) {
        return Some((Next::End(Phase::Failed), Reason::plain(Code::PlanAltered)));
    }
    match authority(record, world) {
        Ok(()) => {}
        Err((Phase::AwaitingApproval, reason)) => return Some((Next::Ask, reason)),
        Err((phase, reason)) => return Some((Next::End(phase), reason)),
    }
    if look(record, world) == Look::Moved {
        return Some((Next::Replan, Reason::plain(Code::Drifted)));
    }
    held_up(world).map(|reason| (Next::Ready, reason))
}

/// Goes where the outcome of an unapplied execution leads; what is not named here is a failure.
fn stopped(record: Record, outcome: Reason, world: &World<'_>) -> Decision {
    let is_one_of = |codes: &[Code]| codes.contains(&outcome.code);
    let in_doubt = outcome.code == Code::WriteUnclear && doubts(&record, Purpose::Apply) < MOST_DOUBTS;
    let next = if is_one_of(&[Code::Drifted, Code::TargetReplaced, Code::TargetMissing]) {
        Next::Replan
    } else if in_doubt || is_one_of(&[Code::Suspended, Code::FenceAbsent, Code::NoSigningKey]) {
        Next::Ready
    } else if is_one_of(&[Code::NamespaceGone, Code::TerritoryWithdrawn]) {
        Next::End(Phase::Cancelled)
    } else if outcome.code == Code::RejectedByHuman {
        Next::End(Phase::Rejected)
    } else {
        Next::End(Phase::Failed)
    };
    go(record, next, outcome, world)
}

fn go(mut record: Record, next: Next, reason: Reason, world: &World<'_>) -> Decision {
    match next {
        Next::End(phase) => end(record, phase, reason, world),
        Next::Replan => replan(record, world),
        Next::Ask => ask_people(record, reason, world),
        Next::Ready => {
            let phase = if record.pre_approved() { Phase::PreApproved } else { Phase::Approved };
            record.enter(phase, world.now, Some(reason));
            Decision::again(record)
        }
    }
}

/// How many executions of this purpose ended without it being known at first whether they wrote.
pub(super) fn doubts(record: &Record, purpose: Purpose) -> usize {
    let unclear = |e: &&Execution| {
        let code = e.outcome.as_ref().map(|o| o.code);
        e.purpose == purpose && matches!(code, Some(Code::WriteUnclear | Code::Drifted))
    };
    record.executions.iter().filter(unclear).count()
}

/// What is to be done about a write that was begun.
pub(super) enum Begun {
    /// It is known how it ended.
    Known(Reason),
    /// This effect brings it nearer to being known.
    Doubt(Effect),
}

/// Resolves a begun write: first its authority is taken away, so that nothing can arrive any
/// more, then the world is asked whether it arrived.
pub(super) fn resolve(execution: &mut Execution, index: usize) -> Begun {
    let revoked = execution.grant.revoked_at.is_some();
    let doubtful = execution.outcome.as_ref().is_some_and(|o| is_doubtful(o.code));
    if doubtful && !revoked && !execution.is_applied() {
        execution.outcome = None;
    }
    match (&execution.outcome, revoked) {
        (Some(outcome), _) => Begun::Known(outcome.clone()),
        (None, false) => Begun::Doubt(Effect::Revoke { account: execution.grant.account.clone() }),
        (None, true) => Begun::Doubt(Effect::ReadBack { execution: index }),
    }
}

/// Outcomes that were read from the target and not from a reply to the write itself.
const fn is_doubtful(code: Code) -> bool {
    matches!(code, Code::WriteUnclear | Code::Drifted | Code::TargetMissing | Code::TargetReplaced | Code::TargetExists)
}

pub(super) fn executing(mut record: Record, world: &World<'_>) -> Decision {
    let Some(index) = record.executions.len().checked_sub(1) else {
        let reason = Reason::plain(Code::PlanAltered);
        return end(record, Phase::Failed, reason, world);
    };
    match resolve(&mut record.executions[index], index) {
        Begun::Doubt(effect) => Decision::act(record, effect),
        Begun::Known(_) if record.executions[index].is_applied() => {
            record.enter(Phase::Verifying, world.now, None);
            Decision::again(record)
        }
        Begun::Known(outcome) => stopped(record, outcome, world),
    }
}
