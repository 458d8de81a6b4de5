//! While authority exists: proving the fence, the one write, watching, the way back.
//!
//! Owns the order of these steps. Must never ask for a write twice without a read-back in
//! between. No IO.

use super::decide::{Decision, Effect, POLL};
use super::ending::end;
use super::gate::{held_up, rejection, replan};
use super::world::World;
use super::{Execution, Phase, Purpose, Record, Verification};
use crate::mandate::{Limits, Outcome};
use crate::oracle::Health;
use crate::reason::{Code, Reason};
use jiff::SignedDuration;

/// How often one write may be begun; each after the first only when a read-back found it not done.
const MOST_ATTEMPTS: u32 = 3;

pub(super) fn granting(mut record: Record, world: &World<'_>) -> Decision {
    let Some(index) = record.executions.len().checked_sub(1) else {
        return end(
            record,
            Phase::Failed,
            Reason::plain(Code::PlanAltered),
            world,
        );
    };
    if let Some(outcome) = record.executions[index].outcome.clone() {
        return stopped(record, outcome, world);
    }
    if let Some(reason) = stop_reason(&record, world) {
        record.executions[index].outcome = Some(reason.clone());
        return stopped(record, reason, world);
    }
    if record.executions[index].grant.proved_at.is_some() {
        begin(&mut record.executions[index], world);
        record.enter(Phase::Executing, world.now, None);
        return Decision::act(record, Effect::Write { execution: index });
    }
    Decision::act(record, Effect::Arm { execution: index })
}

/// Records the intent to write.
fn begin(execution: &mut Execution, world: &World<'_>) {
    execution.started_at = Some(world.now);
    execution.attempts += 1;
}

/// What still stops a change whose authority is being made.
fn stop_reason(record: &Record, world: &World<'_>) -> Option<Reason> {
    if !world.namespace_alive {
        return Some(Reason::plain(Code::NamespaceGone));
    }
    if !world.in_territory {
        return Some(Reason::plain(Code::TerritoryWithdrawn));
    }
    if !record.plan.as_ref().is_some_and(|p| p.is_executable()) {
        return Some(Reason::plain(Code::PlanAltered));
    }
    if world.verdict.outcome == Outcome::Refused {
        return world
            .verdict
            .reasons
            .first()
            .cloned()
            .or_else(|| Some(Reason::plain(Code::RefusedByMandate)));
    }
    rejection(record, world).or_else(|| held_up(world))
}

/// An execution that ended before the write: where the Change goes from here.
fn stopped(mut record: Record, outcome: Reason, world: &World<'_>) -> Decision {
    match outcome.code {
        Code::Drifted | Code::TargetReplaced | Code::TargetMissing => replan(record, world),
        Code::Suspended | Code::FenceAbsent | Code::NoSigningKey => {
            let approved = record
                .verdict
                .as_ref()
                .is_some_and(|v| v.outcome == Outcome::PreApproved);
            let phase = if approved {
                Phase::PreApproved
            } else {
                Phase::Approved
            };
            record.enter(phase, world.now, Some(outcome));
            Decision::again(record)
        }
        Code::NamespaceGone | Code::TerritoryWithdrawn => {
            end(record, Phase::Cancelled, outcome, world)
        }
        Code::RejectedByHuman => end(record, Phase::Rejected, outcome, world),
        _ => end(record, Phase::Failed, outcome, world),
    }
}

pub(super) fn executing(mut record: Record, world: &World<'_>) -> Decision {
    let Some(index) = record.executions.len().checked_sub(1) else {
        return end(
            record,
            Phase::Failed,
            Reason::plain(Code::PlanAltered),
            world,
        );
    };
    let execution = &mut record.executions[index];
    match execution.outcome.clone() {
        Some(_) if execution.is_applied() => {
            record.enter(Phase::Verifying, world.now, None);
            Decision::again(record)
        }
        Some(outcome)
            if outcome.code == Code::WriteUnclear && execution.attempts < MOST_ATTEMPTS =>
        {
            // The read-back proved that nothing was written: prove the fence anew and try again.
            execution.outcome = None;
            execution.grant.proved_at = None;
            record.enter(Phase::Granting, world.now, Some(outcome));
            Decision::act(record, Effect::Arm { execution: index })
        }
        Some(outcome) => stopped(record, outcome, world),
        None => Decision::act(record, Effect::ReadBack { execution: index }),
    }
}

fn limits(record: &Record) -> Limits {
    record
        .verdict
        .as_ref()
        .map(|v| v.limits.clone())
        .unwrap_or_default()
}

fn seconds(n: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(n))
}

/// Notes what the oracle says and returns how long it has held.
pub(super) fn observe(record: &mut Record, world: &World<'_>) -> Option<SignedDuration> {
    let mut seen = record.verification.clone().unwrap_or_default();
    let (healthy, text) = match world.health.as_ref()? {
        Health::Healthy(text) => (true, text.clone()),
        Health::NotYet(text) | Health::Worse(text) => (false, text.clone()),
        Health::Vanished => (false, "the object is gone".to_owned()),
    };
    seen.holding_since = if healthy {
        seen.holding_since.or(Some(world.now))
    } else {
        None
    };
    if seen.observed != text || seen.at.is_none() {
        seen = Verification {
            observed: text,
            at: Some(world.now),
            ..seen
        };
    }
    let held = seen
        .holding_since
        .map(|since| world.now.duration_since(since));
    record.verification = Some(seen);
    held
}

pub(super) fn verifying(mut record: Record, world: &World<'_>) -> Decision {
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    let limits = limits(&record);
    let applied = record
        .executions
        .iter()
        .rev()
        .find(|e| e.purpose == Purpose::Apply)
        .and_then(|e| e.applied_at);
    let Some(applied) = applied else {
        return end(
            record,
            Phase::Failed,
            Reason::plain(Code::WriteUnclear),
            world,
        );
    };
    let held = observe(&mut record, world);
    if let Some(held) = held {
        let left = seconds(limits.hold_seconds) - held;
        if left <= SignedDuration::ZERO {
            return end(record, Phase::Recovered, Reason::plain(Code::Held), world);
        }
        return Decision::wait(record, left.min(POLL));
    }
    let seen = record
        .verification
        .as_ref()
        .map(|v| v.observed.clone())
        .unwrap_or_default();
    if matches!(world.health, Some(Health::Vanished)) {
        return end(
            record,
            Phase::Failed,
            Reason::plain(Code::TargetVanished),
            world,
        );
    }
    if matches!(world.health, Some(Health::Worse(_))) {
        return way_back(record, Reason::new(Code::GotWorse, seen), world);
    }
    let left = seconds(limits.recovery_window_seconds) - world.now.duration_since(applied);
    if left <= SignedDuration::ZERO {
        let why = format!(
            "not recovered {} s after the write: {seen}",
            limits.recovery_window_seconds
        );
        return way_back(record, Reason::new(Code::WindowEnded, why), world);
    }
    Decision::wait(record, left.min(POLL))
}

fn way_back(mut record: Record, reason: Reason, world: &World<'_>) -> Decision {
    let undoable = record.plan.as_ref().is_some_and(|p| p.undoable);
    let execution = record
        .new_execution(Purpose::RollBack, world)
        .filter(|_| undoable);
    let Some(execution) = execution else {
        return end(record, Phase::Failed, reason, world);
    };
    record.executions.push(execution);
    record.enter(Phase::RollingBack, world.now, Some(reason));
    Decision::again(record)
}

pub(super) fn rolling_back(mut record: Record, world: &World<'_>) -> Decision {
    let Some(index) = record
        .executions
        .iter()
        .rposition(|e| e.purpose == Purpose::RollBack)
    else {
        return end(
            record,
            Phase::Failed,
            Reason::plain(Code::RollbackFailed),
            world,
        );
    };
    if record.executions[index].outcome.is_some() {
        return rolled_back(record, index, world);
    }
    if record.executions[index].started_at.is_some() {
        return Decision::act(record, Effect::ReadBack { execution: index });
    }
    if !world.namespace_alive || !world.in_territory {
        record.executions[index].outcome = Some(Reason::plain(Code::TerritoryWithdrawn));
        return rolled_back(record, index, world);
    }
    if held_up(world).is_some() {
        return Decision::wait(record, POLL);
    }
    if record.undo_plan.is_none() {
        let account = record.executions[index].grant.account.clone();
        return Decision::act(record, Effect::PlanUndo { account });
    }
    if record.executions[index].grant.proved_at.is_none() {
        return Decision::act(record, Effect::Arm { execution: index });
    }
    begin(&mut record.executions[index], world);
    Decision::act(record, Effect::Write { execution: index })
}

fn rolled_back(mut record: Record, index: usize, world: &World<'_>) -> Decision {
    if let Some(account) = record.unrevoked() {
        return Decision::act(record, Effect::Revoke { account });
    }
    let execution = &mut record.executions[index];
    let why = execution
        .outcome
        .clone()
        .unwrap_or_else(|| Reason::plain(Code::WriteUnclear));
    if execution.is_applied() {
        let receipted = record.receipts.iter().any(|r| r.about == "RollBack");
        if !receipted && world.can_sign {
            return Decision::act(
                record,
                Effect::Receipt {
                    about: "RollBack".to_owned(),
                },
            );
        }
        let cause = record.reason.clone().map(|r| r.message).unwrap_or_default();
        return end(
            record,
            Phase::RolledBack,
            Reason::new(
                Code::RolledBack,
                format!("the previous state was put back: {cause}"),
            ),
            world,
        );
    }
    if why.code == Code::Suspended
        || (why.code == Code::WriteUnclear && execution.attempts < MOST_ATTEMPTS)
    {
        let fresh = record.new_execution(Purpose::RollBack, world);
        if let Some(fresh) = fresh {
            record.undo_plan = None;
            record.executions.push(fresh);
            return Decision::wait(record, POLL);
        }
    }
    end(
        record,
        Phase::Failed,
        Reason::new(Code::RollbackFailed, why.to_string()),
        world,
    )
}
