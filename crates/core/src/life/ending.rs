//! How a Change ends: authority gone, receipt written, only then the phase is shown.
//!
//! Owns the order of these three. Must never show a terminal phase without its receipt. No IO.

use super::decide::{Decision, Effect, POLL};
use super::verifying::observe;
use super::world::World;
use super::{Phase, Purpose, Record, Transition};
use crate::reason::{Code, Reason};
use jiff::SignedDuration;

/// Decides that the Change ends, and takes the first step of it.
pub(super) fn end(mut record: Record, phase: Phase, reason: Reason, world: &World<'_>) -> Decision {
    let ending = Transition { phase, at: world.now, reason: Some(reason) };
    record.ending = Some(ending.clone());
    for execution in record.executions.iter_mut().filter(|e| e.outcome.is_none()) {
        execution.outcome.clone_from(&ending.reason);
    }
    finish(record, &ending, world)
}

/// Revokes what is left, then asks for the receipt, then shows the phase.
pub(super) fn finish(mut record: Record, ending: &Transition, world: &World<'_>) -> Decision {
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    let about = ending.phase.as_str();
    if record.receipts.iter().any(|r| r.about == about) {
        record.ending = None;
        record.enter(ending.phase, ending.at, ending.reason.clone());
        return if ending.phase == Phase::Failed { Decision::again(record) } else { Decision::rest(record) };
    }
    if !world.can_sign {
        record.reason = Some(Reason::plain(Code::NoSigningKey));
        return Decision::wait(record, POLL);
    }
    Decision::act(record, Effect::Receipt { about: about.to_owned() })
}

/// A failed Change whose workload recovers after all is recorded as recovered late.
pub(super) fn late(mut record: Record, world: &World<'_>) -> Decision {
    let put_back = record.executions.iter().any(|e| e.purpose == Purpose::RollBack && e.is_applied());
    let applied = record.executions.iter().rev().find(|e| e.purpose == Purpose::Apply).and_then(|e| e.applied_at);
    let Some(applied) = applied.filter(|_| !put_back) else {
        return Decision::rest(record);
    };
    let limits = record.verdict.as_ref().map(|v| v.limits.clone()).unwrap_or_default();
    let left = SignedDuration::from_secs(i64::from(limits.late_recovery_seconds)) - world.now.duration_since(applied);
    if left <= SignedDuration::ZERO {
        return Decision::rest(record);
    }
    let hold = SignedDuration::from_secs(i64::from(limits.hold_seconds));
    match observe(&mut record, world) {
        Some(held) if held >= hold => {
            let seconds = world.now.duration_since(applied).as_secs();
            let why = format!("recovered {seconds} s after the write, after it was recorded as failed");
            end(record, Phase::Recovered, Reason::new(Code::HeldLate, why), world)
        }
        Some(held) => Decision::wait(record, (hold - held).min(POLL)),
        None => Decision::wait(record, left.min(POLL)),
    }
}
