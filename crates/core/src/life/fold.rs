//! Folds what an effect reported into the record.
//!
//! Owns the meaning of every report. Must never turn a doubt into an acknowledgement. No IO.

use super::{Execution, Phase, Purpose, ReceiptRef, Record, Transition};
use crate::plan::Plan;
use crate::reason::{Code, Reason};
use jiff::Timestamp;

/// What an effect found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A plan was made (by dry run, or for show, or of the way back).
    Planned(Box<Plan>),
    /// No plan can be made.
    PlanRefused(Reason),
    /// The fence was seen to hold for the execution; what the API server said to the forbidden write.
    Proved {
        /// Index of the execution.
        execution: usize,
        /// The API server's refusal.
        refusal: String,
    },
    /// The fence was not seen to hold, or the real request no longer passes.
    NotProved {
        /// Index of the execution.
        execution: usize,
        /// Why.
        reason: Reason,
    },
    /// The write is acknowledged, or the read-back found it.
    Applied {
        /// Index of the execution.
        execution: usize,
        /// How it is known: `Written`, `FoundWritten` or `FoundGone`.
        code: Code,
        /// The object's resourceVersion after the write, where there is an object.
        resource_version: Option<String>,
        /// The object's generation after the write, where its kind has one.
        generation: Option<i64>,
    },
    /// The write did not happen.
    NotApplied {
        /// Index of the execution.
        execution: usize,
        /// Why; `WriteUnclear` where a lost request was proved not to have arrived.
        reason: Reason,
    },
    /// An account's authority is gone.
    Revoked {
        /// The account.
        account: String,
    },
    /// A receipt exists.
    Receipted(ReceiptRef),
}

/// Folds a report into the record.
#[must_use]
pub fn fold(record: &Record, report: Report, now: Timestamp) -> Record {
    let mut next = record.clone();
    match report {
        Report::Planned(plan) => planned(&mut next, *plan, now),
        Report::PlanRefused(reason) => plan_refused(&mut next, reason, now),
        Report::Proved { execution, refusal } => with(&mut next, execution, Step::Arming, |e| {
            e.grant.proved_at = Some(now);
            e.grant.proof = Some(refusal.chars().take(1000).collect());
        }),
        Report::NotProved { execution, reason } => {
            with(&mut next, execution, Step::Arming, |e| e.outcome = Some(reason));
        }
        Report::NotApplied { execution, reason } => {
            with(&mut next, execution, Step::Writing, |e| e.outcome = Some(reason));
        }
        Report::Applied { execution, code, resource_version, generation } => {
            with(&mut next, execution, Step::Writing, |e| {
                e.applied_at = Some(now);
                e.resource_version = resource_version;
                e.generation = generation;
                e.outcome = Some(Reason::plain(code));
            })
        }
        Report::Revoked { account } => {
            let executions = next.executions.iter_mut().map(|e| &mut e.grant);
            for grant in executions.chain(next.planning.iter_mut()).filter(|g| g.account == account) {
                grant.revoked_at = grant.revoked_at.or(Some(now));
            }
        }
        Report::Receipted(receipt) => {
            if !next.receipts.iter().any(|r| r.about == receipt.about) {
                next.receipts.push(receipt);
            }
        }
    }
    next
}

/// Which part of an execution a report is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Before the write was begun, while nothing has ended the execution.
    Arming,
    /// Once it was begun.
    Writing,
}

/// Applies a report to the execution, unless it comes too late to mean anything: an acknowledged
/// write is never taken back, and no proof of the fence says anything about a write.
fn with(record: &mut Record, index: usize, step: Step, change: impl FnOnce(&mut Execution)) {
    let timely = |e: &Execution| match step {
        Step::Arming => e.started_at.is_none() && e.outcome.is_none(),
        Step::Writing => e.started_at.is_some(),
    };
    let execution = record.executions.get_mut(index);
    if let Some(execution) = execution.filter(|e| !e.is_applied() && timely(e)) {
        change(execution);
    }
}

/// The execution that a plan of the way back is for.
fn returning(record: &mut Record) -> Option<&mut Execution> {
    let last = record.executions.last_mut();
    last.filter(|e| e.purpose == Purpose::RollBack && e.started_at.is_none() && e.outcome.is_none())
}

/// Takes a plan where one was asked for; a plan that comes later replaces nothing.
fn planned(record: &mut Record, plan: Plan, now: Timestamp) {
    if record.ending.is_some() {
        return;
    }
    if record.phase == Phase::RollingBack && record.undo_plan.is_none() {
        if let Some(execution) = returning(record) {
            execution.digest.clone_from(&plan.digest);
            record.undo_plan = Some(plan);
        }
        return;
    }
    if record.phase != Phase::Proposed {
        return;
    }
    let confirmed = plan.is_executable();
    record.plan = Some(plan);
    if confirmed {
        if let Some(grant) = &mut record.planning {
            grant.proved_at = Some(now);
        }
        record.enter(Phase::Planned, now, None);
    }
}

fn plan_refused(record: &mut Record, reason: Reason, now: Timestamp) {
    if record.ending.is_some() {
        return;
    }
    if record.phase == Phase::RollingBack && record.undo_plan.is_none() {
        if let Some(execution) = returning(record) {
            execution.outcome = Some(reason);
        }
        return;
    }
    // What only holds everything up refuses nothing: the next decision waits, or plans again.
    if matches!(reason.code, Code::Suspended | Code::FenceAbsent | Code::NoSigningKey) {
        return;
    }
    // Without a planning grant the plan was for show only: the Change is refused anyway, for the
    // verdict's reason.
    if record.phase == Phase::Proposed && record.planning.is_some() {
        record.ending = Some(Transition { phase: Phase::Refused, at: now, reason: Some(reason) });
    }
}
