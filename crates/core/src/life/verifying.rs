//! After the write: watching, and the way back.
//!
//! Owns the order of these steps. Must never judge by what was not observed: without an
//! observation nothing is held, nothing is put back. No IO.

use super::decide::{Decision, Effect, POLL};
use super::ending::end;
use super::gate::{held_up, withdrawn};
use super::running::{Begun, MOST_DOUBTS, MOST_EXECUTIONS, begin, doubts, resolve};
use super::world::World;
use super::{Phase, Purpose, Record, Verification};
use crate::mandate::Limits;
use crate::oracle::Health;
use crate::reason::{Code, Reason};
use jiff::SignedDuration;

fn limits(record: &Record) -> Limits {
    let recorded = record.verdict.as_ref().map(|v| v.limits.clone());
    recorded.unwrap_or_default()
}

fn seconds(n: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(n))
}

/// Notes what the oracle says and returns how long it has held. Where nothing could be observed
/// nothing is known to have held.
pub(super) fn observe(record: &mut Record, world: &World<'_>) -> Option<SignedDuration> {
    let mut seen = record.verification.clone().unwrap_or_default();
    let (healthy, text) = match &world.health {
        None => {
            seen.holding_since = None;
            record.verification = record.verification.take().map(|_| seen);
            return None;
        }
        Some(Health::Healthy(text)) => (true, text.clone()),
        Some(Health::NotYet(text) | Health::Blocked(text) | Health::Worse(text)) => (false, text.clone()),
        Some(Health::Vanished) => (false, "the object is gone".to_owned()),
    };
    seen.holding_since = if healthy { seen.holding_since.or(Some(world.now)) } else { None };
    if seen.observed != text || seen.at.is_none() {
        seen = Verification { observed: text, at: Some(world.now), ..seen };
    }
    let held = seen.holding_since.map(|since| world.now.duration_since(since));
    record.verification = Some(seen);
    held
}

pub(super) fn verifying(mut record: Record, world: &World<'_>) -> Decision {
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    if !world.namespace_alive {
        let reason = Reason::plain(Code::NamespaceGone);
        return end(record, Phase::Cancelled, reason, world);
    }
    let mut writes = record.executions.iter().rev();
    let applied = writes.find(|e| e.purpose == Purpose::Apply);
    let Some(applied) = applied.and_then(|e| e.applied_at) else {
        let reason = Reason::plain(Code::WriteUnclear);
        return end(record, Phase::Failed, reason, world);
    };
    let limits = limits(&record);
    if let Some(held) = observe(&mut record, world) {
        let left = seconds(limits.hold_seconds) - held;
        if left <= SignedDuration::ZERO {
            return end(record, Phase::Recovered, Reason::plain(Code::Held), world);
        }
        return Decision::wait(record, left.min(POLL));
    }
    let window = seconds(limits.recovery_window_seconds) - world.now.duration_since(applied);
    not_healthy(record, window, &limits, world)
}

/// What follows while the workload is not seen healthy; `window` is what is left of the time.
fn not_healthy(record: Record, window: SignedDuration, limits: &Limits, world: &World<'_>) -> Decision {
    let over = window <= SignedDuration::ZERO;
    let within = limits.recovery_window_seconds;
    let lasted = seconds(within) - window;
    match &world.health {
        Some(Health::Vanished) => {
            let reason = Reason::plain(Code::TargetVanished);
            end(record, Phase::Failed, reason, world)
        }
        // Putting the former content back would not help that pod either; the way on is another change.
        Some(Health::Blocked(seen)) if over || lasted >= seconds(limits.hold_seconds) => {
            let reason = Reason::new(Code::PodInTheWay, seen.clone());
            end(record, Phase::Failed, reason, world)
        }
        Some(Health::Worse(seen)) => {
            let reason = Reason::new(Code::GotWorse, seen.clone());
            way_back(record, reason, world)
        }
        Some(Health::NotYet(seen) | Health::Healthy(seen)) if over => {
            let why = format!("not recovered {within} s after the write: {seen}");
            way_back(record, Reason::new(Code::WindowEnded, why), world)
        }
        // Nothing is put back unseen; people are told.
        None if window + seconds(limits.late_recovery_seconds) <= SignedDuration::ZERO => {
            let why = format!("nothing could be observed {within} s after the write and later");
            end(record, Phase::Failed, Reason::new(Code::WindowEnded, why), world)
        }
        Some(Health::NotYet(_) | Health::Blocked(_) | Health::Healthy(_)) => Decision::wait(record, window.min(POLL)),
        None => Decision::wait(record, POLL),
    }
}

fn way_back(mut record: Record, reason: Reason, world: &World<'_>) -> Decision {
    let undoable = record.plan.as_ref().is_some_and(|p| p.undoable);
    let execution = record.new_execution(Purpose::RollBack, world);
    let Some(execution) = execution.filter(|_| undoable) else {
        return end(record, Phase::Failed, reason, world);
    };
    record.undo_plan = None;
    record.executions.push(execution);
    record.enter(Phase::RollingBack, world.now, Some(reason));
    Decision::again(record)
}

pub(super) fn rolling_back(mut record: Record, world: &World<'_>) -> Decision {
    let mut backwards = record.executions.iter();
    let Some(index) = backwards.rposition(|e| e.purpose == Purpose::RollBack) else {
        let reason = Reason::plain(Code::RollbackFailed);
        return end(record, Phase::Failed, reason, world);
    };
    let execution = &mut record.executions[index];
    if execution.started_at.is_some() {
        return match resolve(execution, index) {
            Begun::Doubt(effect) => Decision::act(record, effect),
            Begun::Known(outcome) => rolled_back(record, index, outcome, world),
        };
    }
    match execution.outcome.clone() {
        Some(outcome) => rolled_back(record, index, outcome, world),
        None => approach(record, index, world),
    }
}

/// The steps up to the write that puts the previous state back.
fn approach(mut record: Record, index: usize, world: &World<'_>) -> Decision {
    if let Some((phase, reason)) = withdrawn(&record, world) {
        let ends = phase == Phase::Cancelled && reason.code == Code::NamespaceGone;
        record.executions[index].outcome = Some(reason.clone());
        return if ends { end(record, phase, reason, world) } else { rolled_back(record, index, reason, world) };
    }
    let grant = &record.executions[index].grant;
    let (account, revoked) = (grant.account.clone(), grant.revoked_at.is_some());
    let (proved, digest) = (grant.proved_at.is_some(), record.executions[index].digest.clone());
    match (held_up(world).is_some(), revoked) {
        // A wait may last for ever, so nothing is left armed, not even what a crash forgot.
        (true, false) => return Decision::act(record, Effect::Revoke { account }),
        (true, true) => return Decision::wait(record, POLL),
        (false, true) => {
            let reason = Reason::plain(Code::Suspended);
            record.executions[index].outcome = Some(reason.clone());
            return rolled_back(record, index, reason, world);
        }
        (false, false) => {}
    }
    match &record.undo_plan {
        None => Decision::act(record, Effect::PlanUndo { account }),
        Some(plan) if !plan.is_executable() || plan.digest != digest => {
            let reason = Reason::plain(Code::PlanAltered);
            record.executions[index].outcome = Some(reason.clone());
            rolled_back(record, index, reason, world)
        }
        Some(_) if !proved => Decision::act(record, Effect::Arm { execution: index }),
        Some(_) => {
            begin(&mut record.executions[index], world);
            Decision::act(record, Effect::Write { execution: index })
        }
    }
}

/// A rollback's execution that ended: receipted, tried again, or given up.
fn rolled_back(mut record: Record, index: usize, outcome: Reason, world: &World<'_>) -> Decision {
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    if record.executions[index].is_applied() {
        return put_back(record, world);
    }
    let held = matches!(outcome.code, Code::Suspended | Code::FenceAbsent | Code::NoSigningKey);
    let in_doubt = matches!(outcome.code, Code::WriteUnclear | Code::Drifted);
    let again = held || (in_doubt && doubts(&record, Purpose::RollBack) < MOST_DOUBTS);
    let again = again && record.executions.len() < MOST_EXECUTIONS;
    let fresh = record.new_execution(Purpose::RollBack, world);
    if let Some(fresh) = fresh.filter(|_| again) {
        record.undo_plan = None;
        record.executions.push(fresh);
        return Decision::wait(record, POLL);
    }
    let reason = Reason::new(Code::RollbackFailed, outcome.to_string());
    end(record, Phase::Failed, reason, world)
}

/// The previous state is back: the execution gets its own receipt before the Change ends.
fn put_back(mut record: Record, world: &World<'_>) -> Decision {
    const ABOUT: &str = "RollBack";
    if !record.receipts.iter().any(|r| r.about == ABOUT) {
        if !world.can_sign {
            record.reason = Some(Reason::plain(Code::NoSigningKey));
            return Decision::wait(record, POLL);
        }
        let about = ABOUT.to_owned();
        return Decision::act(record, Effect::Receipt { about });
    }
    let entered = record.timeline.iter().rev();
    let mut causes = entered.filter(|t| t.phase == Phase::RollingBack);
    let cause = causes.next().and_then(|t| t.reason.as_ref());
    let why = format!("the previous state was put back: {}", cause.map(|r| r.message.as_str()).unwrap_or_default());
    let reason = Reason::new(Code::RolledBack, why);
    end(record, Phase::RolledBack, reason, world)
}
