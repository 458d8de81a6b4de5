//! Folds what an effect reported into the record.
//!
//! Owns the meaning of every report. Must never turn a doubt into an acknowledgement. No IO.

use super::{Execution, Phase, ReceiptRef, Record, Transition};
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
        Report::Proved { execution, refusal } => with(&mut next, execution, |e| {
            e.grant.proved_at = Some(now);
            e.grant.proof = Some(refusal.chars().take(1000).collect());
        }),
        Report::NotProved { execution, reason } | Report::NotApplied { execution, reason } => {
            with(&mut next, execution, |e| e.outcome = Some(reason));
        }
        Report::Applied {
            execution,
            code,
            resource_version,
            generation,
        } => with(&mut next, execution, |e| {
            e.applied_at = Some(now);
            e.resource_version = resource_version;
            e.generation = generation;
            e.outcome = Some(Reason::plain(code));
        }),
        Report::Revoked { account } => {
            let executions = next.executions.iter_mut().map(|e| &mut e.grant);
            for grant in executions
                .chain(next.planning.iter_mut())
                .filter(|g| g.account == account)
            {
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

fn with(record: &mut Record, index: usize, change: impl FnOnce(&mut Execution)) {
    // An acknowledged write is never taken back by a later, less certain report.
    if let Some(execution) = record.executions.get_mut(index).filter(|e| !e.is_applied()) {
        change(execution);
    }
}

fn planned(record: &mut Record, plan: Plan, now: Timestamp) {
    if record.phase == Phase::RollingBack {
        if let Some(execution) = record.executions.last_mut() {
            execution.digest.clone_from(&plan.digest);
        }
        record.undo_plan = Some(plan);
        return;
    }
    let confirmed = plan.is_executable();
    record.plan = Some(plan);
    if confirmed && record.phase == Phase::Proposed {
        if let Some(grant) = &mut record.planning {
            grant.proved_at = Some(now);
        }
        record.enter(Phase::Planned, now, None);
    }
}

fn plan_refused(record: &mut Record, reason: Reason, now: Timestamp) {
    match record.phase {
        Phase::RollingBack => {
            if let Some(execution) = record.executions.last_mut() {
                execution.outcome = Some(reason);
            }
        }
        // For show only: the Change is refused anyway, for the verdict's reason.
        Phase::Proposed if record.planning.is_none() => {}
        _ => {
            record.ending = Some(Transition {
                phase: Phase::Refused,
                at: now,
                reason: Some(reason),
            })
        }
    }
}
